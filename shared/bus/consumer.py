"""Consuming in micro-batches: whatever has arrived, one transaction, one acknowledgement.

No timer: a batch takes what is queued when the last one ends, so a lone event waits for nothing
and a burst shares its round trips. Only a backlog is worked off by several batches at once. When a
batch fails it is halved until the event that breaks it stands alone; that one goes to a delay queue
or the dead letters, the rest goes through.
"""

import asyncio
from datetime import datetime
from typing import Any, Protocol

import msgspec
from aio_pika.abc import AbstractConnection, AbstractIncomingMessage

from shared import clock, envelope, inbox, logs, metrics, outbox, tracing
from shared.bus.errors import BrokerUnavailable, BusError, Poison
from shared.bus.handling import Batch, Handlers
from shared.bus.link import FAILURES, open_channel
from shared.bus.publisher import Publisher
from shared.bus.stream import Delivery, Stream, Work
from shared.bus.topology import RETRY_SECONDS, SUBSCRIPTIONS, Names
from shared.db import CONFLICTS, UNREACHABLE, Pool
from shared.events import Event

log = logs.logger(__name__)

BATCH_EVENTS = 500
PREFETCH_MESSAGES = 500
PAUSE_SECONDS = 0.5
ATTEMPT = "x-attempt"


class Sink(Protocol):
    """Where a consumer's transactions and outgoing events go."""

    names: Names
    publisher: Publisher


