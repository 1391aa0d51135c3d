"""Members and balances from a file: what a dry run says is what a run does, once."""

from importlib import resources
from uuid import UUID

import msgspec
import pytest

from services.points.imports import checking, reading, taking
from shared import ids
from shared.events import MemberRef
from tests.integration.points.import_desk import Desk
from tests.integration.points.ranking_shop import BRONZE, SILVER, publish, rules
from tests.integration.points.shop import Points, owner, submitted, verified

USER = "Uimport"
CARDS = """\
カード番号,電話番号,氏名,生年月日,地域,タグ,ポイント残高,有効期限,入会日,最終来店日,備考
0001,090-1111-0001,山田 花子,昭和55年3月12日,渋谷区,"常連、犬",120,2099/3/31,R2.4.1,2026/1/5,左利き
0002,9011110002,,,,,"1,500 pt",無期限,令和2年,,
0003,,=1+1,,,,0,,,,
"""


@pytest.fixture
def desk(points: Points) -> Desk:
    return Desk(points)


async def test_a_dry_run_shows_everything_and_writes_nothing(points: Points, desk: Desk) -> None:
    found = await desk.tried(CARDS, "paper_card")
    assert found["state"] == "checked"
    totals = found["totals"]
    assert (totals["new"], totals["bad"], totals["points"], totals["value"]) == (3, 0, 1620, 1620)
    assert totals["noted"] == 1
    rows = (await desk.get(f"{found['id']}/rows"))["items"]
    assert [row["fate"] for row in rows] == ["new"] * 3
    assert rows[1]["notes"][0]["words"]["ja"] == "電話番号: 先頭の0を補いました"
    assert await points.pool.fetchval("SELECT count(*) FROM members") == 0
    assert await points.pool.fetchval("SELECT count(*) FROM entries") == 0


async def test_a_run_brings_members_with_all_that_is_known(points: Points, desk: Desk) -> None:
    done = await desk.ran(CARDS, "paper_card")
    assert (done["done"]["new"], done["done"]["points"], done["done"]["last_row"]) == (3, 1620, 4)
    member = await desk.found(card="0001")
    searched = await points.client.get("/v1/members", params={"q": "0003"}, headers=owner())
    third = await desk.found(card="0003")
    assert [each["id"] for each in searched.json()["items"]] == [third["id"]]
    assert member["id"] == (await desk.found(phone="09011110001"))["id"]
    assert member["points"]["balance"] == 120
    assert member["points"]["expiring"][0]["at"].startswith("2099-03-31T15:00")
    assert member["joined_at"].startswith("2020-03-31T15:00")
    assert member["last_visit_at"].startswith("2026-01-04T15:00")
    path = f"/v1/members/{member['id']}/profile"
    known = (await points.client.get(path, headers=owner())).json()
    assert (known["birthday"], known["area"], known["tags"]) == (
        "1980-03-12",
        "渋谷区",
        ["常連", "犬"],
    )
    assert known["fields"] == {"name": "山田 花子", "note": "左利き"}
    assert known["consent"]["profile"]["source"] == "紙の申込書"
    assert (await desk.found(phone="09011110002"))["points"]["expiring"] == []
    entry = await desk.entry(member["id"])
    assert (entry["kind"], entry["source"], entry["amount"]) == ("transfer", "import", 120)
    facts = msgspec.json.decode(entry["explanation"])
    assert (facts["import"], facts["row"]) == (done["id"], 2)
    assert await points.told("member.joined.v1") == []
    assert {each["quiet"] for each in await points.told("points.adjusted.v1")} == {True}
    await verified(points)


LETTERS = "カード番号,氏名,ポイント残高\nAB-007,山田,0\nＣＤ－008,佐藤,0\n"
_MIGRATION = resources.files("services.points.migrations").joinpath("0045_old_cards_in_form.sql")
_AS_BEFORE = """
UPDATE member_terms t SET term = CASE kind WHEN 'b' THEN card ELSE reverse(card) END
FROM old_cards c WHERE c.member_id = t.owner AND source = 'c'
"""
_SEVENS = """
SELECT id FROM members WHERE card LIKE '%7'
UNION SELECT member_id FROM old_cards WHERE card LIKE '%7'
"""


