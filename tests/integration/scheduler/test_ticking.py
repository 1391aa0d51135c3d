"""Ticks and items on a real database: replicas, absences, clocks that jump, crashes."""

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from prometheus_client import REGISTRY

from services.scheduler import firing
from services.scheduler.store import items as store
from services.scheduler.store.items import Item
from services.scheduler.ticking import Ticker
from shared import clock, ids
from shared.db import open_pool
from shared.events import ScheduleCancelled

EVENING = datetime(2026, 5, 10, 12, tzinfo=UTC)
NIGHT = datetime(2026, 5, 10, 18, 30, tzinfo=UTC)
DAY = timedelta(days=1)


class Unsent:
    """A relay that sends nothing: what was handed over stays in the outbox for the test to see."""

    async def hand_over(self, rows) -> None:
        pass


async def fired(pool) -> list[tuple[str, datetime]]:
    """What stands in the outbox: (name, due_at) of ticks and (key, time) of items."""
    rows = await pool.fetch("SELECT type, body FROM outbox ORDER BY id")
    events = [event for row in rows for event in msgspec.json.decode(row["body"])]
    return [(event["data"].get("name") or event["data"]["key"], moment(event)) for event in events]


def moment(event) -> datetime:
    return datetime.fromisoformat(event["data"].get("due_at") or event["time"])


def item(key: str, due_at: datetime) -> Item:
    data = msgspec.json.encode(ScheduleCancelled(key=key))
    return Item(key, due_at, "schedule.cancelled.v1", data, ids.new_id(), None, None, None)


async def put(pool, *items: Item) -> None:
    async with pool.acquire() as connection:
        await store.put_items(connection, items)


async def test_the_nightly_tick_fires_once_a_night(pool, set_clock):
    ticker = Ticker(pool, Unsent())
    for now in (EVENING, NIGHT - timedelta(seconds=5), NIGHT, NIGHT + DAY / 2, NIGHT + DAY):
        set_clock(now)
        await ticker.round()
        await ticker.round()
    assert await fired(pool) == [("nightly", NIGHT), ("nightly", NIGHT + DAY)]


async def test_it_sleeps_until_the_next_moment(pool, set_clock):
    ticker = Ticker(pool, Unsent())
    set_clock(NIGHT - timedelta(seconds=0.6))
    assert 0.1 < await ticker.round() < 0.6
    await put(pool, item("soon", NIGHT - timedelta(seconds=0.3)))
    assert 0.02 <= await ticker.round() < 0.3
    set_clock(EVENING)
    assert await ticker.round() == 1.0


async def test_many_replicas_fire_each_tick_and_item_once(scheduler_database, pool, set_clock):
    set_clock(EVENING)
    await Ticker(pool, Unsent()).round()
    await put(pool, *(item(f"i{n:04}", NIGHT - timedelta(seconds=n % 9)) for n in range(2000)))
    pools = [await open_pool(scheduler_database, schema="scheduler") for _ in range(4)]
    set_clock(NIGHT)
    await asyncio.gather(*(Ticker(each, Unsent()).round() for each in pools for _ in range(3)))
    names = sorted(name for name, _ in await fired(pool))
    assert names == [*(f"i{n:04}" for n in range(2000)), "nightly"]
    assert await pool.fetchval("SELECT count(*) FROM items") == 0
    for each in pools:
        await each.close()


async def test_after_an_absence_only_the_latest_night_is_made_up_for(pool, set_clock):
    ticker = Ticker(pool, Unsent())
    set_clock(EVENING)
    await ticker.round()
    set_clock(EVENING + 40 * DAY)
    await ticker.round()
    assert await fired(pool) == [("nightly", NIGHT + 39 * DAY)]


async def test_a_schedule_may_make_up_for_more(pool, set_clock):
    await pool.execute("UPDATE schedules SET catch_up = 3")
    ticker = Ticker(pool, Unsent())
    set_clock(EVENING)
    await ticker.round()
    set_clock(EVENING + 40 * DAY)
    await ticker.round()
    assert await fired(pool) == [("nightly", NIGHT + days * DAY) for days in (37, 38, 39)]


async def test_a_new_installation_makes_up_for_nothing(pool, set_clock):
    set_clock(NIGHT + timedelta(seconds=1))
    await Ticker(pool, Unsent()).round()
    assert await fired(pool) == []


async def test_a_clock_that_jumps_back_fires_nothing_twice(pool, set_clock):
    ticker = Ticker(pool, Unsent())
    for now in (EVENING, NIGHT, EVENING, NIGHT + timedelta(seconds=1), EVENING - 3 * DAY, NIGHT):
        set_clock(now)
        await ticker.round()
    assert await fired(pool) == [("nightly", NIGHT)]


async def test_a_moment_that_fired_never_fires_again_whatever_is_noted(pool, set_clock):
    ticker = Ticker(pool, Unsent())
    for now in (EVENING, NIGHT):
        set_clock(now)
        await ticker.round()
    await pool.execute("UPDATE schedules SET checked_until = $1", EVENING)
    await ticker.round()
    assert await fired(pool) == [("nightly", NIGHT)]
    assert await pool.fetchval("SELECT checked_until FROM schedules") >= NIGHT


