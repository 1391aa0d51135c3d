"""(a) Queued purchases to committed ledger and outbox.

Ours (events alone, and grouped by 100) beside a consumer that does the same work with one
transaction and one acknowledgement per message, and beside the bare set-based SQL of the same rows
without the bus and without the rules.
"""

import asyncio
import statistics
import time
from collections.abc import Sequence
from typing import Any

import aio_pika

from deploy.bench.house import House
from deploy.bench.results import Line
from deploy.bench.shop import Shop, in_groups, purchases, shop
from services.points import handlers
from services.points.programs.rulebook import Rulebook
from services.points.purchases.awards import Awards
from services.points.purchases.judging import Judging
from services.points.store import ledger as store
from services.points.store import members as member_store
from services.points.store import requests
from services.points.store.requests import Request
from shared import clock, envelope, ids, outbox
from shared.bus.bus import Bus
from shared.bus.handling import Batch
from shared.events import Event, PurchaseSubmitted
from shared.keys import Keys

MEMBERS = 2_000
GROUP = 100
BATCH = 500
ROUNDS = 3
PREFETCH = 16
QR_KEY = b"bench" * 8

Purchases = Sequence[Event[PurchaseSubmitted]]


async def measure(house: House, scale: float) -> list[Line]:
    """All four ways in turn, round after round, so that what else the machine does strikes all
    alike; the median counts."""
    found: dict[str, list[float]] = {}
    async with shop(house.database_url, MEMBERS) as open_shop:
        for _ in range(ROUNDS):
            for name, rate in (await _round(open_shop, house.amqp_url, scale)).items():
                found.setdefault(name, []).append(rate)
    return _lines({name: statistics.median(rates) for name, rates in found.items()})


async def _round(open_shop: Shop, amqp: str, scale: float) -> dict[str, float]:
    """Purchases a second, by way of working."""
    return {
        "grouped": await ours(open_shop, amqp, int(30_000 * scale), GROUP),
        "alone": await ours(open_shop, amqp, int(10_000 * scale), 1),
        "one by one": await one_by_one(open_shop, amqp, int(3_000 * scale)),
        "bare SQL": await bare_sql(open_shop, int(30_000 * scale)),
    }


def _lines(rates: dict[str, float]) -> list[Line]:
    def line(name: str, yardstick: str, target: float) -> Line:
        figure, beside = rates[name], rates[yardstick]
        return Line(f"(a) awards, {name}", figure, "/s", yardstick, beside, target)

    return [
        line("grouped", "one by one", 10),
        line("grouped", "bare SQL", 0.5),
        line("alone", "one by one", 4),
    ]


async def ours(open_shop: Shop, amqp: str, count: int, size: int) -> float:
    """Publish first, then let the awards consumer loose and wait for the last commit."""
    namespace = f"bench-{ids.new_id().hex[:12]}"
    done = asyncio.Event()
    bus = Bus(amqp, namespace, "bench")
    relay = outbox.Relay(open_shop.pool, bus.publisher)
    awards = Awards(Rulebook(), Keys(QR_KEY))
    remaining = count

    async def counted(batch: Batch, events: list[Event[PurchaseSubmitted]]) -> None:
        await awards.handle(batch, events)

        def committed() -> None:
            nonlocal remaining
            remaining -= len(events)
            if remaining <= 0:
                done.set()

        batch.when_committed(committed)

    await _queue(amqp, namespace, purchases(open_shop, count), size)
    wiring = {**handlers.award_handlers(awards), "purchase.submitted.v1": counted}
    bus.consume("points.awards", wiring, open_shop.pool, relay, use_inbox=False)
    started = time.perf_counter()
    running = asyncio.create_task(bus.run())
    await done.wait()
    took = time.perf_counter() - started
    await relay.join()
    await bus.stop()
    await running
    await _forget(amqp, namespace)
    return count / took


