"""The night: what is due is done once, however it is interrupted, repeated, shared or delayed."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.points.programs.rulebook import Rulebook
from services.points.purchases.awards import Awards
from services.points.rules.lots import slides_to
from services.points.store import nights
from shared import clock, outbox
from shared.bus.handling import Batch
from shared.events import MemberRef
from shared.keys import Keys
from tests.integration.points.night_shop import MEMBERS, Shop, at, move_to, opened, stop
from tests.integration.points.shop import eventually, submitted

FIXED = {"type": "fixed", "days": 60}
SLIDING = {"type": "sliding", "months": 1}


@pytest.fixture
async def shop(database: Any) -> AsyncIterator[Shop]:
    """Members without points on 1 January 2025, in Tokyo."""
    async with opened(database) as members:
        yield members


async def test_what_expires_is_gone_at_midnight_and_swept_in_the_night(shop: Shop) -> None:
    await shop.publish(expiry=FIXED)
    await shop.give(100)
    move_to(at("2025-03-02 23:59"))  # the 60th day after
    assert {each.balance for each in (await shop.standings()).values()} == {100}
    await shop.night()
    assert await shop.told("points.expired.v1") == []
    move_to(at("2025-03-03 00:00"))
    assert {each.balance for each in (await shop.standings()).values()} == {0}
    assert set((await shop.stored()).values()) == {(100, 0, 0)}
    move_to(at("2025-03-03 03:30"))
    night = await shop.night()
    assert set((await shop.stored()).values()) == {(0, 0, 0)}
    told = await shop.told("points.expired.v1")
    assert Counter(each.member_id for each in told) == Counter(shop.members)
    assert {(each.points, each.balance) for each in told} == {(100, 0)}
    entries = await shop.pool.fetch("SELECT DISTINCT occurred_at FROM entries WHERE amount < 0")
    assert [row["occurred_at"] for row in entries] == [at("2025-03-03 00:00")]
    assert (await shop.row(night))["expired"] == MEMBERS
    await shop.in_order()


async def test_waiting_points_count_from_their_moment_and_become_active_in_the_night(
    shop: Shop,
) -> None:
    await shop.publish(expiry=FIXED)
    await shop.give(100, days_pending=3)
    assert {(each.balance, each.pending) for each in (await shop.standings()).values()} == {
        (0, 100)
    }
    await shop.night()
    assert await shop.told("points.activated.v1") == []
    move_to(at("2025-01-04 12:01"))
    assert {(each.balance, each.pending) for each in (await shop.standings()).values()} == {
        (100, 0)
    }
    night = await shop.night()
    assert set((await shop.stored()).values()) == {(100, 0, 0)}
    told = await shop.told("points.activated.v1")
    assert Counter(each.member_id for each in told) == Counter(shop.members)
    assert (await shop.row(night))["activated"] == MEMBERS
    await shop.in_order()


async def test_sliding_points_stay_with_who_comes_back(shop: Shop) -> None:
    await shop.publish(expiry=SLIDING)
    move_to(at("2025-01-31 12:00"))
    await shop.give(100)
    move_to(at("2025-02-10 12:00"))
    there, away = shop.members[:20], shop.members[20:]
    await shop.active(*there)
    move_to(at("2025-03-01 00:30"))  # 31 January and a month is 28 February
    shown = await shop.standings()
    assert {shown[id].balance for id in away} == {0}
    assert {shown[id].balance for id in there} == {100}
    assert {shown[id].expiring for id in there} == {((at("2025-03-11 00:00"), 100),)}
    await shop.night()
    told = await shop.told("points.expired.v1")
    assert Counter(each.member_id for each in told) == Counter(away)
    await shop.in_order()


async def test_a_gift_to_who_was_long_away_is_not_gone_at_once(shop: Shop) -> None:
    await shop.publish(expiry=SLIDING)
    await shop.active(*shop.members)
    move_to(at("2025-06-01 12:00"))
    await shop.give(10)
    assert (await shop.row(await shop.night()))["expired"] == 0
    assert set((await shop.stored()).values()) == {(10, 0, 0)}
    assert {each.expiring for each in (await shop.standings()).values()} == {
        ((at("2025-07-02 00:00"), 10),)
    }


async def test_a_second_night_changes_nothing(shop: Shop) -> None:
    await shop.publish(expiry=FIXED)
    await shop.give(100)
    await shop.give(5, days_pending=100)
    move_to(at("2025-02-20 03:30"))
    await shop.night()
    move_to(at("2025-03-10 03:30"))
    await shop.night()
    before = await shop.ledger()
    await shop.night()
    assert await shop.ledger() == before


async def test_a_tick_that_comes_twice_is_one_night(shop: Shop) -> None:
    await shop.publish(expiry=FIXED)
    night = await shop.night()
    row = await shop.row(night)
    async with shop.pool.acquire() as connection, connection.transaction():
        await nights.start(connection, night, "activate", clock.now())
    assert await shop.row(night) == row


@pytest.mark.parametrize("kills", [1, 2, 3, 5, 8])
async def test_a_night_goes_on_after_a_kill_where_it_stood(shop: Shop, kills: int) -> None:
    """Killed after each of the first pages, which are of every kind."""
    await shop.publish(expiry=FIXED)
    await shop.give(100)
    await shop.give(7, days_pending=61)  # expires before it can be used
    move_to(at("2025-01-15 12:00"))
    await shop.give(50, days_pending=40)
    move_to(at("2025-03-05 03:30"))
    night = await shop.tick()
    expected = await shop.standings()
    for _ in range(kills):
        assert await shop.page()
        assert await shop.standings() == expected
        await shop.in_order()
    processes = shop.process()
    await shop.over(night)
    await stop(processes)
    stored = await shop.stored()
    assert stored == {id: (each.balance, each.pending, 0) for id, each in expected.items()}
    for event_type, points in (("points.expired.v1", {107}), ("points.activated.v1", {50})):
        told: Counter[Any] = Counter()
        for each in await shop.told(event_type):
            told[each.member_id] += each.points
        assert set(told) == set(shop.members)
        assert set(told.values()) == points
    await shop.in_order()


async def test_a_page_that_was_not_committed_never_happened(shop: Shop) -> None:
    """Killed in the middle of a page: one member's account is taken, so it cannot end."""
    await shop.publish(expiry=FIXED)
    await shop.give(100)
    move_to(at("2025-03-03 03:30"))
    night = await shop.tick()
    async with shop.pool.acquire() as connection, connection.transaction():
        held = shop.members[24]
        await connection.execute("SELECT FROM accounts WHERE member_id = $1 FOR UPDATE", held)
        processes = shop.process()

        async def stands() -> Any:
            return (await shop.row(night))["expired"] >= 20

        await eventually(stands, "the night did not come to the third page")
        await stop(processes)
        assert len(await shop.told("points.expired.v1")) == 20
    processes = shop.process()
    await shop.over(night)
    await stop(processes)
    told = await shop.told("points.expired.v1")
    assert Counter(each.member_id for each in told) == Counter(shop.members)
    await shop.in_order()


