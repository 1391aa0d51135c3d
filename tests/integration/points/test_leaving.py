"""Leaving for good: what is lost, what is refused afterwards, who may come back and how."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.points.store import leaving as store
from services.points.web import card
from shared import clock, ids
from shared.events import ChatDataRequested, MemberRef, new_event
from tests.integration.points.shop import (
    PLAIN,
    Points,
    eventually,
    line_event,
    owner,
    pos,
    submitted,
    verified,
)

USER = "U" + "4" * 32


@pytest.fixture
def signed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ID token is the LINE user's id."""

    async def user(_: card.Card, token: str) -> str:
        return token

    monkeypatch.setattr(card.Card, "user", user)


async def joined(points: Points, user: str = USER) -> Any:
    await points.follow(user)
    member = await points.member(user)

    async def welcomed() -> bool:
        return await points.balance(member["id"]) == 50

    await eventually(welcomed, "no welcome points")
    return member


async def bought(points: Points, member: Any, total: int = 1000, status: str = "awarded") -> Any:
    event = submitted(MemberRef(card=member["card"]), total)
    await points.publish(event)
    await points.status(event.id, status)
    return event.id


async def leave(points: Points, member: Any, key: str = "bye", **body: Any) -> httpx.Response:
    path = f"/v1/members/{member['id']}/leave"
    return await points.client.post(path, json=body, headers=owner(key))


async def redeem(points: Points, member: Any, count: int, **body: Any) -> httpx.Response:
    asked = {"member": {"id": str(member["id"])}, "store": "main", "points": count, **body}
    return await points.client.post("/v1/redemptions", json=asked, headers=pos(ids.new_id().hex))


async def account(points: Points, member: Any) -> tuple[int, ...]:
    row = await points.pool.fetchrow(
        "SELECT in_lots, pending, held, debt FROM accounts WHERE member_id = $1", member["id"]
    )
    return tuple(row)


async def test_what_could_be_spent_is_held_or_pending_is_lost(points: Points) -> None:
    member = await joined(points)
    document = {**PLAIN, "pending": {"days": 3}}
    assert (await points.client.put("/v1/program", json=document, headers=owner())).is_success
    await bought(points, member, 2000)
    held = (await redeem(points, member, 30)).json()
    assert await account(points, member) == (50, 20, 30, 0)
    answer = await leave(points, member, reason="引っ越し")
    assert answer.status_code == 201, answer.text
    assert (answer.json()["status"], answer.json()["points_lost"]) == ("left", 70)
    assert await account(points, member) == (0, 0, 0, 0)
    row = await points.pool.fetchrow("SELECT * FROM redemptions")
    assert (str(row["id"]), row["status"]) == (held["id"], "voided")
    rows = (await points.client.get(f"/v1/members/{member['id']}/entries", headers=owner())).json()
    last = rows["items"][0]
    assert (last["kind"], last["source"], last["amount"]) == ("expire", "leaving", -70)
    assert last["explanation"]["text"] == {
        "ja": "退会により失効 -70ポイント\nうち20ポイントは反映待ちでした",
        "en": "Lost on leaving: -70 points\nWere pending: 20 points",
    }
    told = await points.told("member.left.v1")
    assert [(each["points_lost"], each["line_user_id"]) for each in told] == [(70, USER)]
    await verified(points)


async def test_the_same_key_again_says_the_same_and_another_one_is_refused(points: Points) -> None:
    member = await joined(points)
    first = await leave(points, member)
    assert (await leave(points, member)).json() == first.json()
    again = await leave(points, member, "another")
    assert (again.status_code, again.json()["type"]) == (409, "urn:tamaru:problem:member-gone")
    assert len(await points.told("member.left.v1")) == 1


async def test_a_debt_stays_and_the_ledger_adds_up(points: Points) -> None:
    member = await joined(points)
    purchase = await bought(points, member, 5000)
    assert (await redeem(points, member, 80, capture=True)).is_success
    refund = await points.client.post(
        f"/v1/purchases/{purchase}/refunds", json={}, headers=pos("back")
    )
    assert refund.is_success
    assert await account(points, member) == (0, 0, 0, 30)
    assert (await leave(points, member)).json()["points_lost"] == 0
    assert await account(points, member) == (0, 0, 0, 30)
    total = await points.pool.fetchval("SELECT sum(amount) FROM entries")
    assert total == -30
    await verified(points)


