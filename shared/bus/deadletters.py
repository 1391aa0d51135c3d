"""The dead letters: looking at them, handing them back to the queue they failed in, dropping them.

Plain AMQP: a look takes letters without acknowledging them and closes its channel, which puts them
back. So two people who look at the same time each see only what the other has not in hand.
"""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import aio_pika
import msgspec
from aio_pika import DeliveryMode, Message
from aio_pika.abc import (
    AbstractChannel,
    AbstractConnection,
    AbstractIncomingMessage,
    AbstractQueue,
)

from shared import envelope
from shared.bus.errors import BrokerUnavailable
from shared.bus.link import CONNECT_TIMEOUT, FAILURES, talking
from shared.bus.publisher import CONFIRM_TIMEOUT
from shared.bus.topology import Names, declare

ID_LENGTH = 12


class DeadLetter(msgspec.Struct, frozen=True):
    """A message that could not be handled.

    `id` is short and follows from what the letter is, so it stays the same from look to look.
    `queue` is the purpose of the queue it failed in (such as `points.awards`; "" when unknown),
    `event_ids` those of its events that have one. Times are as they stood in the headers.
    """

    id: str
    queue: str
    type: str
    reason: str
    attempts: int
    failed_at: datetime | None
    first_failed_at: datetime | None
    event_ids: tuple[str, ...]
    body: bytes

    def is_named(self, id: str) -> bool:
        """Whether `id` is this letter's, or that of an event in it."""
        return id == self.id or id in self.event_ids


class Held:
    """A dead letter in hand: it goes back when the office closes, unless replayed or dropped."""

    def __init__(self, letter: DeadLetter, message: AbstractIncomingMessage) -> None:
        self.letter = letter
        self._message = message

    async def drop(self) -> None:
        """Delete it for good."""
        await self._message.ack()


class Office:
    """Access to the dead letters of one namespace; see `opened`."""

    def __init__(self, channel: AbstractChannel, queue: AbstractQueue, names: Names) -> None:
        self._channel = channel
        self._queue = queue
        self._names = names
        self._left = queue.declaration_result.message_count or 0

    async def letters(self) -> AsyncIterator[Held]:
        """Each letter that was there at the start, oldest first. A letter that comes back while
        this goes on (replayed, and failed again) is not met a second time."""
        while self._left > 0:
            message = await self._queue.get(fail=False)
            if message is None:
                return
            self._left -= 1
            yield Held(_read(message, self._names), message)

    async def replay(self, held: Held) -> None:
        """Publish a letter to the queue that it failed in, as if it had never failed, and drop it.

        A crash in between leaves it in both places; readers know an event by its id. Raises
        BrokerUnavailable, also when the queue is unknown or not there: then the letter stays.
        """
        letter = held.letter
        if not letter.queue:
            raise BrokerUnavailable(f"nobody knows which queue {letter.id} failed in")
        message = Message(
            letter.body,
            delivery_mode=DeliveryMode.PERSISTENT,
            content_type=envelope.CONTENT_TYPE,
            type=letter.type,
        )
        try:
            with talking():
                await self._channel.default_exchange.publish(
                    message, self._names.queue(letter.queue), timeout=CONFIRM_TIMEOUT
                )
        except FAILURES as problem:
            raise BrokerUnavailable(f"{letter.queue} did not take it: {problem!r}") from problem
        await held.drop()


@asynccontextmanager
async def opened(url: str, namespace: str) -> AsyncIterator[Office]:
    """The dead letters of a namespace. Raises BrokerUnavailable when the broker is not reached."""
    names = Names(namespace)
    try:
        connection = await aio_pika.connect(url, timeout=CONNECT_TIMEOUT)
    except FAILURES as problem:
        raise BrokerUnavailable(f"the broker is not reached: {problem}") from problem
    async with connection:
        yield await _office(connection, names)


async def _office(connection: AbstractConnection, names: Names) -> Office:
    try:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        await declare(channel, names)
        queue = await channel.declare_queue(names.dead, passive=True)
    except FAILURES as problem:
        raise BrokerUnavailable(f"the broker refuses: {problem}") from problem
    return Office(channel, queue, names)


def _read(message: AbstractIncomingMessage, names: Names) -> DeadLetter:
    headers = message.headers
    given_up = _given_up(headers, names)
    queue, reason, failed_at = given_up or (
        str(headers.get("x-queue", "")),
        str(headers.get("x-reason", "unknown")),
        _time(headers.get("x-failed-at")),
    )
    attempts = headers.get("x-attempt", 0)
    return DeadLetter(
        id=_digest(queue, str(failed_at), message.body),
        queue=queue,
        type=message.type or message.routing_key or "",
        reason=reason,
        attempts=attempts + 1 if isinstance(attempts, int) else 1,
        failed_at=failed_at,
        first_failed_at=_time(headers.get("x-first-failed-at")) or failed_at,
        event_ids=_event_ids(message.body),
        body=message.body,
    )


def _given_up(headers: dict[str, Any], names: Names) -> tuple[str, str, datetime | None] | None:
    """Queue, reason and time where it was the broker that gave the message up.

    Then `x-death` says so, the latest first; a letter that a consumer buries has none."""
    deaths = headers.get("x-death")
    if not deaths:
        return None
    latest = deaths[0]
    purpose = names.purpose(str(latest.get("queue", "")))
    word = str(latest.get("reason", "")).replace("_", " ")
    return purpose, f"given up by the broker: {word}", _time(latest.get("time"))


def _event_ids(body: bytes) -> tuple[str, ...]:
    """The ids of the events in a body, whatever else it is."""
    try:
        members = msgspec.json.decode(body)
    except envelope.UNREADABLE:
        return ()
    if not isinstance(members, list):
        return ()
    return tuple(str(each["id"]) for each in members if isinstance(each, dict) and "id" in each)


def _time(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return None


def _digest(queue: str, failed_at: str, body: bytes) -> str:
    digest = hashlib.sha256(f"{queue}\0{failed_at}\0".encode() + body)
    return digest.hexdigest()[:ID_LENGTH]