async def test_two_processes_share_a_night(shop: Shop) -> None:
    await shop.publish(expiry=FIXED)
    await shop.give(100)
    move_to(at("2025-03-03 03:30"))
    night = await shop.tick()
    processes = [shop.process(3), shop.process(4), shop.process(5)]
    await shop.over(night)
    await asyncio.gather(*map(stop, processes))
    told = await shop.told("points.expired.v1")
    assert Counter(each.member_id for each in told) == Counter(shop.members)
    await shop.in_order()


async def test_awards_during_the_night_lose_nothing(shop: Shop) -> None:
    await shop.publish(expiry=FIXED)
    await shop.give(100)
    move_to(at("2025-03-03 03:30"))
    night = await shop.tick()
    processes = shop.process(2)
    for member in shop.members:
        await shop.give(1, member)
    await shop.over(night)
    await stop(processes)
    assert set((await shop.stored()).values()) == {(1, 0, 0)}
    told = await shop.told("points.expired.v1")
    assert Counter(each.member_id for each in told) == Counter(shop.members)
    await shop.in_order()


async def test_nights_that_were_missed_are_made_up_for_at_once(shop: Shop) -> None:
    await shop.publish(expiry=FIXED)
    await shop.give(100)
    missed = []
    for day in (3, 4, 5):
        move_to(at(f"2025-03-0{day} 03:30"))
        missed.append(await shop.tick())
    processes = shop.process()
    await shop.over(*missed)
    await stop(processes)
    rows = [await shop.row(night) for night in missed]
    assert [row["began_at"] is not None for row in rows] == [True, False, False]
    assert len(await shop.told("points.expired.v1")) == MEMBERS
    assert await shop.pool.fetchval("SELECT count(*) FROM rank_runs") == 1


async def test_a_night_asked_for_while_one_is_at_work_comes_after_it(shop: Shop) -> None:
    await shop.publish(expiry=FIXED)
    await shop.give(100)
    move_to(at("2025-03-01 03:30"))
    first = await shop.tick()
    await shop.page()
    move_to(at("2025-03-03 03:30"))
    second = await shop.tick()
    processes = shop.process()
    await shop.over(first, second)
    await stop(processes)
    assert [(await shop.row(night))["expired"] for night in (first, second)] == [0, MEMBERS]