async def by_typing(points: Points, q: str) -> list[str]:
    answer = await points.client.get("/v1/members", params={"q": q}, headers=owner())
    return [each["id"] for each in answer.json()["items"]]


async def test_an_old_card_with_letters_is_found_however_it_is_typed(
    points: Points, desk: Desk
) -> None:
    await desk.ran(LETTERS, "paper_card")
    member = [(await desk.found(card="AB-007"))["id"]]
    for q in ("AB-007", "ab-0", "ＡＢ－００７"):
        assert await by_typing(points, q) == member, q
    sevens = [str(row["id"]) for row in await points.pool.fetch(_SEVENS)]
    assert sorted(await by_typing(points, "7")) == sorted(sevens), "a new card may end so, too"
    assert member[0] in sevens
    assert len(await by_typing(points, "cd-008")) == 1
    terms = "SELECT kind, term FROM member_terms WHERE source = 'c' ORDER BY kind, term"
    noted = await points.pool.fetch(terms)
    await points.pool.execute(_AS_BEFORE)
    assert await by_typing(points, "ab-007") == []
    _, _, moved = _MIGRATION.read_text().rpartition("$$;")
    await points.pool.execute(moved)
    assert await points.pool.fetch(terms) == noted
    assert await by_typing(points, "ab-007") == member
    await points.pool.execute("DELETE FROM old_cards WHERE card = 'AB-007'")
    assert len(await points.pool.fetch(terms)) == len(noted) / 2
    await points.pool.execute(_AS_BEFORE)
    await points.pool.execute("DELETE FROM old_cards")
    assert await points.pool.fetch(terms) == [], "who is erased is found by no card"


async def test_every_bad_row_is_named_with_its_column(points: Points, desk: Desk) -> None:
    (_, left) = await points.follow(USER), await points.member(USER)
    assert left
    answer = await points.client.post(
        "/v1/members", json={"phone": "0311112222", "external_id": "A-9"}, headers=owner("m")
    )
    assert answer.status_code == 201
    lines = [
        "会員ID,カード番号,電話番号,ポイント残高,ポイント有効期限,ランク,入会日",
        "B-2,,12,10,,,",  # 2: phone
        "B-3,,,-5,,,",  # 3: below zero
        "B-4,,,1.5,,,",  # 4: a fraction
        "B-5,,,10,2020/1/1,,",  # 5: past
        "B-6,,,10,,プラチナ,",  # 6: no such rank
        ",,,10,,,",  # 7: nobody
        "B-8,,,10,,,2099/1/1",  # 8: still to come
        "B-9,,,ten,,,32月",  # 9: two faults
        "B-10,4.90123E+12,,10,,,",  # 10: a spreadsheet's number
        "B-11,,0311112222,10,,,",  # 11: that phone has another id
        "B-12,,,10,,,",
        "B-12,,,10,,,",  # 13: twice
        '"B-14,,,10,,,',  # 14: quotes
        "B-15,,,10,,,",
    ]
    found = await desk.tried("\r\n".join(lines).encode("cp932"))
    assert (found["encoding"], found["totals"]["new"]) == ("cp932", 2)
    assert await desk.faults(found["id"]) == {
        2: [("phone", "phone")],
        3: [("negative", "points")],
        4: [("fraction", "points")],
        5: [("past", "points_until")],
        6: [("rank", "rank")],
        7: [("no_name", None)],
        8: [("future", "joined")],
        9: [("number", "points"), ("date", "joined")],
        10: [("spreadsheet_number", "card")],
        11: [("other_external_id", "external_id")],
        13: [("duplicate", "external_id")],
        14: [("quotes", None)],
    }
    file = await points.client.get(f"/v1/imports/{found['id']}/errors.csv", headers=owner())
    assert file.content.startswith("\ufeff行 / Row".encode())
    assert "12行目と同じです" in file.text
    assert "It is the same as in row 12" in file.text
    assert file.headers["cache-control"] == "no-store"


