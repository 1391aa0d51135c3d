"""What an operator sees of queues, readers, dead letters and the outbox, on a real broker."""

import asyncio
from datetime import timedelta
from uuid import UUID

from prometheus_client import REGISTRY

from shared import clock
from shared.bus.errors import Poison
from shared.bus.watch import QueueWatch
from shared.events import ScheduleCancelled, new_event
from shared.ids import new_id
from shared.outbox_watch import OutboxWatch
from tests.integration.bus.reading import handlers

QUEUE = {"queue": "scheduler.items"}


def cancelled() -> object:
    return new_event("/test", ScheduleCancelled(key="a"))


def value(name: str, labels: dict[str, str] | None = None) -> float:
    found = REGISTRY.get_sample_value(f"tamaru_{name}", labels or {})
    assert found is not None, name
    return found


async def until(condition) -> None:
    async with asyncio.timeout(15):
        while not await condition():
            await asyncio.sleep(0.01)


async def test_a_queue_without_a_reader_is_seen_with_the_age_of_that(shop) -> None:
    bus = await shop.start()
    watch = QueueWatch(bus)
    await bus.publisher.publish(cancelled())

    async def counted() -> bool:
        await watch.look()
        return value("bus_queue_messages", QUEUE) == 1

    await until(counted)
    assert value("bus_queue_consumers", QUEUE) == 0
    try:
        clock.set_offset(timedelta(minutes=2))
        await watch.look()
        assert 120 <= value("bus_queue_unread_seconds", QUEUE) < 180
    finally:
        clock.set_offset(timedelta())

    async def nothing(batch, events) -> None:
        pass

    await shop.start(handlers(nothing))

    async def read() -> bool:
        await watch.look()
        return value("bus_queue_messages", QUEUE) == 0 and value("bus_queue_consumers", QUEUE) == 1

    await until(read)
    assert value("bus_queue_unread_seconds", QUEUE) == 0


async def test_a_dead_letter_is_seen(shop) -> None:
    async def refuse(batch, events) -> None:
        raise Poison("never")

    bus = await shop.start(handlers(refuse))
    watch = QueueWatch(bus)
    await watch.look()
    assert value("bus_dead_letters_waiting") == 0
    await bus.publisher.publish(cancelled())

    async def seen() -> bool:
        await watch.look()
        return value("bus_dead_letters_waiting") == 1

    await until(seen)


async def test_the_age_of_what_a_reader_has_not_done_yet_is_seen(shop) -> None:
    working, go_on = asyncio.Event(), asyncio.Event()

    async def slow(batch, events) -> None:
        working.set()
        await go_on.wait()

    bus = await shop.start(handlers(slow))
    event = cancelled()
    event.time = clock.now() - timedelta(minutes=5)
    await bus.publisher.publish(event)
    await asyncio.wait_for(working.wait(), 15)
    assert 300 <= value("bus_oldest_event_seconds", QUEUE) < 330
    go_on.set()

    async def done() -> bool:
        return value("bus_oldest_event_seconds", QUEUE) == 0

    await until(done)


async def test_what_the_broker_does_not_get_grows_old_in_the_outbox(shop) -> None:
    """However often a sweep has tried it meanwhile: `created_at` says only when that was."""
    watch = OutboxWatch(shop.pool, "shop")
    ten_minutes_ago = UUID(int=new_id().int - (600_000 << 80))
    row = (ten_minutes_ago, "purchase.rejected.v1", b"[]", clock.now())
    await shop.pool.execute("INSERT INTO outbox VALUES ($1, $2, $3, $4)", *row)
    await watch.look()
    assert value("outbox_messages", {"service": "shop"}) == 1
    assert 600 <= value("outbox_oldest_seconds", {"service": "shop"}) < 660
    await shop.pool.execute("DELETE FROM outbox")
    await watch.look()
    assert value("outbox_oldest_seconds", {"service": "shop"}) == 0
