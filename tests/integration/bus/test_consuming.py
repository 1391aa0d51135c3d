"""Consuming from a real broker into a real database: each event has its effect exactly once."""

import asyncio
import contextlib
import random

import aio_pika
import pytest

from shared import envelope
from shared.bus.bus import Bus
from shared.bus.deadletters import DeadLetter, opened
from shared.bus.errors import NotYet, Poison
from shared.bus.stream import BACKLOG_MESSAGES, FEW_EVENTS
from shared.events import Event, PurchaseRejected, ScheduleCancelled, new_event
from shared.ids import new_id
from shared.outbox import Relay
from tests.integration.bus.reading import handlers

DEADLINE = 40


def cancelled(key: str) -> Event[ScheduleCancelled]:
    return new_event("/test", ScheduleCancelled(key=key))


async def note(batch, events) -> None:
    await batch.connection.execute(
        "INSERT INTO effects SELECT unnest($1::text[])", [event.data.key for event in events]
    )


async def until(condition) -> None:
    async with asyncio.timeout(DEADLINE):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.02)


async def effects_are(shop, keys) -> None:
    expected = sorted(keys)

    async def there() -> bool:
        return len(await shop.effects()) >= len(expected)

    await until(there)
    assert await shop.effects() == expected


async def dead_letters(servers, shop, count: int) -> list[DeadLetter]:
    found: list[DeadLetter] = []

    async def there() -> bool:
        async with opened(servers.amqp_url, shop.namespace) as office:
            found[:] = [held.letter async for held in office.letters()]
        return len(found) >= count

    await until(there)
    assert len(found) == count
    return found


async def queue_is_empty(servers, bus) -> None:
    """Nothing waits and nothing is unacknowledged: closing the readers brought nothing back."""
    async with await aio_pika.connect(servers.amqp_url) as connection:
        channel = await connection.channel()

        async def empty() -> bool:
            queue = await channel.declare_queue(bus.names.queue("scheduler.items"), passive=True)
            return queue.declaration_result.message_count == 0

        await until(empty)


async def publish_all(bus, events) -> None:
    await asyncio.gather(*(bus.publisher.publish(event) for event in events))


async def test_repeated_and_shuffled_events_take_effect_once(shop, servers):
    out = await shop.start()
    events = [cancelled(f"{n:04}") for n in range(900)]
    chosen = random.Random(7)
    sent = [event for event in events for _ in range(chosen.randint(1, 3))]
    chosen.shuffle(sent)
    async with shop.process(handlers(note)), shop.process(handlers(note), batch_events=37):
        for start in range(0, len(sent), 250):
            await publish_all(out, sent[start : start + 250])
        await effects_are(shop, (event.data.key for event in events))
    await queue_is_empty(servers, out)
    await effects_are(shop, (event.data.key for event in events))


async def test_poison_in_a_batch_of_500_is_isolated(shop, servers):
    async def picky(batch, events) -> None:
        bad = [event.data.key for event in events if event.data.key in {"013", "250", "499"}]
        await note(batch, events)
        if bad:
            raise Poison(f"{bad[0]} can never work")

    out = await shop.start()
    await publish_all(out, (cancelled(f"{n:03}") for n in range(500)))
    await shop.start(handlers(picky))
    good = {f"{n:03}" for n in range(500)} - {"013", "250", "499"}
    await effects_are(shop, good)
    letters = await dead_letters(servers, shop, 3)
    assert {letter.reason for letter in letters} == {
        f"Poison: {key} can never work" for key in ("013", "250", "499")
    }
    assert {(letter.queue, letter.attempts) for letter in letters} == {("scheduler.items", 1)}
    await effects_are(shop, good)