async def test_the_clocks_of_a_zone_change(pool, set_clock):
    await pool.execute("UPDATE schedules SET time_zone = 'Europe/Berlin', cron = '30 2 * * *'")
    try:
        ticker = Ticker(pool, Unsent())
        now = datetime(2026, 10, 24, 22, tzinfo=UTC)
        while now < datetime(2026, 10, 26, 4, tzinfo=UTC):
            set_clock(now)
            await ticker.round()
            now += timedelta(minutes=20)
        assert [due for _, due in await fired(pool)] == [
            datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
            datetime(2026, 10, 26, 1, 30, tzinfo=UTC),
        ]
    finally:
        await pool.execute("UPDATE schedules SET time_zone = NULL, cron = '30 3 * * *'")


async def test_a_broken_schedule_stops_only_itself(pool, set_clock):
    await pool.execute("INSERT INTO schedules (name, cron, catch_up) VALUES ('bad', 'x', 1)")
    ticker = Ticker(pool, Unsent())
    for now in (EVENING, NIGHT):
        set_clock(now)
        await ticker.round()
    assert await fired(pool) == [("nightly", NIGHT)]


async def test_items_fire_when_due_and_late_ones_all(pool, set_clock):
    await put(pool, item("later", NIGHT + DAY), item("now", NIGHT), item("missed", NIGHT - 9 * DAY))
    set_clock(NIGHT)
    await Ticker(pool, Unsent()).round()
    assert [name for name, _ in await fired(pool)] == ["missed", "now"]
    assert await pool.fetchval("SELECT key FROM items") == "later"


async def test_more_than_a_page_of_items_fires_in_one_round(pool, set_clock, monkeypatch):
    monkeypatch.setattr(firing, "PAGE", 10)
    await put(pool, *(item(f"i{n}", NIGHT) for n in range(25)))
    set_clock(NIGHT)
    await Ticker(pool, Unsent()).round()
    assert len(await fired(pool)) == 25


async def test_a_crash_before_the_commit_loses_nothing(pool, set_clock, monkeypatch):
    ticker = Ticker(pool, Unsent())
    set_clock(EVENING)
    await ticker.round()
    await put(pool, item("kept", NIGHT))
    set_clock(NIGHT)

    async def crash(*_):
        raise RuntimeError("crash")

    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr("services.scheduler.ticking.outbox.write", crash)
        await ticker.round()
    assert await pool.fetchval("SELECT count(*) FROM items") == 1
    await ticker.round()
    assert [name for name, _ in await fired(pool)] == ["kept", "nightly"]


async def test_what_another_replica_is_taking_is_waited_for_not_spun_on(pool, set_clock):
    await put(pool, item("taken", NIGHT))
    set_clock(NIGHT)
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await store.claim_items(connection, clock.now(), 10)
        assert await Ticker(pool, Unsent()).round() >= 0.02
        await transaction.rollback()
    await Ticker(pool, Unsent()).round()
    assert [name for name, _ in await fired(pool)] == ["taken"]


async def test_an_hour_of_downtime_neither_skips_nor_doubles(scheduler_database, pool, set_clock):
    await pool.execute("UPDATE schedules SET cron = '*/15 * * * *', catch_up = 10")
    set_clock(EVENING)
    await Ticker(pool, Unsent()).round()
    quarters = [EVENING + timedelta(minutes=15 * n) for n in range(1, 5)]
    await put(pool, *(item(f"at {moment:%H:%M}", moment) for moment in quarters))
    set_clock(EVENING + timedelta(hours=1))
    others = [await open_pool(scheduler_database, schema="scheduler") for _ in range(2)]
    await asyncio.gather(*(Ticker(each, Unsent()).round() for each in others))
    set_clock(EVENING)  # and the clock is put back
    await Ticker(pool, Unsent()).round()
    names = sorted(name for name, _ in await fired(pool))
    assert names == sorted([*(f"at {moment:%H:%M}" for moment in quarters), *["nightly"] * 4])
    ticks = await pool.fetch("SELECT due_at FROM ticks ORDER BY due_at")
    assert [row["due_at"] for row in ticks] == quarters
    for each in others:
        await each.close()


async def test_the_lag_grows_by_itself_while_nothing_is_fired(pool, set_clock):
    def lag() -> float:
        found = REGISTRY.get_sample_value("tamaru_scheduler_lag_seconds")
        assert found is not None
        return found

    ticker = Ticker(pool, Unsent())
    set_clock(EVENING)
    await put(pool, item("soon", EVENING + timedelta(seconds=2)))
    await ticker.round()
    assert lag() == 0
    set_clock(EVENING + timedelta(minutes=2))
    assert 118 <= lag() < 150
    await ticker.round()
    assert lag() == 0
    set_clock(NIGHT - timedelta(seconds=2))
    await ticker.round()
    set_clock(NIGHT + timedelta(minutes=1))
    assert 60 <= lag() < 90, "ticks have it too"
    await ticker.round()
    set_clock(NIGHT + timedelta(minutes=2))
    assert 50 <= lag() < 90, "nobody has looked for a minute: what came due meanwhile is late"
