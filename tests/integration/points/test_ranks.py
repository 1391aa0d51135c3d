"""Ranks follow what members did: up at once, down only at night, everybody after new rules."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.points.rules.ranks import Metrics
from services.points.store import ranks as store
from shared import clock, ids
from tests.integration.points.ranking_shop import (
    BRONZE,
    SILVER,
    becomes,
    buy,
    gifts,
    join,
    look,
    night,
    publish,
    rules,
)
from tests.integration.points.shop import Points, owner

USER = "U" + "3" * 32


async def customer(points: Points) -> Any:
    """A customer in LINE, with the welcome points."""
    await points.follow(USER)
    member = await points.member(USER)
    return {"id": str(member["id"]), "card": member["card"]}


async def test_a_purchase_lifts_the_rank_at_once_and_it_is_told_once(points: Points) -> None:
    member = await customer(points)
    before = await look(points, member)
    assert before["rank"] is None
    assert before["next_rank"]["missing"] == {"visits": 1}
    await buy(points, member, 1000)
    await becomes(points, member, "bronze")
    after = await look(points, member)
    assert after["rank"]["code"] == "bronze"
    assert after["rank"]["next"] == {
        "code": "silver",
        "name": "シルバー",
        "missing": {"points_earned": 40, "visits": 1},
        "progress": 50,
    }
    await buy(points, member, 100_000)
    await becomes(points, member, "silver")
    told = await points.told("rank.changed.v1")
    assert [(each["direction"], each["to_rank"]) for each in told] == [
        ("up", "bronze"),
        ("up", "silver"),
    ]


async def test_the_night_takes_a_rank_back_only_after_its_keep_period(points: Points) -> None:
    member = await customer(points)
    await buy(points, member, 1000)
    await becomes(points, member, "bronze")
    await points.pool.execute(
        "UPDATE purchases SET occurred_at = occurred_at - '2 years'::interval"
    )
    await night(points)
    await becomes(points, member, "bronze")
    await points.pool.execute("UPDATE ranks SET keep_until = keep_until - '2 years'::interval")
    await night(points)
    await becomes(points, member, None)
    await night(points)
    told = await points.told("rank.changed.v1")
    assert [each["direction"] for each in told] == ["up", "down"]


async def test_new_rules_lift_everybody_who_now_qualifies(points: Points) -> None:
    member = await customer(points)
    easy = {"code": "easy", "name": "イージー", "requires": {"points_earned": 10}}
    await publish(points, rules(easy))
    await becomes(points, member, "easy")


async def test_eight_levels_with_combined_conditions_one_by_one(points: Points) -> None:
    levels = [
        {
            "code": f"l{n}",
            "name": f"L{n}",
            "requires": {"visits": n, "points_earned": 10 * n, "amount_spent": 1000 * n},
        }
        for n in range(1, 9)
    ]
    await publish(points, rules(*levels))
    member = await join(points)
    for n in range(1, 9):
        await buy(points, member, 1000)
        await becomes(points, member, f"l{n}")
        following = (await look(points, member))["next_rank"]
        one_more = {"visits": 1, "points_earned": 10, "amount_spent": 1000}
        assert (following and following["missing"]) == (one_more if n < 8 else None)


async def test_before_a_rank_is_lost_its_member_is_told_once_in_a_keep_period(
    points: Points,
) -> None:
    await publish(points, rules(BRONZE, SILVER, notice_days=30))
    member = await customer(points)
    await buy(points, member)
    await buy(points, member)
    await becomes(points, member, "silver")
    await points.pool.execute(
        "UPDATE purchases SET occurred_at = occurred_at - '2 years'::interval"
    )
    await night(points)
    assert await points.told("rank.expiring.v1") == []
    ends = clock.now() + timedelta(days=30)
    await points.pool.execute("UPDATE ranks SET keep_until = $1", ends)
    await night(points)
    await night(points)
    told = await points.told("rank.expiring.v1")
    assert len(told) == 1
    assert told[0]["rank"] == "silver"
    assert told[0]["missing"] == {"visits": 2, "ja": "来店2回", "en": "2 more visits"}
    assert told[0]["line_user_id"] == USER
    await points.pool.execute("UPDATE ranks SET keep_until = $1", ends - timedelta(days=1))
    await night(points)
    assert len(await points.told("rank.expiring.v1")) == 2
    await buy(points, member)
    await buy(points, member)
    await points.pool.execute("UPDATE ranks SET keep_until = $1", ends - timedelta(days=2))
    await night(points)
    assert len(await points.told("rank.expiring.v1")) == 2


async def test_ranks_that_stay_are_neither_locked_nor_written(points: Points) -> None:
    member = await join(points)
    await buy(points, member)
    await becomes(points, member, "bronze")
    where = "SELECT xmin::text, ctid::text FROM ranks"
    before = await points.pool.fetchrow(where)
    async with points.pool.acquire() as connection, connection.transaction():
        # whoever holds the account does not hold up a night that changes nothing
        await connection.execute("SELECT FROM accounts FOR UPDATE")
        await night(points)
    assert await points.pool.fetchrow(where) == before


async def test_who_is_at_the_top_is_not_counted_anew_by_day(
    points: Points, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish(points, rules(BRONZE, SILVER))
    regular, other = await join(points), await join(points)
    await buy(points, regular)
    await buy(points, regular)
    await becomes(points, regular, "silver")
    counted: list[UUID] = []
    measure = store.measure

    async def noted(connection: Any, members: Any, since: Any) -> Any:
        counted.extend(members)
        return await measure(connection, members, since)

    monkeypatch.setattr(store, "measure", noted)
    await buy(points, regular)
    await buy(points, other)
    await becomes(points, other, "bronze")
    assert set(counted) == {UUID(other["id"])}
    await night(points)
    assert set(counted) == {UUID(other["id"]), UUID(regular["id"])}


async def test_refunds_lower_what_counts_at_the_time_of_the_purchase(points: Points) -> None:
    member = await join(points)
    id = UUID(member["id"])
    first, second = await buy(points, member, 1000), await buy(points, member, 2000)
    await points.pool.execute(
        "UPDATE purchases SET refunded = 500, points_back = 5 WHERE id = $1", first
    )
    await points.pool.execute(
        "UPDATE purchases SET refunded = 2000, points_back = 20, visits = 0 WHERE id = $1", second
    )
    since = clock.now() - timedelta(days=1)
    measured = await store.measure(points.pool, [id], since)
    assert measured[id] == Metrics(points_earned=5, amount_spent=500, visits=1)
    await points.pool.execute(
        "UPDATE purchases SET occurred_at = occurred_at - '2 days'::interval WHERE id = $1", second
    )
    measured = await store.measure(points.pool, [id], since)
    # its entry stays where it is, what was taken back of it is outside
    assert measured[id] == Metrics(points_earned=25, amount_spent=500, visits=1)


async def test_a_purchase_that_is_given_back_no_longer_counts(points: Points) -> None:
    needs = {"points_earned": 30, "visits": 2, "amount_spent": 3000}
    await publish(points, rules(BRONZE, {**SILVER, "requires": needs}))
    member = await join(points)
    first, second = await buy(points, member, 1000), await buy(points, member, 2000)
    await becomes(points, member, "silver")
    for purchase, body in ((first, {"amount": 500}), (second, {})):
        path = f"/v1/purchases/{purchase}/refunds"
        answer = await points.client.post(path, json=body, headers=owner(ids.new_id().hex))
        assert answer.status_code == 201, answer.text
    seen = await store.measure(points.pool, [UUID(member["id"])], clock.now() - timedelta(days=1))
    assert seen[UUID(member["id"])] == Metrics(points_earned=5, amount_spent=500, visits=1)
    ever = await store.measure(points.pool, [UUID(member["id"])], None)
    assert ever == seen
    await night(points)
    await becomes(points, member, "silver")
    await points.pool.execute("UPDATE ranks SET keep_until = $1", clock.now())
    await night(points)
    await becomes(points, member, "bronze")


async def test_two_cards_of_one_person_count_together_once_they_are_merged(points: Points) -> None:
    bronze = {**BRONZE, "requires": {"points_earned": 10}, "points": 5}
    silver = {**SILVER, "requires": {"points_earned": 25}}
    await publish(points, rules(bronze, silver))
    kept, absorbed = await join(points), await join(points)
    await buy(points, kept, 500)
    await buy(points, absorbed, 1500)
    await becomes(points, absorbed, "bronze")
    answer = await points.client.post(
        f"/v1/members/{kept['id']}/merge",
        json={"absorb": {"card": absorbed["card"]}, "reason": "one person"},
        headers=owner(ids.new_id().hex),
    )
    assert answer.status_code == 201, answer.text
    await becomes(points, kept, "bronze")
    seen = await look(points, kept)
    assert seen["rank"]["next"]["missing"] == {"points_earned": 5}
    assert await gifts(points, kept) == []
    for window in ({"type": "lifetime"}, {"type": "rolling", "months": 1}):
        await publish(points, rules(bronze, silver, window=window))
        assert (await look(points, kept))["rank"]["next"]["missing"] == {"points_earned": 5}
    await night(points)
    ranked = await points.client.get("/v1/ranks", headers=owner())
    assert [each["members"] for each in ranked.json()["items"]] == [0, 1, 0]