async def test_what_the_database_refuses_is_poison_to_nobody_else(shop, servers):
    async def store_all(batch, events) -> None:
        numbers = [10**30 if event.data.key == "huge" else 1 for event in events]
        await batch.connection.execute("SELECT unnest($1::bigint[])", numbers)
        await note(batch, events)

    out = await shop.start()
    await publish_all(out, (cancelled(key) for key in ("a", "b", "huge", "nul\0", "c")))
    await shop.start(handlers(store_all))
    await effects_are(shop, "abc")
    letters = await dead_letters(servers, shop, 2)
    assert {letter.attempts for letter in letters} == {3}


async def test_what_comes_too_early_is_tried_again_later(shop):
    met = []

    async def early(batch, events) -> None:
        met.append(len(events))
        if len(met) == 1:
            raise NotYet("the other one is missing")
        await note(batch, events)

    out = await shop.start()
    await shop.start(handlers(early))
    await out.publisher.publish(cancelled("early"))
    await effects_are(shop, ["early"])
    assert len(met) == 2


async def test_what_never_works_ends_as_a_dead_letter_with_its_reason(shop, servers, capsys):
    async def broken(batch, events) -> None:
        if any(event.data.key == "broken" for event in events):
            raise KeyError("no such thing")
        await note(batch, events)

    out = await shop.start()
    await shop.start(handlers(broken))
    event = cancelled("broken")
    await publish_all(out, [event, cancelled("fine")])
    (letter,) = await dead_letters(servers, shop, 1)
    assert letter.reason == "KeyError: 'no such thing'"
    assert letter.attempts == 3
    assert letter.event_ids == (str(event.id),)
    assert letter.first_failed_at < letter.failed_at
    await effects_are(shop, ["fine"])
    logged = capsys.readouterr().out
    assert "KeyError" in logged
    assert "no such thing" not in logged, "a foreign error's text may quote personal data"


async def test_messages_that_are_none_go_to_the_dead_letters(shop, servers):
    out = await shop.start()
    await shop.start(handlers(note))
    good = [envelope.encode(cancelled(key)) for key in "ab"]
    mixed = envelope.join([good[0], b'{"id": 7}', good[1], b"null"])
    no_text = good[0].replace(b'"a"', b'"\xff"')
    bodies = [
        mixed,
        b"\xff\x00 no JSON",
        b'{"an": "object"}',
        b"[" * 5000,
        envelope.join([no_text]),
        envelope.join([]),
    ]
    queue = out.names.queue("scheduler.items")
    for body in bodies:
        await out.publisher.publish_to("", queue, body, "schedule.cancelled.v1", {})
    for event_type in ("unheard.of.v1", "points.earned.v1", ""):
        await out.publisher.publish_to("", queue, envelope.join(good), event_type, {})
    await effects_are(shop, "ab")
    letters = await dead_letters(servers, shop, 9)
    reasons = "\n".join(letter.reason for letter in letters)
    for word in ("not a JSON array", "at `$.id`", "does not handle 'unheard.of.v1'"):
        assert word in reasons
    assert len({letter.id for letter in letters}) == 9
    await out.publisher.publish(cancelled("c"))
    await effects_are(shop, "abc")


async def test_what_is_emitted_leaves_after_the_commit_and_never_for_what_failed(shop, servers):
    async def emit(batch, events) -> None:
        for event in events:
            batch.emit(new_event("/test", PurchaseRejected(new_id(), event.data.key, "")))
        if any(event.data.key == "bad" for event in events):
            raise Poison("bad")

    async with await aio_pika.connect(servers.amqp_url) as connection:
        channel = await connection.channel()
        out = await shop.start()
        spy = await channel.declare_queue(exclusive=True)
        await spy.bind(out.names.events, "purchase.rejected.v1")
        heard: list[str] = []

        async def hear(message) -> None:
            events, _ = envelope.decode_group("purchase.rejected.v1", message.body)
            heard.extend(event.data.reason for event in events)

        await spy.consume(hear, no_ack=True)
        async with shop.process(handlers(emit)):
            await publish_all(out, (cancelled(key) for key in ("a", "bad", "b", "c")))

            async def all_heard() -> bool:
                return len(heard) >= 3

            await until(all_heard)
            await dead_letters(servers, shop, 1)
    assert sorted(heard) == ["a", "b", "c"]
    assert await shop.pool.fetchval("SELECT count(*) FROM outbox") == 0