async def test_a_whole_import_can_be_refused_for_a_bad_row(points: Points, desk: Desk) -> None:
    found = await desk.tried("会員ID,ポイント\nA,1\n,2\n", bad_rows="refuse")
    refused = await desk.step(found["id"], "run")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:tamaru:problem:bad-rows")
    assert await points.pool.fetchval("SELECT count(*) FROM members") == 0


async def test_rows_find_who_is_there(points: Points, desk: Desk) -> None:
    await points.follow(USER)
    member = await points.member(USER)
    phone = {"phone": "09033334444", "reason": "x"}
    path = f"/v1/members/{member['id']}"
    assert (await points.client.patch(path, json=phone, headers=owner())).is_success
    before = await points.balance(member["id"])
    file = "カード番号,携帯,氏名,ポイント\nX-1,090-3333-4444,佐藤,30\n"
    found = await desk.tried(file, "paper_card")
    (row,) = (await desk.get(f"{found['id']}/rows"))["items"]
    assert (row["fate"], row["matched_by"], row["member_id"]) == (
        "matched",
        "phone",
        str(member["id"]),
    )
    assert (await desk.step(found["id"], "run")).status_code == 202
    await desk.work()
    assert await points.balance(member["id"]) == before + 30
    assert (await desk.found(card="X-1"))["id"] == str(member["id"])
    again = await desk.tried(file, "paper_card")
    assert again["same_file_as"] == found["id"]
    assert (again["totals"]["skipped"], again["totals"]["points"]) == (1, 0)
    once_more = await desk.ran(file, "paper_card", again=True)
    assert once_more["done"]["matched"] == 1
    assert await points.balance(member["id"]) == before + 60
    assert await points.told("points.adjusted.v1")
    await verified(points)


async def test_the_same_key_sends_one_file(desk: Desk) -> None:
    first = await desk.send("会員ID\nA\n", key="k")
    again = await desk.send("会員ID\nA\n", key="k")
    assert again.json()["id"] == first.json()["id"]
    other = await desk.send("会員ID\nB\n", key="k")
    assert other.status_code == 409
    uploads = "SELECT count(DISTINCT upload_id) FROM import_chunks"
    assert await desk.pool.fetchval(uploads) == 1
    assert (await desk.send("")).status_code == 422
    assert (await desk.send(b"x" * 20_000_001)).status_code == 413
    await desk.work()
    assert await desk.pool.fetchval("SELECT count(*) FROM import_chunks") == 0


async def test_purchases_that_waited_for_an_old_card_are_earned(points: Points, desk: Desk) -> None:
    event = submitted(MemberRef(card="OLD-7"), 1000)
    await points.publish(event)
    await points.status(event.id, "waiting_for_member")
    await desk.ran("カード番号,ポイント\nOLD-7,5\n", "paper_card")
    await points.status(event.id, "awarded")
    assert (await desk.found(card="OLD-7"))["points"]["balance"] == 15
    late = submitted(MemberRef(card="OLD-7"), 1000)
    await points.publish(late)
    await points.status(late.id, "awarded")
    await verified(points)


async def test_purchases_that_waited_for_a_name_that_a_file_brings_are_earned(
    points: Points, desk: Desk
) -> None:
    body = {"external_id": "crm-1"}
    joined = await points.client.post("/v1/members", json=body, headers=owner("join"))
    assert joined.status_code == 201
    event = submitted(MemberRef(phone="09011112222"), 1000)
    await points.publish(event)
    await points.status(event.id, "waiting_for_member")
    await desk.ran("会員ID,電話番号\ncrm-1,090-1111-2222\n")
    await points.status(event.id, "awarded")
    assert (await desk.found(external_id="crm-1"))["points"]["balance"] == 10
    await verified(points)


