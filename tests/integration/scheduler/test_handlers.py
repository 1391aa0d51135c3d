"""What the scheduler is told, on a real database: replaced, cancelled, late, repeated, wrong."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from services.scheduler.handlers import HANDLERS
from services.scheduler.ticking import Ticker
from shared.bus.errors import Poison
from shared.bus.handling import Batch
from shared.events import (
    Event,
    ProgramPublished,
    ScheduleCancelled,
    ScheduleRequested,
    new_event,
)

NOW = datetime(2026, 5, 10, 12, tzinfo=UTC)
NIGHT = datetime(2026, 5, 10, 18, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Unsent:
    async def hand_over(self, rows) -> None:
        pass


def said(data, minute: int = 0) -> Event:
    event = new_event("/test", data)
    event.time = NOW + minute * MINUTE
    return event


def request(key: str, due_at: datetime = NIGHT, minute: int = 0, **changes) -> Event:
    data = msgspec.Raw(msgspec.json.encode(ScheduleCancelled(key=f"from {key}")))
    values = {"event_type": "schedule.cancelled.v1", "data": data} | changes
    return said(ScheduleRequested(key=key, due_at=due_at, **values), minute)


def cancel(key: str, minute: int = 0) -> Event:
    return said(ScheduleCancelled(key=key), minute)


async def handle(pool, *events: Event) -> list[Event]:
    """Let one batch of one event type take effect; returns what it emits."""
    async with pool.acquire() as connection, connection.transaction():
        batch = Batch(connection)
        await HANDLERS[events[0].type](batch, list(events))
        return batch.emitted


async def items(pool) -> dict[str, datetime]:
    rows = await pool.fetch("SELECT key, due_at FROM items")
    return {row["key"]: row["due_at"] for row in rows}


async def test_the_same_key_replaces(pool):
    await handle(pool, request("a"), request("b"))
    await handle(pool, request("a", NIGHT + MINUTE, minute=1))
    assert await items(pool) == {"a": NIGHT + MINUTE, "b": NIGHT}


async def test_an_older_request_that_comes_late_changes_nothing(pool):
    await handle(pool, request("a", minute=5))
    await handle(pool, request("a", NIGHT + MINUTE, minute=4))
    assert await items(pool) == {"a": NIGHT}


async def test_the_newest_of_a_batch_counts(pool):
    events = [request("a", NIGHT + n * MINUTE, minute=n) for n in (1, 3, 2)]
    await handle(pool, *events)
    assert await items(pool) == {"a": NIGHT + 3 * MINUTE}


async def test_a_cancelled_item_is_gone(pool):
    await handle(pool, request("a"), request("b"))
    await handle(pool, cancel("a", minute=1), cancel("never", minute=1))
    assert await items(pool) == {"b": NIGHT}


async def test_a_cancellation_that_comes_before_its_request_still_counts(pool):
    await handle(pool, cancel("a", minute=1))
    await handle(pool, request("a", minute=0))
    assert await items(pool) == {}
    await handle(pool, request("a", minute=2))
    assert await items(pool) == {"a": NIGHT}


async def test_an_older_cancellation_leaves_a_newer_request(pool):
    await handle(pool, request("a", minute=1))
    await handle(pool, cancel("a", minute=0))
    assert await items(pool) == {"a": NIGHT}


async def test_a_late_repeat_of_what_has_fired_does_not_fire_again(pool, set_clock):
    await handle(pool, request("a", NIGHT, minute=1))
    set_clock(NIGHT)
    await Ticker(pool, Unsent()).round()
    await handle(pool, request("a", NIGHT, minute=0))
    assert await items(pool) == {}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"event_type": "points.unheard_of.v1"}, "unknown event type"),
        ({"data": msgspec.Raw(b'{"key":7}')}, "data is no schedule.cancelled.v1"),
        ({"data": msgspec.Raw(b'{"key":"\xff"}')}, "data is no schedule.cancelled.v1"),
        ({"data": msgspec.Raw(b"null")}, "data is no schedule.cancelled.v1"),
    ],
)
async def test_a_request_that_can_never_be_published_is_poison(pool, changes, reason):
    with pytest.raises(Poison, match=reason):
        await handle(pool, request("a", **changes))
    assert await items(pool) == {}


@pytest.mark.parametrize("key", ["", "x" * 201, "nul\0"])
async def test_a_key_that_is_none_is_poison(pool, key):
    with pytest.raises(Poison):
        await handle(pool, request(key))
    with pytest.raises(Poison):
        await handle(pool, cancel(key))


def program(version: int, zone: str, starts: datetime = NOW) -> Event:
    return said(ProgramPublished(version, starts, zone, "EUR"))


async def test_the_zone_follows_the_newest_program(pool):
    await handle(pool, program(2, "Europe/Berlin"), program(1, "UTC"))
    await handle(pool, program(1, "Asia/Seoul"))
    assert await pool.fetchval("SELECT time_zone FROM program") == "Europe/Berlin"


async def test_the_zone_is_that_of_the_version_that_started_last(pool):
    await handle(pool, program(3, "Europe/Berlin"))
    await handle(pool, program(2, "Asia/Seoul", NOW + MINUTE))  # published before, starts after
    assert await pool.fetchval("SELECT time_zone FROM program") == "Asia/Seoul"
    later = NOW + 2 * MINUTE
    await handle(pool, program(4, "UTC", later), program(5, "Asia/Tokyo", NOW + MINUTE))
    assert await pool.fetchval("SELECT time_zone FROM program") == "UTC"


async def test_an_unknown_zone_is_poison(pool):
    with pytest.raises(Poison, match="unknown time zone"):
        await handle(pool, program(1, "Mars/Olympus"))


async def test_a_new_zone_fires_what_was_due_in_the_old_one_and_not_its_own_past(pool, set_clock):
    ticker = Ticker(pool, Unsent())
    set_clock(NOW)
    await ticker.round()
    # 05:00 in Tokyo: 03:30 has passed there unseen, and 03:30 in Shanghai (04:30 here) too.
    set_clock(NIGHT + 90 * MINUTE)
    emitted = await handle(pool, program(1, "Asia/Shanghai"))
    assert [event.data.due_at for event in emitted] == [NIGHT]
    await ticker.round()
    assert await pool.fetchval("SELECT count(*) FROM ticks") == 1
    set_clock(NIGHT + timedelta(days=1) + 61 * MINUTE)
    await ticker.round()
    due = await pool.fetch("SELECT due_at FROM ticks ORDER BY due_at")
    assert [row["due_at"] for row in due] == [NIGHT, NIGHT + timedelta(days=1) + 60 * MINUTE]


async def test_what_has_passed_in_a_new_zone_does_not_fire(pool, set_clock):
    ticker = Ticker(pool, Unsent())
    set_clock(NIGHT - 90 * MINUTE)
    await ticker.round()
    # Half past three in Brisbane was half an hour ago; in Tokyo it is half an hour away.
    set_clock(NIGHT - 30 * MINUTE)
    assert await handle(pool, program(1, "Australia/Brisbane")) == []
    set_clock(NIGHT + MINUTE)
    await ticker.round()
    assert await pool.fetchval("SELECT count(*) FROM ticks") == 0


async def test_a_program_with_the_same_zone_passes_over_nothing(pool, set_clock):
    ticker = Ticker(pool, Unsent())
    set_clock(NOW)
    await ticker.round()
    await handle(pool, program(1, "Asia/Tokyo"))
    checked = await pool.fetchval("SELECT checked_until FROM schedules")
    set_clock(NIGHT)
    await handle(pool, program(2, "Asia/Tokyo"))
    assert await pool.fetchval("SELECT checked_until FROM schedules") > checked
    assert await pool.fetchval("SELECT due_at FROM ticks") == NIGHT