async def test_a_graceful_stop_finishes_the_batch_in_hand(shop, servers):
    entered, leave = asyncio.Event(), asyncio.Event()

    async def slow(batch, events) -> None:
        entered.set()
        await leave.wait()
        await note(batch, events)

    out = await shop.start()
    async with shop.process(handlers(slow), in_flight=1, batch_events=1) as bus:
        await out.publisher.publish(cancelled("in hand"))
        await asyncio.wait_for(entered.wait(), DEADLINE)
        await out.publisher.publish(cancelled("not begun"))
        stopping = asyncio.create_task(bus.stop())
        await asyncio.sleep(0)
        leave.set()
        await stopping
        await asyncio.wait_for(bus.running, DEADLINE)
        assert await shop.effects() == ["in hand"]
    await shop.start(handlers(note))
    await effects_are(shop, ["in hand", "not begun"])


async def test_only_a_backlog_is_worked_off_by_several_batches_at_once(shop):
    begun, leave = [], asyncio.Event()

    async def slow(batch, events) -> None:
        begun.append([event.data.key for event in events])
        await leave.wait()
        await note(batch, events)

    out = await shop.start()
    first = [f"a{n:03}" for n in range(FEW_EVENTS + 1)]
    few, many = [f"b{n:03}" for n in range(5)], [f"c{n:03}" for n in range(BACKLOG_MESSAGES)]

    async def send(keys) -> None:
        for key in keys:  # a message each
            await out.publisher.publish(cancelled(key))

    async with shop.process(handlers(slow), in_flight=2) as bus:
        group = envelope.encode_group([cancelled(key) for key in first])
        await out.publisher.publish_group("schedule.cancelled.v1", group)
        stream = bus._consumers[0]._stream

        async def few_wait() -> bool:
            return len(begun) == 1 and len(stream.waiting) == len(few)

        await send(few)
        await until(few_wait)
        assert begun == [first]
        await send(many)

        async def two_at_once() -> bool:
            return len(begun) == 2

        await until(two_at_once)
        leave.set()
        await effects_are(shop, first + few + many)


async def test_a_lone_event_does_not_wait_for_another(shop):
    begun, leave = [], asyncio.Event()

    async def slow(batch, events) -> None:
        begun.extend(event.data.key for event in events)
        await leave.wait()
        await note(batch, events)

    out = await shop.start()
    async with shop.process(handlers(slow), in_flight=2):
        for key in ("one", "other"):
            await out.publisher.publish(cancelled(key))

            async def begun_too(key=key) -> bool:
                return key in begun

            await until(begun_too)
        leave.set()
        await effects_are(shop, ["one", "other"])


async def test_a_process_that_dies_with_a_batch_in_hand_loses_nothing(shop):
    entered = asyncio.Event()

    async def hanging(batch, events) -> None:
        await note(batch, events)
        entered.set()
        await asyncio.Event().wait()

    out = await shop.start()
    dying = Bus(shop.url, shop.namespace, "dying")
    dying.consume("scheduler.items", handlers(hanging), shop.pool, Relay(shop.pool, out.publisher))
    running = asyncio.create_task(dying.run())
    await out.publisher.publish(cancelled("in hand"))
    await asyncio.wait_for(entered.wait(), DEADLINE)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    assert await shop.effects() == []
    await shop.start(handlers(note))
    await effects_are(shop, ["in hand"])


async def test_a_handler_map_that_differs_from_the_subscriptions_stops_the_start(shop):
    with pytest.raises(ValueError, match=r"scheduler\.items"):
        async with shop.process({"schedule.requested.v1": note}):
            pass