async def test_nobody_without_consent_gets_a_birthday_from_a_file(
    points: Points, desk: Desk
) -> None:
    await desk.ran("会員ID,生年月日,入会日\nA,1980/3/12,2020/4/1\n", consent=None)
    member = await desk.found(external_id="A")
    assert member["joined_at"].startswith("2020-03-31T15:00")
    assert await points.pool.fetchval("SELECT birthday FROM members") is None


async def test_what_was_spent_before_counts_and_ranks_come_quietly(
    points: Points, desk: Desk
) -> None:
    gold = {"code": "gold", "name": "ゴールド", "requires": {"amount_spent": 50_000}, "points": 99}
    await publish(points, rules(BRONZE, SILVER, gold, window="lifetime"))
    file = '会員ID,累計購入金額,ランク,ランク有効期限\nA,"¥60,000",,\nB,,シルバー,2099/12/31\n'
    await desk.ran(file)
    assert (await desk.found(external_id="A"))["rank"]["code"] == "gold"
    b = await desk.found(external_id="B")
    assert b["rank"]["code"] == "silver"
    assert b["points"]["balance"] == 0
    assert (await desk.found(external_id="A"))["points"]["balance"] == 0
    told = await points.told("rank.changed.v1")
    assert {(each["to_rank"], each["quiet"]) for each in told} == {("gold", True), ("silver", True)}
    await verified(points)