class Consumer:
    """Reads one queue into handlers. With `use_inbox` events seen before are left out.

    `linger`: seconds to let more arrive before a batch is taken, for readers that nobody waits for:
    they then cost little while the machine has something urgent to do.
    """

    def __init__(
        self,
        purpose: str,
        handlers: Handlers,
        pool: "Pool[Any]",
        relay: outbox.Relay,
        sink: Sink,
        *,
        use_inbox: bool = True,
        in_flight: int = 3,
        batch_events: int = BATCH_EVENTS,
        linger: float = 0.0,
    ) -> None:
        if set(handlers) != set(SUBSCRIPTIONS[purpose]):
            raise ValueError(f"the handlers of {purpose} and its subscriptions differ")
        self.purpose = purpose
        self.connected = asyncio.Event()
        self._handlers = handlers
        self._pool = pool
        self._relay = relay
        self._sink = sink
        self._use_inbox = use_inbox
        self._in_flight = in_flight
        self._batch_events = batch_events
        self._linger = linger
        self._stream: Stream | None = None
        self._stopping = False
        metrics.show_oldest(purpose, self.oldest)

    def oldest(self) -> datetime | None:
        """The time of the oldest event that came and has had no effect yet."""
        return self._stream.oldest() if self._stream is not None else None

    async def open(self, connection: AbstractConnection) -> None:
        """Start reading on a new connection."""
        channel = await open_channel(connection, confirms=False, prefetch=PREFETCH_MESSAGES)
        stream = Stream(channel)
        queue = await channel.get_queue(self._sink.names.queue(self.purpose), ensure=False)
        old, self._stream = self._stream, stream
        if old is not None:
            old.end()
        self.connected.set()
        stream.consumer_tag = await queue.consume(stream.receive)

    async def run(self) -> None:
        """Handle batches until `stop`.

        One at a time while it takes all that has come: two halves would cost their round trips
        twice and be done no sooner. A backlog is worked off a few at a time, so that the database
        never waits for us, and so are a few lone events, so that none waits for another."""
        async with asyncio.TaskGroup() as group:
            for number in range(self._in_flight):
                group.create_task(self._work(first=number == 0))

    async def stop(self) -> None:
        """Take no more; `run` returns when the batches in hand are done."""
        self._stopping = True
        self.connected.set()
        if self._stream is not None:
            self._stream.end()
            try:
                underlay = await self._stream.channel.get_underlay_channel()
                await underlay.basic_cancel(self._stream.consumer_tag)
            except FAILURES as problem:
                log.info("consumer not cancelled", problem=repr(problem))

    async def _work(self, *, first: bool) -> None:
        await self.connected.wait()
        while not self._stopping:
            stream = self._stream
            assert stream is not None  # noqa: S101 - set before `connected`
            turn = stream.arrived if first else stream.backlog
            if not (stream.waiting and turn.is_set()):
                turn.clear()
                await turn.wait()
                continue
            if self._linger:
                await asyncio.sleep(self._linger)
            deliveries = await self._take(stream)
            work = [work for delivery in deliveries for work in delivery.work]
            stream.take(work)
            await self._handle(work)
            stream.put_down(work)
            await stream.finish([delivery.tag for delivery in deliveries])

    async def _take(self, stream: Stream) -> list[Delivery]:
        deliveries: list[Delivery] = []
        count = 0
        while stream.waiting and count < self._batch_events:
            delivery = await self._take_apart(stream.waiting.popleft())
            deliveries.append(delivery)
            count += len(delivery.work)
        if stream.waiting:
            stream.backlog.set()
        else:
            stream.backlog.clear()
        return deliveries

    async def _take_apart(self, message: AbstractIncomingMessage) -> Delivery:
        assert message.delivery_tag is not None  # noqa: S101 - a delivery always has one
        event_type = message.type or message.routing_key or ""
        headers = message.headers
        try:
            if event_type not in self._handlers:
                raise envelope.Undecodable(f"{self.purpose} does not handle {event_type!r}")
            events, broken = envelope.decode_group(event_type, message.body)
        except envelope.Undecodable as problem:
            await self._bury(event_type, message.body, str(problem), _attempt(headers), None)
            return Delivery(message.delivery_tag, [])
        for bad in broken:
            body = envelope.join([bad.raw])
            await self._bury(event_type, body, bad.reason, _attempt(headers), None)
        first_failed_at = headers.get("x-first-failed-at")
        work = [
            Work(event, _attempt(headers), str(first_failed_at) if first_failed_at else None)
            for event in events
        ]
        return Delivery(message.delivery_tag, work)

    async def _handle(self, work: list[Work]) -> None:
        """Handle all of `work`; on failure halve it, and dispose of what fails alone."""
        if not work:
            return
        try:
            await self._persist(work)
        except Exception as error:
            if len(work) > 1:
                log.warning("batch failed, halving", size=len(work), problem=_loggable(error))
                await self._handle(work[: len(work) // 2])
                await self._handle(work[len(work) // 2 :])
            else:
                await self._dispose(work[0], error)

    async def _persist(self, work: list[Work]) -> None:
        """Commit the batch, waiting for the database for as long as it takes."""
        conflicts = 0
        while True:
            try:
                events = [item.event for item in work]
                with (
                    metrics.batch(self.purpose, len(work)),
                    tracing.handling(self.purpose, events),
                ):
                    batch, rows = await self._commit(events)
                break
            except UNREACHABLE as problem:
                if isinstance(problem, ValueError):
                    raise  # asyncpg's word for a value that does not fit: the data's fault
                log.warning("database not reached, the batch waits", problem=repr(problem))
                await asyncio.sleep(PAUSE_SECONDS)
            except CONFLICTS:
                conflicts += 1
                if conflicts > 5:
                    raise
        for act in batch.after_commit:
            act()
        await self._answer(batch)
        await self._relay.hand_over(rows)

    async def _commit(self, events: list[Event[Any]]) -> tuple[Batch, list[outbox.Row]]:
        async with self._pool.acquire() as connection, connection.transaction():
            if self._use_inbox:
                events = await inbox.fresh(connection, self.purpose, events)
            batch = Batch(connection)
            for event_type in SUBSCRIPTIONS[self.purpose]:
                group = [event for event in events if event.type == event_type]
                if group:
                    await self._handlers[event_type](batch, group)
            return batch, await outbox.write(connection, batch.emitted)

    async def _answer(self, batch: Batch) -> None:
        by_queue: dict[str, list[Any]] = {}
        for queue, answer in batch.replies:
            by_queue.setdefault(queue, []).append(answer)
        for queue, answers in by_queue.items():
            try:
                await self._sink.publisher.send_reply(queue, msgspec.json.encode(answers))
            except FAILURES as problem:
                log.info("nobody told", queue=queue, problem=repr(problem))

    async def _dispose(self, work: Work, error: Exception) -> None:
        event_type, body = work.event.type, envelope.encode_group([work.event])
        reason = f"{type(error).__name__}: {error}"
        if isinstance(error, Poison) or work.attempt >= len(RETRY_SECONDS):
            log.error("event failed for good", id=str(work.event.id), problem=_loggable(error))
            await self._bury(event_type, body, reason, work.attempt, work.first_failed_at)
            return
        seconds = RETRY_SECONDS[work.attempt]
        log.warning("event failed, tried later", id=str(work.event.id), problem=_loggable(error))
        metrics.retried(self.purpose)
        headers = self._headers(reason, work.attempt + 1, work.first_failed_at)
        queue = self._sink.names.queue(self.purpose)
        await self._surely(self._sink.names.retry(seconds), queue, body, event_type, headers)

    async def _bury(
        self, event_type: str, body: bytes, reason: str, attempt: int, first: str | None
    ) -> None:
        log.error("dead letter; `tamaru dlq` shows it", queue=self.purpose, type=event_type)
        metrics.buried(self.purpose)
        headers = self._headers(reason, attempt, first)
        await self._surely(self._sink.names.dead, "", body, event_type, headers)

    def _headers(self, reason: str, attempt: int, first: str | None) -> dict[str, Any]:
        moment: datetime = clock.now()
        return {
            ATTEMPT: attempt,
            "x-reason": reason[:1000],
            "x-queue": self.purpose,
            "x-first-failed-at": first or moment.isoformat(),
            "x-failed-at": moment.isoformat(),
        }

    async def _surely(
        self, exchange: str, key: str, body: bytes, event_type: str, headers: dict[str, Any]
    ) -> None:
        """Publish before the original is acknowledged, however long the broker is away."""
        while True:
            try:
                await self._sink.publisher.publish_to(exchange, key, body, event_type, headers)
                return
            except BrokerUnavailable as problem:
                log.warning("failed event kept until the broker is back", problem=str(problem))
                await asyncio.sleep(PAUSE_SECONDS)


def _loggable(error: Exception) -> str:
    """What may be logged. Errors that are not ours may quote personal data: only their name."""
    return (
        f"{type(error).__name__}: {error}" if isinstance(error, BusError) else type(error).__name__
    )


def _attempt(headers: dict[str, Any]) -> int:
    value = headers.get(ATTEMPT, 0)
    return value if isinstance(value, int) else 0
