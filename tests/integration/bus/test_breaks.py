"""The connection to the broker or the database breaks in the middle: nothing lost, nothing twice.

The broker is reached through a proxy of this file, which cuts and refuses connections on demand.
"""

import asyncio
import contextlib
import signal
from datetime import timedelta
from urllib.parse import urlsplit

import aio_pika
import aiormq
import msgspec
import pytest

from shared import clock, outbox
from shared.bus import link, topology
from shared.bus.deadletters import opened
from shared.bus.errors import BrokerUnavailable
from shared.events import Event, PurchaseRejected, ScheduleCancelled, new_event
from shared.ids import new_id
from tests.integration.bus.reading import handlers

DEADLINE = 60


class Proxy:
    """A TCP proxy in front of a server."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._open: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task] = set()
        self.refusing = False
        self.cut_after: int | None = None

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        self.cut()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    def cut(self) -> None:
        """Reset every connection that there is."""
        for writer in list(self._open):
            writer.transport.abort()

    async def _accept(self, reader, writer) -> None:
        if self.refusing:
            writer.transport.abort()
            return
        target_reader, target_writer = await asyncio.open_connection(*self._target)
        for source, sink in ((reader, target_writer), (target_reader, writer)):
            pump = asyncio.create_task(self._pump(source, sink))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(self, source, sink) -> None:
        self._open.add(sink)
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                if self.cut_after is not None:
                    self.cut_after -= len(data)
                    if self.cut_after < 0:
                        self.cut_after = None
                        self.cut()
                        break
                sink.write(data)
                await sink.drain()
        sink.transport.abort()
        self._open.discard(sink)


@pytest.fixture
async def proxy(servers):
    url = urlsplit(servers.amqp_url)
    async with Proxy((url.hostname, url.port)) as proxy:
        credentials = f"{url.username}:{url.password}"
        netloc = f"{credentials}@127.0.0.1:{proxy.port}"
        proxy.url = url._replace(netloc=netloc).geturl()
        yield proxy


def cancelled(key: str) -> Event[ScheduleCancelled]:
    return new_event("/test", ScheduleCancelled(key=key))


async def note_and_tell(batch, events) -> None:
    """The effect and an event that tells of it."""
    keys = [event.data.key for event in events]
    await batch.connection.execute("INSERT INTO effects SELECT unnest($1::text[])", keys)
    batch.emit(*(new_event("/test", PurchaseRejected(new_id(), key, "")) for key in keys))


async def until(condition) -> None:
    async with asyncio.timeout(DEADLINE):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.02)


async def publish_surely(bus, event) -> None:
    """As a caller with an event of its own does: again until it is confirmed."""
    while True:
        try:
            await bus.publisher.publish(event)
            return
        except BrokerUnavailable:
            await bus.wait_up()
            await asyncio.sleep(0.01)


async def effects_are(shop, keys) -> None:
    expected = sorted(keys)

    async def there() -> bool:
        return await shop.pool.fetchval("SELECT count(*) FROM effects") >= len(expected)

    await until(there)
    assert await shop.effects() == expected


@contextlib.asynccontextmanager
async def hearing(servers, bus):
    """The reasons of all rejections that were published, with their repeats."""
    heard: list[str] = []
    async with await aio_pika.connect(servers.amqp_url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(bus.names.events, "purchase.rejected.v1")

        async def hear(message) -> None:
            heard.extend(event["data"]["reason"] for event in msgspec.json.decode(message.body))

        await queue.consume(hear, no_ack=True)
        yield heard


async def test_connections_cut_again_and_again(shop, servers, proxy):
    """Publisher and consumer are both cut every few batches, at whatever byte that is."""
    keys = [f"{n:05}" for n in range(3000)]
    async with (
        shop.process(url=proxy.url) as out,
        hearing(servers, out) as heard,
        shop.process(handlers(note_and_tell), url=proxy.url, batch_events=50) as bus,
    ):
        sweep = asyncio.create_task(bus.relay.run())
        for start in range(0, len(keys), 250):
            proxy.cut_after = 9_000 + start
            group = keys[start : start + 250]
            await asyncio.gather(*(publish_surely(out, cancelled(key)) for key in group))
        proxy.cut_after = None
        await effects_are(shop, keys)
        await asyncio.wait_for(bus.wait_up(), DEADLINE)

        async def all_told() -> bool:
            return set(heard) == set(keys)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(outbox, "LEFT_BEHIND", timedelta(0))
            await until(all_told)
            sweep.cancel()
        assert not bus.running.done()
    await effects_are(shop, keys)


async def test_connections_cut_while_they_are_being_prepared(shop, proxy, monkeypatch):
    monkeypatch.setattr(link, "LONGEST_PAUSE", 0.01)
    async with (
        shop.process(url=proxy.url) as out,
        shop.process(handlers(note_and_tell), url=proxy.url) as bus,
    ):
        for bytes_let_through in range(0, 24_000, 400):
            proxy.cut()
            proxy.cut_after = bytes_let_through

            async def cut_or_up() -> bool:
                return proxy.cut_after is None or (out.up and bus.up)

            await until(cut_or_up)
            assert not bus.running.done()
            assert not out.running.done()
        proxy.cut_after = None
        await publish_surely(out, cancelled("alive"))
        await effects_are(shop, ["alive"])


async def test_a_broker_that_stays_away_for_a_while(shop, proxy):
    async with (
        shop.process(url=proxy.url) as out,
        shop.process(handlers(note_and_tell), url=proxy.url) as bus,
    ):
        proxy.refusing = True
        proxy.cut()

        async def down() -> bool:
            return not out.up and not bus.up

        await until(down)
        with pytest.raises(BrokerUnavailable):
            await out.publisher.publish(cancelled("lost"))
        proxy.refusing = False
        await asyncio.wait_for(out.wait_up(), DEADLINE)
        await publish_surely(out, cancelled("again"))
        await effects_are(shop, ["again"])


async def test_an_event_that_fails_is_kept_until_the_delay_queue_has_it(shop, servers):
    """It is not acknowledged before, however long that takes."""
    failed = []

    async def failing_once(batch, events) -> None:
        if not failed:
            failed.append(1)
            raise KeyError("once")
        await note_and_tell(batch, events)

    out = await shop.start()
    bus = await shop.start(handlers(failing_once))
    refused = []
    publish_to = bus.publisher.publish_to

    async def counted(*arguments) -> None:
        try:
            await publish_to(*arguments)
        except BrokerUnavailable:
            refused.append(1)
            raise

    bus.publisher.publish_to = counted
    async with await aio_pika.connect(servers.amqp_url) as connection:
        channel = await connection.channel()
        await channel.queue_delete(out.names.retry(0))
        await out.publisher.publish(cancelled("kept"))

        async def refused_twice() -> bool:
            return len(refused) >= 2

        await until(refused_twice)
        await topology.declare(channel, out.names)
    await effects_are(shop, ["kept"])


async def test_a_database_that_is_away_costs_no_attempt(shop, servers):
    """More often than an event may fail: it waits in place, and never becomes a dead letter."""
    ended = []

    async def ending(batch, events) -> None:
        if len(ended) < 6:
            ended.append(1)
            own = await batch.connection.fetchval("SELECT pg_backend_pid()")
            await shop.pool.execute("SELECT pg_terminate_backend($1)", own)
        await note_and_tell(batch, events)

    out = await shop.start()
    await shop.start(handlers(ending))
    await out.publisher.publish(cancelled("patient"))
    await effects_are(shop, ["patient"])
    async with opened(servers.amqp_url, shop.namespace) as office:
        assert [held.letter async for held in office.letters()] == []


async def test_database_connections_that_end_in_the_middle(shop):
    ended = []

    async def ending(batch, events) -> None:
        await note_and_tell(batch, events)
        if len(ended) < 5:
            ended.append(1)
            own = await batch.connection.fetchval("SELECT pg_backend_pid()")
            await shop.pool.execute("SELECT pg_terminate_backend($1)", own)

    out = await shop.start()
    await shop.start(handlers(ending), batch_events=40)
    keys = [f"{n:03}" for n in range(400)]
    await asyncio.gather(*(out.publisher.publish(cancelled(key)) for key in keys))
    await effects_are(shop, keys)
    assert len(ended) == 5


async def test_a_row_that_a_crash_left_behind_is_swept_up(shop, servers, monkeypatch):
    monkeypatch.setattr(outbox, "SWEEP_SECONDS", 0.05)
    event = new_event("/test", PurchaseRejected(new_id(), "left behind", ""))
    async with shop.pool.acquire() as connection:
        clock.set_offset(timedelta(seconds=-60))
        try:
            await outbox.write(connection, [event])
        finally:
            clock.set_offset(timedelta(0))
        await outbox.write(
            connection, [new_event("/test", PurchaseRejected(new_id(), "just now", ""))]
        )
    bus = await shop.start()
    async with hearing(servers, bus) as heard:
        sweep = asyncio.create_task(bus.relay.run())

        async def swept() -> bool:
            return await shop.pool.fetchval("SELECT count(*) FROM outbox") == 1

        await until(swept)
        sweep.cancel()
        assert heard == ["left behind"]


async def test_rows_stay_while_the_broker_is_away_and_leave_afterwards(shop, servers, proxy):
    events = [new_event("/test", PurchaseRejected(new_id(), f"{n}", "")) for n in range(450)]
    async with shop.process(url=proxy.url) as bus, hearing(servers, bus) as heard:
        proxy.refusing = True
        proxy.cut()

        async def down() -> bool:
            return not bus.up

        await until(down)
        async with shop.pool.acquire() as connection, connection.transaction():
            rows = await outbox.write(connection, events)
        assert [len(row.body) > 0 for row in rows] == [True] * 3
        await bus.relay.hand_over(rows)
        await bus.relay.join()
        assert await shop.pool.fetchval("SELECT count(*) FROM outbox") == 3
        proxy.refusing = False
        await asyncio.wait_for(bus.wait_up(), DEADLINE)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(outbox, "LEFT_BEHIND", timedelta(0))
            patch.setattr(outbox, "SWEEP_SECONDS", 0.05)
            sweep = asyncio.create_task(bus.relay.run())

            async def swept() -> bool:
                return await shop.pool.fetchval("SELECT count(*) FROM outbox") == 0

            await until(swept)
            sweep.cancel()
        assert sorted(heard, key=int) == [f"{n}" for n in range(450)]


@pytest.mark.parametrize(
    "problem",
    [
        ConnectionError(),
        RuntimeError("closed"),
        asyncio.CancelledError(),
        TimeoutError(),
        Exception(),
    ],
    ids=repr,
)
async def test_a_link_comes_back_and_leaves_no_half_prepared_connection_open(servers, problem):
    """An abandoned one would hold messages that nobody handles. The client's own word for a
    connection that ended in the middle may be a cancellation, and that must not end the link."""
    opened = []

    async def on_open(connection) -> None:
        opened.append(connection)
        if len(opened) == 1:
            raise problem

    kept = link.Link(servers.amqp_url, "test", on_open)
    running = asyncio.create_task(kept.run())
    await asyncio.wait_for(kept.up.wait(), DEADLINE)
    assert [connection.is_closed for connection in opened] == [True, False]
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    assert running.cancelled()
    assert opened[1].is_closed


@pytest.mark.parametrize("problem", [asyncio.CancelledError(), Exception()], ids=repr)
async def test_a_publish_that_the_client_gives_up_is_not_confirmed(shop, monkeypatch, problem):
    bus = await shop.start()

    async def ended(*_, **__) -> None:
        raise problem

    with monkeypatch.context() as patch:
        patch.setattr(bus.publisher._events, "publish", ended)
        results = await asyncio.gather(
            *(bus.publisher.publish(cancelled(f"{n}")) for n in range(3)), return_exceptions=True
        )
    assert [type(result) for result in results] == [BrokerUnavailable] * 3
    await bus.publisher.publish(cancelled("afterwards"))


@pytest.mark.parametrize("problem", [asyncio.CancelledError(), Exception()], ids=repr)
async def test_an_acknowledgement_that_the_client_gives_up_harms_nobody(shop, monkeypatch, problem):
    """The events come again, and the consumer is still there for them."""
    given_up = []
    acknowledge = aiormq.Channel.basic_ack

    async def ended_at_first(channel, *arguments, **options) -> None:
        if len(given_up) < 2:
            given_up.append(1)
            raise problem
        await acknowledge(channel, *arguments, **options)

    monkeypatch.setattr(aiormq.Channel, "basic_ack", ended_at_first)
    out = await shop.start()
    bus = await shop.start(handlers(note_and_tell), batch_events=1)
    for keys in ("a", "ab", "abc", "abcd"):
        await out.publisher.publish(cancelled(keys[-1]))
        await effects_are(shop, keys)

        async def tried() -> bool:
            return len(given_up) >= min(2, len(keys))  # noqa: B023 - awaited at once

        await until(tried)
    assert not bus.running.done()


async def test_the_broker_itself_killed_and_restarted(shop, servers):
    if servers.private is None:
        pytest.skip("only servers that these tests started may be killed")
    # RabbitMQ 3.10 may lose a queue that is killed within seconds of its first declaration (it
    # never has a leader again). A restart in peace puts what this module declared on disk.
    await asyncio.to_thread(servers.private.restart, "rabbitmq", signal.SIGTERM)
    keys = [f"{n:04}" for n in range(1000)]
    async with shop.process() as out, shop.process(handlers(note_and_tell)):
        sending = asyncio.gather(*(publish_surely(out, cancelled(key)) for key in keys))
        await asyncio.to_thread(servers.private.restart, "rabbitmq")
        await sending
        await effects_are(shop, keys)