async def test_held_points_stay_until_they_are_let_go(shop: Shop) -> None:
    await shop.publish(expiry=FIXED)
    await shop.give(100)
    member = shop.members[3]
    await shop.pool.execute("UPDATE lots SET held = 40 WHERE member_id = $1", member)
    await shop.pool.execute("UPDATE accounts SET held = 40 WHERE member_id = $1", member)
    move_to(at("2025-03-03 03:30"))
    shown = (await shop.standings())[member]
    assert (shown.balance, shown.held, shown.expiring) == (0, 40, ())
    await shop.night()
    assert (await shop.stored())[member] == (0, 0, 40)
    told = {each.member_id: each.points for each in await shop.told("points.expired.v1")}
    assert told[member] == 60
    await shop.pool.execute("UPDATE lots SET held = 0 WHERE member_id = $1", member)
    await shop.pool.execute("UPDATE accounts SET held = 0 WHERE member_id = $1", member)
    await shop.night()
    told_again = [each.points for each in await shop.told("points.expired.v1")][MEMBERS:]
    assert told_again == [40]


async def test_only_who_has_something_due_is_opened(shop: Shop) -> None:
    await shop.publish(expiry=FIXED)
    await shop.give(100, *shop.members[:3])
    move_to(at("2025-01-20 12:00"))
    await shop.give(100, *shop.members[3:])
    query = "SELECT member_id, xmin::text FROM accounts WHERE member_id <> ALL($1) ORDER BY 1"
    before = await shop.pool.fetch(query, shop.members[:3])
    move_to(at("2025-03-03 03:30"))
    await shop.night()
    assert await shop.pool.fetch(query, shop.members[:3]) == before


async def test_books_that_do_not_add_up_hold_nobody_else_up(shop: Shop) -> None:
    await shop.publish(expiry=FIXED)
    await shop.give(100)
    broken = shop.members[12]
    await shop.pool.execute("UPDATE accounts SET in_lots = 99 WHERE member_id = $1", broken)
    move_to(at("2025-03-03 03:30"))
    await shop.night()
    stored = await shop.stored()
    assert stored.pop(broken) == (99, 0, 0)
    assert set(stored.values()) == {(0, 0, 0)}


async def test_without_a_program_a_night_does_nothing(shop: Shop) -> None:
    night = await shop.night()
    assert (await shop.row(night))["step"] == "activate"


# Purchases between midnight and the night.


async def award(shop: Shop, number: int, at_: datetime) -> None:
    """A purchase of ¥1000 by a member, awarded now."""
    event = submitted(MemberRef(card=f"29{number:011}"), total=1000, occurred_at=at_)
    async with shop.pool.acquire() as connection, connection.transaction():
        batch = Batch(connection)
        await Awards(Rulebook(), Keys(b"key" * 12)).handle(batch, [event])
        await outbox.write(connection, batch.emitted)


async def test_a_purchase_brings_back_no_sliding_points_that_expired_before_it(
    shop: Shop,
) -> None:
    await shop.publish(expiry=SLIDING)
    move_to(at("2025-01-31 12:00"))
    await shop.give(100)
    move_to(at("2025-03-01 00:30"))
    await award(shop, 0, at("2025-03-01 00:20"))
    await award(shop, 1, at("2025-02-28 23:50"))  # reported late, but made in time
    await shop.night()
    stored = await shop.stored()
    assert [stored[shop.members[number]][0] for number in (0, 1, 2)] == [10, 110, 0]
    shown = await shop.standings()
    assert shown[shop.members[1]].expiring == (
        (at("2025-03-29 00:00"), 100),
        (at("2025-04-02 00:00"), 10),
    )
    told = await shop.told("points.earned.v1")
    assert [each.balance for each in told] == [10, 110]
    await shop.in_order()


async def test_books_that_do_not_add_up_keep_nobody_from_earning(shop: Shop) -> None:
    await shop.publish(expiry=SLIDING)
    await shop.give(100)
    await shop.pool.execute("UPDATE accounts SET in_lots = 99")
    move_to(at("2025-03-01 00:30"))
    await award(shop, 0, at("2025-03-01 00:20"))
    assert (await shop.stored())[shop.members[0]] == (109, 0, 0)


ZONES = ("Asia/Tokyo", "UTC", "America/New_York", "Asia/Beirut", "Africa/Cairo", "America/St_Johns")


@pytest.mark.parametrize("zone", ZONES)
async def test_the_database_finds_the_day_of_expiry_that_the_rules_say(
    shop: Shop, zone: str
) -> None:
    """Every sixth hour of two years, a leap day and changing clocks among them."""
    start = datetime(2023, 12, 1, 0, 30, tzinfo=UTC)
    moments = [start + timedelta(hours=6 * n) for n in range(4 * 730)]
    months = [1 + n % 24 for n in range(len(moments))]
    found = await shop.pool.fetch(
        f"""
        SELECT {nights.SLIDES_TO} AS expires_at
        FROM (SELECT NULL::timestamptz AS last_activity_at) AS a,
            unnest($2::timestamptz[], $3::integer[]) WITH ORDINALITY
                AS l (opened_at, sliding_months, place)
        ORDER BY place
        """,
        zone,
        moments,
        months,
    )
    assert [row["expires_at"] for row in found] == [
        slides_to(month, moment, ZoneInfo(zone))
        for month, moment in zip(months, moments, strict=True)
    ]
