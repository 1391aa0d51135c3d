"""A copy of all that is known of a member, and erasure, over the three services that keep some:
real databases, the real handlers, the real bus."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from services.notify.store.personal import hash_of
from services.points.members import exporting
from services.points.web import card
from shared import clock
from shared.events import MemberRef
from tests.integration.points.house import (
    MERGED,
    NAME,
    OTHER,
    PHONE,
    SECRETS,
    USER,
    House,
    consuming,
    emptied,
    everything,
    somebody,
)
from tests.integration.points.shop import (
    Points,
    eventually,
    line_event,
    owner,
    pos,
    submitted,
    verified,
)


@pytest.fixture
async def house(
    points: Points, servers: Any, database: Any, namespace: str
) -> AsyncIterator[House]:
    """The other services, with nothing in them."""
    async with consuming(servers, database, namespace) as house:
        await emptied(house)
        yield house


async def erase(points: Points, member: Any, confirm: str | None = None) -> httpx.Response:
    return await points.client.post(
        f"/v1/members/{member['id']}/erasure",
        json={"confirm": confirm or member["card"]},
        headers=owner(f"erase {confirm}"),
    )


async def copy_of(points: Points, member: Any, id: str) -> Any:
    path = f"/v1/members/{member['id']}/exports/{id}"

    async def complete() -> Any:
        answer = await points.client.get(path, headers=owner())
        assert answer.status_code == 200, answer.text
        return answer if answer.json()["status"] == "complete" else None

    return await eventually(complete, "not all services answered")


async def test_a_copy_has_all_that_is_known_in_all_services(points: Points, house: House) -> None:
    member = await somebody(points, house)
    path = f"/v1/members/{member['id']}/export"
    asked = await points.client.post(path, headers=owner("copy"))
    assert asked.status_code == 202, asked.text
    answer = await copy_of(points, member, asked.json()["id"])
    assert "attachment" in answer.headers["content-disposition"]
    data = answer.json()["data"]
    assert set(data) == set(exporting.SERVICES)
    for secret in SECRETS:
        assert secret in answer.text, secret
    ours = data["points"]
    assert ours["members"][0]["phone"] == PHONE
    assert ours["purchases"][0]["receipt"]["receipt"] == "receipt-0555"
    earned = next(each for each in ours["entries"] if each["source"] == "purchase")
    assert "1,000円のお買い上げ" in earned["words"]["ja"]
    assert {"welcome", "purchase", "adjustment", "redemption"} <= {
        each["source"] for each in ours["entries"]
    }
    assert (len(ours["redemptions"]), len(ours["merges"]), len(ours["ranks"])) == (1, 1, 1)
    theirs = data["notify"]
    assert theirs["recipients"][0]["display_name"] == NAME
    assert theirs["messages"][0]["messages"][0]["text"] == f"{USER} さんへ"
    assert theirs["received"][0]["event"]["type"] == "follow"
    assert (
        data["webhook"]["accepted_and_not_yet_handed_over"][0]["event"]["data"]["user_id"] == USER
    )
    assert OTHER not in answer.text
    again = await points.client.post(path, headers=owner("copy"))
    assert again.json()["id"] == asked.json()["id"]


async def test_a_service_that_does_not_answer_is_named(
    points: Points, monkeypatch: pytest.MonkeyPatch
) -> None:
    await points.follow(USER)
    member = await points.member(USER)
    path = f"/v1/members/{member['id']}/export"
    asked = (await points.client.post(path, headers=owner("copy"))).json()
    assert (asked["status"], asked["missing"]) == ("assembling", ["notify", "webhook"])
    path = f"/v1/members/{member['id']}/exports/{asked['id']}"
    assert (await points.client.get(path, headers=owner())).json()["data"] == {}
    monkeypatch.setattr(exporting, "DEADLINE", timedelta())
    late = (await points.client.get(path, headers=owner())).json()
    assert (late["status"], late["missing"]) == ("partial", ["notify", "webhook"])
    assert set(late["data"]) == {"points"}
    other = await points.client.get(
        f"/v1/members/{asked['id']}/exports/{asked['id']}", headers=owner()
    )
    assert other.status_code == 404


async def test_a_customer_takes_their_own_copy_only(
    points: Points, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def user(_: card.Card, token: str) -> str:
        return token

    monkeypatch.setattr(card.Card, "user", user)
    await somebody(points, house)
    await points.follow(OTHER)
    await points.member(OTHER)
    mine, theirs = ({"Authorization": f"Bearer {each}"} for each in (USER, OTHER))
    id = (await points.client.post("/card/exports", headers=mine)).json()["id"]
    assert (await points.client.post("/card/exports", headers=mine)).json()["id"] == id

    async def complete() -> Any:
        answer = await points.client.get(f"/card/exports/{id}", headers=mine)
        return answer.json()["status"] == "complete"

    await eventually(complete, "not all services answered")
    assert (await points.client.get(f"/card/exports/{id}", headers=theirs)).status_code == 404


async def test_erasure_leaves_nothing_personal_and_all_totals(points: Points, house: House) -> None:
    member = await somebody(points, house)
    path = f"/v1/members/{member['id']}/export"
    await copy_of(
        points, member, (await points.client.post(path, headers=owner("copy"))).json()["id"]
    )
    before = await everything(house)
    cards = await points.pool.fetch("SELECT card FROM members UNION SELECT card FROM lost_cards")
    assert len(cards) == 3
    clear = [secret for secret in (*SECRETS, member["card"]) if secret not in (PHONE, MERGED)]
    for secret in clear:
        assert secret in before, secret
    assert await points.pool.fetchval("SELECT count(*) FROM member_phones") == 2
    sums = "SELECT sum(amount_spent), sum(earned), sum(spent), sum(visits) FROM accounts"
    totals = tuple(await points.pool.fetchrow(sums))
    answer = await erase(points, member)
    assert answer.status_code == 201, answer.text
    assert answer.json()["points_lost"] == 62

    async def gone() -> Any:
        after = await everything(house)
        return not any(secret in after for secret in SECRETS)

    try:
        await eventually(gone, "")
    except TimeoutError:
        after = (await everything(house)).splitlines()
        raise AssertionError([each for each in after if any(s in each for s in SECRETS)]) from None
    after = await everything(house)
    assert [card for (card,) in cards if card in after] == []
    assert OTHER in after, "nobody else is touched"
    marks = (
        "SELECT (SELECT count(*) FROM member_phones), count(*) FROM member_terms WHERE source = 'n'"
    )
    assert tuple(await points.pool.fetchrow(marks)) == (0, 0)
    assert tuple(await points.pool.fetchrow(sums)) == totals
    assert (await erase(points, member)).json() == answer.json()
    told = await points.told("member.erased.v1")
    assert [each.get("line_user_id") for each in told] == [USER, None]
    await verified(points)


async def test_a_purchase_in_the_spool_was_accepted_and_stays(points: Points, house: House) -> None:
    member = await somebody(points, house)
    await house.webhook.execute(
        "INSERT INTO spool (type, body, accepted_at) VALUES ('purchase.submitted.v1', $1, $2)",
        USER.encode(),
        clock.now(),
    )
    assert (await erase(points, member)).is_success

    async def left() -> Any:
        rows = await house.webhook.fetch("SELECT type FROM spool")
        return rows if len(rows) < 2 else None

    assert [row["type"] for row in await eventually(left, "nothing was deleted")] == [
        "purchase.submitted.v1"
    ]


async def test_a_purchase_of_who_was_erased_can_still_be_refunded(points: Points) -> None:
    await points.follow(USER)
    member = await points.member(USER)
    event = submitted(MemberRef(card=member["card"]), 1000, receipt="receipt-0555")
    await points.publish(event)
    await points.status(event.id, "awarded")
    assert (await erase(points, member)).is_success
    path = f"/v1/purchases/{event.id}/refunds"
    answer = await points.client.post(path, json={}, headers=pos("back"))
    assert answer.is_success, answer.text
    assert answer.json()["points_taken_back"] == 10
    seen = await points.client.get(f"/v1/purchases/{event.id}", headers=pos())
    assert seen.json()["refunded"] == 1000
    await verified(points)


async def test_who_was_merged_and_told_apart_keeps_no_card_of_theirs(
    points: Points, house: House
) -> None:
    await points.follow(USER)
    member = await points.member(USER)
    made = await points.client.post("/v1/members", json={"phone": MERGED}, headers=owner("o"))
    other = made.json()
    gift = {"points": 5, "reason": "x"}
    path = f"/v1/members/{other['id']}/adjustments"
    assert (await points.client.post(path, json=gift, headers=owner("g"))).is_success
    path = f"/v1/members/{member['id']}/merge"
    body = {"absorb": {"id": other["id"]}, "reason": NAME}
    merge = (await points.client.post(path, json=body, headers=owner("m"))).json()["merge"]
    undone = await points.client.post(f"/v1/merges/{merge['id']}/undo", headers=owner("u"))
    assert undone.is_success, undone.text
    assert other["card"] in await everything(house)
    assert (await erase(points, other)).is_success
    after = await everything(house)
    assert [each for each in (other["card"], MERGED, NAME) if each in after] == []
    assert member["card"] in after
    await verified(points)


async def test_erasure_wants_the_card_and_happens_once(points: Points) -> None:
    await points.follow(USER)
    member = await points.member(USER)
    wrong = await erase(points, member, "2900000000000")
    assert (wrong.status_code, wrong.json()["errors"][0]["path"]) == (422, "confirm")
    assert await points.pool.fetchval("SELECT status FROM members") == "active"
    assert (await erase(points, member)).is_success
    row = await points.pool.fetchrow("SELECT * FROM members")
    again = await erase(points, member, row["card"])
    assert again.status_code == 409
    seen = (await points.client.get(f"/v1/members/{member['id']}", headers=owner())).json()
    assert (seen["status"], seen["card"]) == ("left", f"erased-{member['id']}")


async def test_what_comes_late_of_who_was_erased_is_not_kept(points: Points, house: House) -> None:
    member = await somebody(points, house)
    late = line_event("message", USER, message={"type": "text", "id": "1", "text": NAME})
    assert (await erase(points, member)).is_success

    async def gone() -> Any:
        return await house.notify.fetchval(
            "SELECT true FROM erasures WHERE user_hash = $1", hash_of(USER)
        )

    await eventually(gone, "notify did not hear of it")
    new = line_event("follow", USER, clock.now() + timedelta(seconds=1), replyToken="f" * 32)
    await points.handled("points.members", late, new)

    async def heard() -> Any:
        return await house.notify.fetchval("SELECT true FROM line_events WHERE id = $1", new.id)

    await eventually(heard, "the new follow was not kept")
    assert (
        await house.notify.fetchval("SELECT count(*) FROM line_events WHERE id = $1", late.id) == 0
    )
    back = await points.member(USER)
    assert back["id"] != member["id"]
    assert await points.balance(back["id"]) == 0
    await verified(points)


async def test_a_purchase_that_waited_for_them_is_rejected(points: Points) -> None:
    made = await points.client.post("/v1/members", json={"phone": PHONE}, headers=owner("m"))
    member = made.json()
    assert (
        await points.client.post(f"/v1/members/{member['id']}/leave", headers=owner("l"))
    ).is_success
    event = submitted(MemberRef(phone=PHONE), 1000)
    await points.publish(event)
    await points.status(event.id, "waiting_for_member")
    assert (await erase(points, member)).is_success
    await points.status(event.id, "rejected")
    assert await points.pool.fetchval("SELECT count(*) FROM waiting_purchases") == 0


async def test_the_ledger_lets_words_be_taken_out_and_nothing_else(points: Points) -> None:
    await points.follow(USER)
    member = await points.member(USER)
    path = f"/v1/members/{member['id']}/adjustments"
    body = {"points": 5, "reason": NAME}
    assert (await points.client.post(path, json=body, headers=owner("a"))).is_success
    for change in (
        "explanation = '{}'",
        """explanation = '{"points": 5, "reason": "another"}'""",
        "amount = 6, explanation = (explanation::jsonb - 'reason')::json",
    ):
        with pytest.raises(asyncpg.PostgresError, match="append-only"):
            await points.pool.execute(f"UPDATE entries SET {change} WHERE source = 'adjustment'")
