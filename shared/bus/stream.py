"""What one channel has delivered: what waits, what is in hand, what may be acknowledged."""

import asyncio
from collections import deque
from datetime import datetime
from typing import Any

import msgspec
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from shared import envelope, logs
from shared.bus.acks import AckTracker
from shared.bus.link import FAILURES, talking
from shared.events import Event

log = logs.logger(__name__)

BACKLOG_MESSAGES = 50
"""As many waiting messages are a backlog, as is anything that a full batch had to leave."""

FEW_EVENTS = 8
"""While no more are in hand, what comes need not wait for them: there is little to share."""


class Work(msgspec.Struct):
    """An event with what the bus knows of its delivery. `attempt` counts earlier failures."""

    event: Event[Any]
    attempt: int
    first_failed_at: str | None


class Delivery(msgspec.Struct):
    """A message taken apart."""

    tag: int
    work: list[Work]


class Stream:
    """What one channel has delivered. A new connection starts a new stream; old tags die."""

    def __init__(self, channel: AbstractChannel) -> None:
        self.channel = channel
        self.waiting: deque[AbstractIncomingMessage] = deque()
        self.tracker = AckTracker()
        self.arrived = asyncio.Event()
        self.backlog = asyncio.Event()
        self.in_hand = 0
        self._batches: dict[int, list[Work]] = {}
        self.consumer_tag = ""

    async def receive(self, message: AbstractIncomingMessage) -> None:
        """Called by the client for each message."""
        assert message.delivery_tag is not None  # noqa: S101 - a delivery always has one
        self.tracker.delivered(message.delivery_tag)
        self.waiting.append(message)
        self.arrived.set()
        if len(self.waiting) >= BACKLOG_MESSAGES or 0 < self.in_hand <= FEW_EVENTS:
            self.backlog.set()

    def take(self, work: list[Work]) -> None:
        """A batch is in hand."""
        self.in_hand += len(work)
        self._batches[id(work)] = work

    def put_down(self, work: list[Work]) -> None:
        """A batch has had its effect."""
        self.in_hand -= len(work)
        del self._batches[id(work)]

    def oldest(self) -> datetime | None:
        """The time of the oldest event in hand or waiting. It looks at everything in hand: for
        metrics, not for every batch."""
        times = [work.event.time for batch in self._batches.values() for work in batch]
        if self.waiting:
            times += _times(self.waiting[0])
        return min(times, default=None)

    def end(self) -> None:
        """Drop what waits, and wake whoever waits for more."""
        self.waiting.clear()
        self.arrived.set()
        self.backlog.set()

    async def finish(self, tags: list[int]) -> None:
        """Acknowledge what may be acknowledged; a dead channel needs none."""
        upto = self.tracker.finished(tags)
        if upto is None:
            return
        try:
            with talking():
                underlay = await self.channel.get_underlay_channel()
                await underlay.basic_ack(upto, multiple=True)
        except FAILURES as problem:
            log.info("not acknowledged; it will come again", problem=repr(problem))


def _times(message: AbstractIncomingMessage) -> list[datetime]:
    """The times of the events in a message; none of one that cannot be read."""
    event_type = message.type or message.routing_key or ""
    try:
        return [event.time for event in envelope.decode_group(event_type, message.body)[0]]
    except envelope.Undecodable:
        return []