async def one_by_one(open_shop: Shop, amqp: str, count: int) -> float:
    """The usual consumer: prefetch 16, for each message a transaction, a publish, an ack."""
    namespace = f"bench-{ids.new_id().hex[:12]}"
    await _queue(amqp, namespace, purchases(open_shop, count), 1)
    awards = Awards(Rulebook(), Keys(QR_KEY))
    done = asyncio.Event()
    finished = 0
    connection = await aio_pika.connect(amqp)
    channel = await connection.channel()
    await channel.set_qos(prefetch_count=PREFETCH)
    exchange = await channel.get_exchange(f"{namespace}.events")

    async def on_message(message: aio_pika.abc.AbstractIncomingMessage) -> None:
        nonlocal finished
        events, _ = envelope.decode_group("purchase.submitted.v1", message.body)
        async with open_shop.pool.acquire() as database, database.transaction():
            batch = Batch(database)
            await awards.handle(batch, events)
            rows = await outbox.write(database, batch.emitted)
        for row in rows:
            body = aio_pika.Message(row.body, delivery_mode=2, type=row.type)
            await exchange.publish(body, row.type)
            await open_shop.pool.execute("DELETE FROM outbox WHERE id = $1", row.id)
        await message.ack()
        finished += 1
        if finished == count:
            done.set()

    started = time.perf_counter()
    queue = await channel.get_queue(f"{namespace}.points.awards")
    await queue.consume(on_message)
    await done.wait()
    took = time.perf_counter() - started
    await connection.close()
    await _forget(amqp, namespace)
    return count / took


async def bare_sql(open_shop: Shop, count: int) -> float:
    """The same rows in the same statements, decided beforehand: what the database allows."""
    batches = [
        await _decided(open_shop, group) for group in in_groups(purchases(open_shop, count), BATCH)
    ]
    waiting = iter(batches)

    async def worker() -> None:
        for decided in waiting:
            async with open_shop.pool.acquire() as connection, connection.transaction():
                await decided(connection)

    started = time.perf_counter()
    await asyncio.gather(worker(), worker())
    return count / (time.perf_counter() - started)


async def _decided(open_shop: Shop, events: Purchases) -> Any:
    """Everything that a batch writes, worked out without writing it."""
    rulebook, now = Rulebook(), clock.now()
    async with open_shop.pool.acquire() as connection, connection.transaction():
        await rulebook.refresh(connection)
        cards = [event.data.purchase.member.card for event in events]
        found = await member_store.by(connection, "card", cards)
        by_card = {member.card: member for member in found}
        known = [(event, by_card[str(event.data.purchase.member.card)]) for event in events]
        judging = Judging(now, rulebook)
        await judging.load(connection, known)
    asked = []
    for event, member in known:
        judging.judge(event, member)
        data = event.data
        asked.append(
            Request(event.id, data.terminal_id, data.key, data.body_hash, "awarded", member.id)
        )
    members = list({member.id for _, member in known})

    async def write(connection: Any) -> None:
        await requests.claim(connection, "purchase", asked, now)
        await store.lock_accounts(connection, members)
        batch = Batch(connection)
        await judging.write(batch)
        await outbox.write(connection, batch.emitted)

    return write


async def _queue(amqp: str, namespace: str, events: Purchases, size: int) -> None:
    """Put the events into the queue in messages of `size`, before anybody reads."""
    bus = Bus(amqp, namespace, "bench-queue")
    running = asyncio.create_task(bus.run())
    await bus.wait_up()
    for some in in_groups(in_groups(events, size), 200):
        await asyncio.gather(
            *(
                bus.publisher.publish_group("purchase.submitted.v1", envelope.encode_group(group))
                for group in some
            )
        )
    await bus.stop()
    await running


async def _forget(amqp: str, namespace: str) -> None:
    """Delete the namespace's queues and exchanges."""
    from shared.bus import topology  # noqa: PLC0415 - only to undo what it declared

    names = topology.Names(namespace)
    connection = await aio_pika.connect(amqp)
    channel = await connection.channel()
    retries = [names.retry(seconds) for seconds in topology.RETRY_SECONDS]
    for queue in [*map(names.queue, topology.SUBSCRIPTIONS), *retries, names.dead]:
        await channel.queue_delete(queue)
    for exchange in [names.events, names.dead, *retries]:
        await channel.exchange_delete(exchange)
    await connection.close()