async def test_a_killed_run_goes_on_and_each_row_counts_once(
    points: Points, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name, size in (
        (reading, "TOGETHER", 4),
        (checking, "PAGE", 5),
        (taking, "PAGE", 3),
    ):
        monkeypatch.setattr(module, name, size)
    lines = "\n".join(f"M-{n},{n}" for n in range(1, 21))
    found = await desk.tried(f"会員ID,ポイント\n{lines}\n")
    assert (await desk.step(found["id"], "run")).status_code == 202
    assert await desk.page()
    stop = await desk.step(found["id"], "pause")
    assert (stop.json()["state"], stop.json()["done"]["last_row"]) == ("paused", 4)
    await desk.work()
    assert (await desk.get(found["id"]))["done"]["new"] == 3
    assert (await desk.step(found["id"], "run", key="on")).status_code == 202
    other = Desk(points)
    assert await other.page()
    with pytest.raises(RuntimeError, match="killed"):
        async with points.pool.acquire() as connection, connection.transaction():
            raise RuntimeError("killed")
    await other.work()
    assert (await desk.step(found["id"], "run", key="on")).json()["state"] == "done"
    await desk.work()
    sums = "SELECT count(*), sum(amount) FROM entries WHERE source = 'import'"
    assert tuple(await points.pool.fetchrow(sums)) == (20, 210)
    await verified(points)


async def test_an_import_is_undone_while_nothing_of_it_is_spent(points: Points, desk: Desk) -> None:
    await points.follow(USER)
    member = await points.member(USER)
    phone = {"phone": "09033334444", "reason": "x"}
    path = f"/v1/members/{member['id']}"
    assert (await points.client.patch(path, json=phone, headers=owner())).is_success
    before = await points.balance(member["id"])
    file = (
        "カード番号,携帯,氏名,タグ,ポイント,最終来店日,累計購入金額\n"
        "X-1,09033334444,佐藤,常連,30,2026/1/5,500\nX-2,09055556666,鈴木,,40,,\n"
    )
    done = await desk.ran(file, "paper_card")
    undone = await desk.step(done["id"], "undo", {})
    assert undone.status_code == 202, undone.text
    await desk.work()
    found = await desk.get(done["id"])
    assert (found["state"], found["done"]["undone"], found["done"]["kept"]) == ("undone", 2, 0)
    assert await points.balance(member["id"]) == before
    known = (await points.client.get(f"{path}/profile", headers=owner())).json()
    assert (known["fields"], known["tags"]) == ({}, [])
    assert known["member"]["last_visit_at"] is None
    for name in ({"card": "X-1"}, {"card": "X-2"}, {"phone": "09055556666"}):
        answer = await points.client.get("/v1/members/lookup", params=name, headers=owner())
        assert answer.status_code == 404, name
    await verified(points)
    once_more = await desk.ran(file, "paper_card")
    assert (once_more["done"]["new"], once_more["done"]["matched"]) == (1, 1)
    await verified(points)


async def test_who_came_with_an_import_and_stays_was_not_seen_before_it(
    points: Points, desk: Desk
) -> None:
    done = await desk.ran("会員ID,最終来店日\nA,2026/1/5\nB,2026/1/5\n")
    member = await desk.found(external_id="A")
    assert member["last_visit_at"].startswith("2026-01-04T15:00")
    kept = await points.pool.fetch("SELECT before::text, after::text, sealed FROM import_effects")
    assert {tuple(row) for row in kept} == {("{}", "{}", None)}, "there is nothing to lock away"
    given = {"points": 10, "reason": "お詫び"}
    path = f"/v1/members/{member['id']}"
    answer = await points.client.post(f"{path}/adjustments", json=given, headers=owner("give"))
    assert answer.is_success, answer.text
    assert (await desk.step(done["id"], "undo", {})).status_code == 202
    await desk.work()
    known = (await points.client.get(f"{path}/profile", headers=owner())).json()
    assert (known["member"]["status"], known["member"]["last_visit_at"]) == ("active", None)
    await verified(points)


async def test_what_was_spent_keeps_an_import_from_being_undone(points: Points, desk: Desk) -> None:
    done = await desk.ran("会員ID,ポイント\nA,30\nB,40\n")
    member = await desk.found(external_id="A")
    spend = {"member": {"id": member["id"]}, "store": "main", "points": 10, "capture": True}
    answer = await points.client.post("/v1/redemptions", json=spend, headers=owner("r"))
    assert answer.status_code == 201, answer.text
    refused = await desk.step(done["id"], "undo", {})
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:tamaru:problem:spent")
    assert "1行のポイント" in refused.json()["detail"]
    assert (await desk.step(done["id"], "undo", {"spent": "keep"})).status_code == 202
    await desk.work()
    effects = (await desk.get(f"{done['id']}/effects"))["items"]
    assert [(each["number"], each["kept"]) for each in effects] == [(2, "spent"), (3, None)]
    assert (await desk.found(external_id="A"))["points"]["balance"] == 20
    answer = await points.client.get(
        "/v1/members/lookup", params={"external_id": "B"}, headers=owner()
    )
    assert answer.status_code == 404
    await verified(points)


async def test_only_an_owner_imports_and_unknown_ones_are_404(points: Points, desk: Desk) -> None:
    answer = await points.client.get(
        "/v1/imports", headers={"Authorization": "Bearer tmr_pos_test"}
    )
    assert answer.status_code == 403
    for step in ("check", "run", "pause", "undo"):
        body = {"columns": {}} if step == "check" else {} if step == "undo" else None
        assert (await desk.step(str(ids.new_id()), step, body)).status_code == 404
    found = await desk.read("会員ID\nA\n")
    unnamed = {**found["choices"], "columns": {"0": "points"}}
    assert (await desk.step(found["id"], "check", unnamed)).status_code == 422
    assert (await desk.step(found["id"], "run")).status_code == 409


async def test_contents_are_deleted_and_what_was_done_stays(points: Points, desk: Desk) -> None:
    done = await desk.ran("会員ID,ポイント\nA,30\n")
    answer = await points.client.delete(f"/v1/imports/{done['id']}/contents", headers=owner())
    assert answer.status_code == 204
    assert (await desk.get(f"{done['id']}/rows"))["items"] == []
    assert len((await desk.get(f"{done['id']}/effects"))["items"]) == 1
    assert UUID(done["id"]) == await points.pool.fetchval("SELECT import_id FROM import_effects")
