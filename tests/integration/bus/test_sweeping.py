"""Several processes of one service sweep one outbox: each row is taken by one of them."""

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from datetime import timedelta

import aio_pika
import msgspec

from shared import clock, outbox
from shared.bus.bus import Bus
from shared.events import PurchaseRejected, new_event
from shared.ids import new_id

ROWS = 60


async def leave_behind(pool, count: int) -> None:
    """Rows whose process is gone."""
    async with pool.acquire() as connection, connection.transaction():
        for number in range(count):
            event = new_event("/test", PurchaseRejected(new_id(), f"{number}", ""))
            await outbox.write(connection, [event], abandoned=True)


@asynccontextmanager
async def spying(servers, names):
    """Counts what is published, by the id of the event."""
    heard: Counter[str] = Counter()
    async with await aio_pika.connect(servers.amqp_url) as connection:
        channel = await connection.channel()
        spy = await channel.declare_queue(exclusive=True)
        await spy.bind(names.events, "purchase.rejected.v1")

        async def receive(message) -> None:
            heard.update(event["id"] for event in msgspec.json.decode(message.body))

        await spy.consume(receive, no_ack=True)
        yield heard


async def until(condition) -> None:
    async with asyncio.timeout(15):
        while not await condition():
            await asyncio.sleep(0.01)


async def test_what_was_left_behind_is_published_by_one_of_those_who_sweep(servers, shop):
    buses = [await shop.start() for _ in range(3)]
    for bus in buses:  # what nobody confirms in time goes out again, as it must: not asked here
        bus.publisher._confirm_timeout = 60.0
    async with spying(servers, buses[0].names) as heard:
        await leave_behind(shop.pool, ROWS)
        sweeps = [asyncio.create_task(bus.relay.run()) for bus in buses]

        async def empty() -> bool:
            return await shop.pool.fetchval("SELECT count(*) FROM outbox") == 0

        await until(empty)
        async with asyncio.timeout(15):
            while len(heard) < ROWS:
                await asyncio.sleep(0.01)
        for sweep in sweeps:
            sweep.cancel()
        assert set(heard.values()) == {1}


async def test_what_a_clock_that_ran_ahead_left_behind_is_published_too(servers, shop):
    bus = await shop.start()
    async with spying(servers, bus.names) as heard:
        clock.set_offset(timedelta(hours=1))
        try:
            await leave_behind(shop.pool, 2)
        finally:
            clock.set_offset(timedelta(0))
        sweep = asyncio.create_task(bus.relay.run())

        async def told() -> bool:
            return len(heard) == 2

        await until(told)
        sweep.cancel()


async def test_a_sweep_without_a_broker_leaves_the_rows_to_those_who_have_one(shop):
    bus = Bus("amqp://nobody@127.0.0.1:9/", shop.namespace, "test")
    await leave_behind(shop.pool, 2)
    before = await shop.pool.fetch("SELECT id, created_at FROM outbox ORDER BY id")
    assert not await outbox.Relay(shop.pool, bus.publisher)._sweep()
    assert await shop.pool.fetch("SELECT id, created_at FROM outbox ORDER BY id") == before
