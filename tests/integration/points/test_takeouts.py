"""Everything as a ZIP: all of it, of one moment, without secrets; and back in by an import."""

import csv
import io
import zipfile
from typing import Any

import pytest

from services.points import demo
from services.points.store import takeout_sections as sections
from services.points.store import takeouts as store
from services.points.takeouts import writing
from shared.bus.handling import Batch
from shared.events import MemberRef
from tests.integration.points.import_desk import Desk
from tests.integration.points.shop import (
    OWNER_KEY,
    PLAIN,
    POS_KEY,
    Points,
    empty,
    owner,
    submitted,
    verified,
)

USER = "Utakeout"
FORMULA = '=HYPERLINK("http://x")'


@pytest.fixture
def desk(points: Points) -> Desk:
    return Desk(points)


def table(file: bytes, section: str) -> list[dict[str, str]]:
    """A section as a spreadsheet reads it."""
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        assert archive.testzip() is None
        body = archive.read(f"csv/{section}.csv")
    assert body.startswith("\ufeff".encode())
    return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"))))


async def somebody(points: Points) -> Any:
    """A member with points from a purchase, and a name like a formula."""
    await points.follow(USER)
    member = await points.member(USER)
    profile = {
        "phone": "09055556666",
        "fields": {"name": FORMULA, "note": "-1"},
        "consent": {"profile": {"given": True, "source": "counter"}},
    }
    path = f"/v1/members/{member['id']}"
    assert (await points.client.patch(path, json=profile, headers=owner())).is_success
    event = submitted(MemberRef(phone="09055556666"), 1000)
    await points.publish(event)
    await points.status(event.id, "awarded")
    return member


async def test_everything_is_there_and_no_secret(points: Points, desk: Desk) -> None:
    member = await somebody(points)
    file = await desk.takeout()
    (row,) = table(file, "members")
    assert (row["電話番号"], row["氏名"], row["備考"]) == ("09055556666", f"'{FORMULA}", "'-1")
    assert (row["ポイント残高"], row["id"]) == ("60", str(member["id"]))
    earned = next(each for each in table(file, "entries") if each["source"] == "purchase")
    assert "合計 10ポイント" in earned["words_ja"]
    assert [each["amount"] for each in table(file, "purchase_lines")] == ["1000"]
    assert [each["code"] for each in table(file, "stores")] == ["main"]
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        for section in (writing.MEMBERS, *sections.SECTIONS):
            assert f"jsonl/{section}.jsonl" in archive.namelist()
        whole = b"".join(archive.read(name) for name in archive.namelist())
    hashes = await points.pool.fetch("SELECT key_hash FROM terminals")
    for (secret,) in [*hashes, (OWNER_KEY,)]:
        assert secret.encode() not in whole


async def test_every_table_is_in_it_or_left_out_for_a_reason(points: Points) -> None:
    rows = await points.pool.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'points'::regnamespace"
        " AND relkind IN ('r', 'p') AND NOT relispartition"
    )
    tables = {row["relname"] for row in rows} - {"migrations", "said"}
    known = {*sections.SECTIONS, *sections.LEFT_OUT, "members"}
    assert tables - known == set()
    assert set(sections.LEFT_OUT) - tables == set()


async def test_what_is_let_out_can_be_taken_in(points: Points, desk: Desk, database: Any) -> None:
    lines = "\n".join(f"M-{n},{n * 3},2099/{n % 12 + 1}/28,{n * 100}" for n in range(1, 30))
    await desk.ran(f"会員ID,ポイント残高,ポイント有効期限,累計購入金額\n{lines}\n")
    await somebody(points)
    file = await desk.takeout()
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        members = archive.read("csv/members.csv")
    await empty(database.admin_url)
    async with points.pool.acquire() as connection, connection.transaction():
        await demo.seed(Batch(connection), {"pos": POS_KEY, "owner": OWNER_KEY})
    assert (await points.client.put("/v1/program", json=PLAIN, headers=owner())).is_success
    there = Desk(points)
    done = await there.ran(members)
    assert (done["done"]["new"], done["done"]["bad"]) == (30, 0)
    before, after = table(file, "members"), table(await there.takeout(), "members")
    same = ("会員ID", "電話番号", "氏名", "備考", "ポイント残高", "ポイント有効期限", "入会日")
    assert sorted([row[name] for name in same] for row in after) == sorted(
        [row[name] for name in same] for row in before
    )
    assert sum(int(row["累計購入金額"]) for row in after) == 1000 + 43_500
    old = await there.found(card=before[0]["カード番号"])
    assert old["card"] != before[0]["カード番号"]
    await verified(points)


async def test_a_killed_one_is_written_anew_and_a_cancelled_one_is_gone(
    points: Points, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await somebody(points)
    monkeypatch.setattr(writing, "PART", 64)
    answer = await points.client.post("/v1/exports", headers=owner("e"))
    id = answer.json()["id"]
    assert (await points.client.post("/v1/exports", headers=owner("e"))).json()["id"] == id
    early = await points.client.get(f"/v1/exports/{id}/file", headers=owner())
    assert early.status_code == 409
    kept = store.keep

    async def killed(*args: Any) -> bool:
        if args[2] == 3:
            raise ConnectionResetError
        return await kept(*args)

    monkeypatch.setattr(store, "keep", killed)
    with pytest.raises(ConnectionResetError):
        await writing.write_one(points.pool, desk.rulebook)
    monkeypatch.setattr(store, "keep", kept)
    assert await writing.write_one(points.pool, desk.rulebook)
    assert not await writing.write_one(points.pool, desk.rulebook)
    shown = (await points.client.get(f"/v1/exports/{id}", headers=owner())).json()
    file = await points.client.get(f"/v1/exports/{id}/file", headers=owner())
    assert (shown["status"], shown["size"]) == ("done", len(file.content))
    assert file.headers["cache-control"] == "no-store"
    assert len(table(file.content, "members")) == 1
    gone = await points.client.delete(f"/v1/exports/{id}", headers=owner())
    assert gone.json()["status"] == "cancelled"
    assert await points.pool.fetchval("SELECT count(*) FROM takeout_chunks") == 0
    for headers in ({"Authorization": "Bearer tmr_pos_test"}, {}):
        refused = await points.client.get(f"/v1/exports/{id}/file", headers=headers)
        assert refused.status_code in (401, 403)
