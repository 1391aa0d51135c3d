"""Undoing at the counter: by an entry of its own, once, in time, by whoever may."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from services.points.programs.rulebook import Rulebook
from services.points.purchases import refunding
from services.points.store import ranks
from shared import clock, outbox
from tests.integration.points.desk import (
    allow,
    another_till,
    bought,
    joined,
    keyed,
    kind,
    post,
    undo,
)
from tests.integration.points.shop import Points, owner, pos, verified


@pytest.fixture
async def member(points: Points) -> Any:
    """A member with 50 points."""
    return await joined(points)


async def last_entry(points: Points) -> Any:
    return await points.pool.fetchrow("SELECT * FROM entries ORDER BY id DESC LIMIT 1")


async def test_a_purchase_is_refunded_whole_and_spent_points_return(
    points: Points, member: Any
) -> None:
    made = await bought(points, member, 1000, use_points=30)
    undone = await undo(points, made)
    assert undone.status_code == 201, undone.text
    body = undone.json()
    assert (body["balance"], body["remaining"], body["undo_until"]) == (50, 0, None)
    assert body["undone"]["by"].startswith("terminal:")
    account = await points.pool.fetchrow("SELECT earned, spent, visits, purchases FROM accounts")
    assert tuple(account) == (50, 0, 0, 0)
    linked = await points.pool.fetchval(
        "SELECT count(*) FROM counter_acts a JOIN refunds r ON r.id = a.undone_as"
        " JOIN entries e ON e.cause = r.id AND e.kind = 'reverse'"
    )
    assert linked == 1
    await verified(points)


async def test_a_visit_counts_once_a_day_and_again_when_undone(points: Points, member: Any) -> None:
    rules = [{"id": "come", "type": "visit", "points": 3, "limit": {"per": "day", "count": 1}}]
    await allow(points, accrual={"rules": rules})
    who = {"member": {"card": member["card"]}}
    came = await post(points, "visits", **who)
    assert came.status_code == 201, came.text
    assert (came.json()["points"], came.json()["visits"], came.json()["balance"]) == (3, 1, 53)
    again = await post(points, "visits", **who)
    assert (again.status_code, kind(again)) == (409, "visit-counted")
    undone = await undo(points, came.json())
    assert (undone.status_code, undone.json()["balance"]) == (201, 50)
    account = await points.pool.fetchrow("SELECT earned, visits, purchases FROM accounts")
    assert tuple(account) == (50, 0, 0)
    assert (await post(points, "visits", **who)).status_code == 201
    await verified(points)


async def test_spent_points_return_to_their_lots(points: Points, member: Any) -> None:
    spent = await post(points, "redemptions", member={"card": member["card"]}, points=40)
    lots = "SELECT entry_id, remaining FROM lots ORDER BY entry_id"
    assert [row["remaining"] for row in await points.pool.fetch(lots)] == [10]
    undone = await undo(points, spent.json())
    assert (undone.status_code, undone.json()["balance"]) == (201, 50)
    entry = await last_entry(points)
    assert (entry["kind"], entry["source"], entry["amount"]) == ("reverse", "undo", 40)
    assert entry["reverses"] is not None
    assert [row["remaining"] for row in await points.pool.fetch(lots)] == [50]
    told = await points.told("points.adjusted.v1")
    assert [(each["points"], each["balance"]) for each in told] == [(40, 50)]
    await verified(points)


async def test_given_points_are_taken_back_and_can_be_given_again(
    points: Points, member: Any
) -> None:
    await allow(points, service={"maximum_points": 500, "points_per_day": 500})
    who = {"member": {"card": member["card"]}, "reason": "雨の日"}
    wrong = await post(points, "service-points", points=500, **who)
    assert (await post(points, "service-points", points=5, **who)).status_code == 422
    undone = await undo(points, wrong.json())
    assert (undone.status_code, undone.json()["balance"]) == (201, 50)
    entry = await last_entry(points)
    assert (entry["kind"], entry["source"], entry["amount"]) == ("reverse", "undo", -500)
    assert await points.pool.fetchval("SELECT earned FROM accounts") == 50
    right = await post(points, "service-points", points=5, **who)
    assert (right.status_code, right.json()["balance"]) == (201, 55)
    words = await points.client.get(f"/v1/members/{member['id']}/entries", headers=pos())
    assert words.json()["items"][1]["explanation"]["text"] == {
        "ja": "お店からのポイントの取り消し -500ポイント",
        "en": "Points from the shop, undone: -500 points",
    }
    await verified(points)


async def test_ranks_forget_what_was_undone(points: Points, member: Any) -> None:
    await allow(points, service={"maximum_points": 500})
    who = {"member": {"card": member["card"]}, "reason": "雨の日"}
    made = await post(points, "service-points", points=500, **who)
    await undo(points, made.json())
    for since in (None, clock.now() - timedelta(days=1)):
        async with points.pool.acquire() as connection:
            measured = await ranks.measure(connection, [member["id"]], since)
        assert measured[member["id"]].points_earned == 50


async def test_it_is_undone_once(points: Points, member: Any) -> None:
    made = await bought(points, member)
    answers = await asyncio.gather(*(undo(points, made) for _ in range(5)))
    assert sorted(each.status_code for each in answers) == [201, 409, 409, 409, 409]
    assert {kind(each) for each in answers if each.status_code == 409} == {"already-undone"}
    again = [await undo(points, made, pos("one key")) for _ in range(2)]
    assert [each.status_code for each in again] == [409, 409]
    other = await bought(points, member)
    same = [await undo(points, other, pos("the key")) for _ in range(2)]
    assert [each.status_code for each in same] == [201, 201]
    assert await points.balance(member["id"]) == 50
    await verified(points)


async def test_not_when_the_points_were_spent_meanwhile(points: Points, member: Any) -> None:
    await allow(points, service={"maximum_points": 500})
    who = {"member": {"card": member["card"]}}
    purchase = await bought(points, member, 1000)
    gift = await post(points, "service-points", points=10, reason="雨の日", **who)
    await post(points, "redemptions", points=70, **who)
    for made in (purchase, gift.json()):
        refused = await undo(points, made)
        assert (refused.status_code, kind(refused)) == (409, "points-spent"), made["kind"]
        assert "返金" in refused.json()["detail"]
    assert await points.balance(member["id"]) == 0
    back = await post(points, "refunds", purchase=purchase["purchase"])
    assert (back.status_code, back.json()["balance"]) == (201, -10)
    await verified(points)


async def test_only_for_a_time_and_longer_for_a_manager(points: Points, member: Any) -> None:
    first, second, third = [await bought(points, member, total) for total in (100, 200, 300)]
    other = await another_till(points)
    theirs = await undo(points, first, keyed(other))
    assert (theirs.status_code, kind(theirs)) == (409, "not-yours")
    assert (await undo(points, first, owner("m1"))).status_code == 201
    try:
        clock.set_offset(timedelta(minutes=11))
        late = await undo(points, second)
        assert (late.status_code, kind(late)) == (409, "too-late-to-undo")
        seen = await points.client.get(f"/v1/counter/acts/{second['id']}", headers=pos())
        assert seen.json()["undo_until"] is None
        assert (await undo(points, second, owner("m2"))).status_code == 201
        clock.set_offset(timedelta(hours=25))
        late = await undo(points, third, owner("m3"))
        assert (late.status_code, kind(late)) == (409, "too-late-to-undo")
    finally:
        clock.set_offset(timedelta(0))
    await verified(points)


async def test_a_refund_stays(points: Points, member: Any) -> None:
    made = await bought(points, member)
    back = await post(points, "refunds", purchase=made["purchase"])
    refused = await undo(points, back.json())
    assert (refused.status_code, kind(refused)) == (409, "not-undoable")
    gone = await undo(points, made)
    assert (gone.status_code, kind(gone)) == (409, "nothing-left")


async def test_a_purchase_on_its_way_is_undone_right_after_it(points: Points, member: Any) -> None:
    async with points.pool.acquire() as connection, connection.transaction():
        # Whoever awards waits for the account; the counter does not.
        await connection.execute("SELECT 1 FROM accounts FOR UPDATE")
        made = await post(points, "purchases", member={"card": member["card"]}, total=1000)
        assert (made.status_code, made.json()["status"]) == (202, "accepted")
        undone = await undo(points, made.json())
        assert undone.status_code == 201 and undone.json()["undone"]
    purchase = made.json()["purchase"]
    await points.status(purchase, "awarded")
    relay = outbox.Relay(points.pool, points.bus.publisher)
    await refunding.sweep(points.pool, relay, Rulebook())
    await relay.join()
    assert await points.balance(member["id"]) == 50
    await verified(points)
