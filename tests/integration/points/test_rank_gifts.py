"""Points on reaching a level: with the rank, once, and never towards the next rank."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.points.accounts import verifying
from shared import ids
from shared.events import MemberRef
from tests.integration.points.ranking_shop import (
    BRONZE,
    GOLD,
    SILVER,
    becomes,
    buy,
    gifts,
    join,
    look,
    night,
    publish,
    rules,
    years_pass,
)
from tests.integration.points.shop import Points, eventually, owner, submitted

GENEROUS = {**BRONZE, "points": 1000}


async def findings(database: Any) -> list[Any]:
    connection = await asyncpg.connect(
        database.admin_url, server_settings={"search_path": "points"}
    )
    try:
        return [each async for page in verifying.verify(connection) for each in page.findings]
    finally:
        await connection.close()


@pytest.mark.parametrize("window", [{"type": "lifetime"}, {"type": "rolling", "months": 12}])
async def test_a_gift_comes_with_the_rank_and_lifts_nobody_to_the_next(
    points: Points, database: Any, window: dict[str, Any]
) -> None:
    rich = {"code": "rich", "name": "リッチ", "requires": {"points_earned": 1000}}
    await publish(points, rules(GENEROUS, rich, window=window))
    member = await join(points)
    await buy(points, member, 1000)
    await becomes(points, member, "bronze")
    await buy(points, member, 100)
    seen = await look(points, member)
    assert seen["points"]["balance"] == 1011
    assert seen["rank"]["code"] == "bronze"
    assert seen["rank"]["next"]["missing"] == {"points_earned": 989}
    told = await points.told("rank.changed.v1")
    assert [(each["to_rank"], each["points"]) for each in told] == [("bronze", 1000)]
    earned = [each for each in await points.told("points.earned.v1") if each["source"] == "rank"]
    assert [(each["points"], each["balance"]) for each in earned] == [(1000, 1010)]
    page = await points.client.get(f"/v1/members/{member['id']}/entries", headers=owner())
    entry = next(each for each in page.json()["items"] if each["source"] == "rank")
    assert (entry["kind"], entry["amount"]) == ("earn", 1000)
    assert entry["explanation"]["text"]["ja"].splitlines() == [
        "ランク到達の特典 +1,000ポイント",
        "「ブロンズ」になられたお祝いです",
        "ランクの判定には数えません",
    ]
    assert entry["explanation"]["text"]["en"].splitlines() == [
        "Gift for reaching a rank: +1,000 points",
        "For reaching ブロンズ",
        "Does not count towards ranks",
    ]
    assert await findings(database) == []


async def test_who_skips_levels_gets_what_each_of_them_gives(points: Points) -> None:
    top = {"code": "top", "name": "トップ", "requires": {"amount_spent": 100_000}, "points": 7}
    await publish(points, rules({**BRONZE, "points": 5}, SILVER, top))
    member = await join(points)
    await buy(points, member, 100_000)
    await becomes(points, member, "top")
    assert await gifts(points, member) == [5, 7]


@pytest.mark.parametrize(("every_time", "given"), [(False, [5, 6]), (True, [5, 6, 6])])
async def test_a_level_that_is_reached_again_gives_again_only_if_the_program_says_so(
    points: Points, every_time: bool, given: list[int]
) -> None:
    silver = {**SILVER, "points": 6, "every_time": every_time}
    await publish(points, rules({**BRONZE, "points": 5}, silver, downgrade="one_level"))
    member = await join(points)
    await buy(points, member)
    await buy(points, member)
    await becomes(points, member, "silver")
    await years_pass(points)
    await night(points)
    await becomes(points, member, "bronze")
    await buy(points, member)
    await buy(points, member)
    await becomes(points, member, "silver")
    await night(points)
    assert await gifts(points, member) == given


async def test_levels_that_new_rules_give_other_codes_are_replaced_without_gifts(
    points: Points,
) -> None:
    await publish(points, rules(BRONZE))
    member = await join(points)
    await buy(points, member)
    await becomes(points, member, "bronze")
    await publish(points, rules({**BRONZE, "code": "copper", "points": 5}))
    await becomes(points, member, "copper")
    await night(points)
    assert await gifts(points, member) == []


async def test_awards_ranks_floors_and_nights_at_once_give_each_gift_once_and_never_deadlock(
    points: Points, database: Any
) -> None:
    levels = [{**BRONZE, "points": 5}, {**SILVER, "points": 7}, {**GOLD, "points": 11}]
    await publish(points, rules(*levels))
    members = [await join(points) for _ in range(20)]
    events = [
        submitted(MemberRef(card=member["card"]), total=1000) for member in members for _ in "abc"
    ]

    async def by_hand(member: Any) -> None:
        path = f"/v1/members/{member['id']}/rank-floor"
        body = {"code": "silver", "reason": "a regular"}
        answer = await points.client.put(path, json=body, headers=owner())
        assert answer.status_code == 200, answer.text
        assert (await points.client.delete(path, headers=owner())).status_code == 200

    async def rushing() -> None:
        for start in range(0, len(events), 10):
            await points.publish(*events[start : start + 10])

    async def publishing() -> None:
        for days in range(1, 5):
            await publish(points, rules(*levels, notice_days=days))

    await asyncio.gather(
        rushing(), publishing(), night(points), night(points), *map(by_hand, members[::2])
    )
    for event in events:
        await points.status(event.id, "awarded")
    for member in members:
        await becomes(points, member, "gold")
    await night(points)
    assert [await gifts(points, member) for member in members] == [[5, 7, 11]] * len(members)

    async def at_rest() -> Any:
        return await points.pool.fetchval(
            "SELECT NOT EXISTS (SELECT FROM rank_runs WHERE finished_at IS NULL)"
        )

    await eventually(at_rest, "a run did not end")
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    assert await points.pool.fetchval(deadlocks) == 0
    assert await findings(database) == []


async def test_a_repeated_event_and_a_new_process_give_nothing_twice(points: Points) -> None:
    await publish(points, rules(GENEROUS))
    member = await join(points)
    event = submitted(MemberRef(card=member["card"]), total=1000)
    for _ in range(3):
        await points.publish(event)
    await points.status(event.id, "awarded")
    await becomes(points, member, "bronze")
    # as if the rank had been lost, and with it all memory of it but the ledger's
    await points.pool.execute("DELETE FROM ranks WHERE member_id = $1", UUID(member["id"]))
    other = submitted(MemberRef(card=member["card"]), total=100, key=ids.new_id().hex)
    await points.publish(other)
    await points.status(other.id, "awarded")
    await becomes(points, member, "bronze")
    assert await gifts(points, member) == [1000]