async def test_nothing_is_given_or_taken_any_more(points: Points) -> None:
    member = await joined(points)
    before = await bought(points, member)
    await leave(points, member)
    refused = await bought(points, member, status="rejected")
    rejected = await eventually(lambda: points.told("purchase.rejected.v1"), "nothing was said")
    assert [(each["purchase_id"], each["reason"]) for each in rejected] == [
        (str(refused), "member_left")
    ]
    answer = await points.client.get(f"/v1/purchases/{refused}", headers=pos())
    assert "退会" in answer.json()["detail"]
    assert (await redeem(points, member, 1)).status_code == 422
    id = member["id"]
    quote = {
        "store": "main",
        "member": {"card": member["card"]},
        "occurred_at": clock.now().isoformat(),
        "total": 1000,
        "tax": 0,
    }
    calls = [
        ("/v1/quotes", quote),
        (f"/v1/members/{id}/adjustments", {"points": 5, "reason": "x"}),
        (f"/v1/members/{id}/service-points", {"points": 5, "reason": "x"}),
    ]
    for path, body in calls:
        answer = await points.client.post(path, json=body, headers=owner(path[-20:]))
        assert (answer.status_code, answer.json()["type"]) == (
            409,
            "urn:tamaru:problem:member-gone",
        ), path
    refund = await points.client.post(f"/v1/purchases/{before}/refunds", json={}, headers=pos("r"))
    assert refund.is_success, "a refund is a fact, whoever has left"
    await verified(points)


async def test_purchases_that_meet_the_leaving_are_awarded_before_it_or_rejected(
    points: Points,
) -> None:
    member = await joined(points)
    events = [submitted(MemberRef(card=member["card"]), 1000) for _ in range(20)]
    await asyncio.gather(
        points.publish(*events[:10]), leave(points, member), points.publish(*events[10:])
    )

    async def settled() -> Any:
        return await points.pool.fetchval(
            "SELECT count(*) = 20 FROM requests WHERE status IN ('awarded', 'rejected')"
            " AND kind = 'purchase'"
        )

    await eventually(settled, "purchases are still under way")
    assert await account(points, member) == (0, 0, 0, 0)
    await verified(points)


async def test_only_a_new_follow_brings_back_and_with_a_new_card(points: Points) -> None:
    member = await joined(points)
    await leave(points, member)
    old = line_event("follow", USER, clock.now() - timedelta(hours=1))
    await points.handled("points.members", old, line_event("message", USER))
    asked = new_event("/notify", ChatDataRequested(USER, "balance"))
    await points.handled("points.chat", asked)
    assert await points.pool.fetchval("SELECT count(*) FROM members") == 1
    assert await points.told("chat.data_provided.v1") == []
    later = clock.now() + timedelta(seconds=2)
    again = line_event("follow", USER, later, replyToken="f" * 32)
    await points.handled("points.members", line_event("follow", USER, old.time), again)
    new = await points.member(USER)
    assert (new["id"] != member["id"], new["card"] != member["card"]) == (True, True)
    assert await points.balance(new["id"]) == 0, "the welcome is given once in a lifetime"
    await bought(points, new)
    assert await points.balance(new["id"]) == 10
    await bought(points, member, status="rejected")
    await verified(points)


async def test_names_are_free_again(points: Points) -> None:
    body = {"phone": "09011112222", "external_id": "crm-1"}
    first = await points.client.post("/v1/members", json=body, headers=owner("one"))
    await leave(points, first.json())
    second = await points.client.post("/v1/members", json=body, headers=owner("two"))
    assert second.status_code == 201, second.text
    assert second.json()["id"] != first.json()["id"]


async def test_a_merge_with_who_left_is_not_undone(points: Points) -> None:
    member = await joined(points)
    other = await points.client.post("/v1/members", json={"phone": "0901" * 3}, headers=owner("o"))
    merged = await points.client.post(
        f"/v1/members/{member['id']}/merge",
        json={"absorb": {"id": other.json()["id"]}, "reason": "same"},
        headers=owner("m"),
    )
    await leave(points, member)
    path = f"/v1/merges/{merged.json()['merge']['id']}/undo"
    assert (await points.client.post(path, headers=owner("u"))).status_code == 409
    assert (await leave(points, other.json(), "x")).status_code == 409


async def test_on_the_card_it_asks_first(points: Points, signed_in: None) -> None:
    member = await joined(points)
    mine = {"Authorization": f"Bearer {USER}"}
    asked = await points.client.get("/card/leave", headers=mine)
    assert "残りの 50 ポイントはすべて失われます" in asked.text
    english = await points.client.get("/card/leave", headers={**mine, "Accept-Language": "en"})
    assert "Your remaining 50 points will be lost" in english.text
    await bought(points, member)
    late = await points.client.post("/card/leave", json={"points": 50}, headers=mine)
    assert late.json()["type"] == "urn:tamaru:problem:points-changed"
    assert await points.balance(member["id"]) == 60
    gone = await points.client.post("/card/leave", json={"points": 60}, headers=mine)
    assert "退会しました" in gone.text
    seen = await points.client.get("/card/view", headers=mine)
    assert (seen.status_code, seen.json()["type"]) == (404, "urn:tamaru:problem:member-left")
    entry = await points.pool.fetchrow("SELECT * FROM entries WHERE source = 'leaving'")
    assert (entry["actor"], entry["amount"]) == ("customer", -60)


async def test_what_is_kept_of_a_line_user_who_left_leads_back_to_nobody(points: Points) -> None:
    member = await joined(points)
    await leave(points, member)
    row = await points.pool.fetchrow("SELECT * FROM farewells")
    assert row["user_hash"] == store.hash_of(USER)
    assert USER not in row["user_hash"]
