"""Publishing: persistent, mandatory where somebody reads, confirmed, and grouped.

Events that come while a confirm is outstanding go out together as one message with one confirm.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange

from shared import envelope
from shared.bus.errors import BrokerUnavailable
from shared.bus.link import FAILURES, open_channel, talking
from shared.bus.topology import ROUTED, Names, declare
from shared.coalesce import Coalescer
from shared.events import Event

CONFIRM_TIMEOUT = 5.0
GROUP_LIMIT = 200


class Publisher:
    """Publishes on one channel; a new one is opened with each connection."""

    def __init__(self, names: Names, confirm_timeout: float = CONFIRM_TIMEOUT) -> None:
        self._names = names
        self._confirm_timeout = confirm_timeout
        self._channel: AbstractChannel | None = None
        self._unconfirmed: AbstractChannel | None = None
        self._events: AbstractExchange | None = None
        self._groups: dict[str, Coalescer[bytes, None]] = {}

    async def open(self, connection: AbstractConnection) -> None:
        """Prepare the channels of a new connection and declare the topology."""
        channel = await open_channel(connection, confirms=True)
        await declare(channel, self._names)
        self._events = await channel.get_exchange(self._names.events, ensure=False)
        self._unconfirmed = await open_channel(connection, confirms=False)
        self._channel = channel

    @property
    def is_open(self) -> bool:
        """Whether there is a channel to publish on."""
        return self._channel is not None and not self._channel.is_closed

    def publish(self, event: Event[Any]) -> asyncio.Future[None]:
        """Publish one event, grouped with its neighbours; done when the broker has it on disk.

        The future raises BrokerUnavailable when that cannot be said (it may have arrived all the
        same: readers know an event by its id).
        """
        return self.publish_encoded(event.type, envelope.encode(event))

    def publish_encoded(self, event_type: str, encoded: bytes) -> asyncio.Future[None]:
        """The same for one event that is bytes already."""
        group = self._groups.get(event_type)
        if group is None:
            group = self._groups[event_type] = self._new_group(event_type)
        return group.submit(encoded)

    async def publish_group(self, event_type: str, body: bytes) -> None:
        """Publish a whole message body (a JSON array of events) as it is.

        Raises BrokerUnavailable."""
        message = _persistent(body, event_type)
        await self._confirmed(self._events, message, event_type, event_type in ROUTED)

    async def publish_to(
        self, exchange: str, routing_key: str, body: bytes, event_type: str, headers: dict[str, Any]
    ) -> None:
        """Publish to another exchange of the topology (a delay, the dead letters), confirmed.

        Raises BrokerUnavailable."""
        if self._channel is None:
            raise BrokerUnavailable("not connected to the broker")
        target = (
            await self._channel.get_exchange(exchange, ensure=False)
            if exchange
            else self._channel.default_exchange
        )
        message = _persistent(body, event_type, headers)
        await self._confirmed(target, message, routing_key, mandatory=True)

    async def send_reply(self, queue: str, body: bytes) -> None:
        """Tell a waiting process, best effort: not persistent, not confirmed, may be lost."""
        if self._unconfirmed is not None and not self._unconfirmed.is_closed:
            message = Message(body, delivery_mode=DeliveryMode.NOT_PERSISTENT)
            with talking():
                await self._unconfirmed.default_exchange.publish(message, queue, mandatory=False)

    async def join(self) -> None:
        """Wait for every outstanding confirm."""
        await asyncio.gather(*(group.join() for group in self._groups.values()))

    def _new_group(self, event_type: str) -> Coalescer[bytes, None]:
        async def flush(encoded: list[bytes]) -> Sequence[None]:
            await self.publish_group(event_type, envelope.join(encoded))
            return [None] * len(encoded)

        return Coalescer(flush, limit=GROUP_LIMIT)

    async def _confirmed(
        self, exchange: AbstractExchange | None, message: Message, routing_key: str, mandatory: bool
    ) -> None:
        if exchange is None or self._channel is None or self._channel.is_closed:
            raise BrokerUnavailable("not connected to the broker")
        try:
            with talking():
                await exchange.publish(
                    message, routing_key, mandatory=mandatory, timeout=self._confirm_timeout
                )
        except FAILURES as problem:
            raise BrokerUnavailable(f"not confirmed: {problem!r}") from problem


def _persistent(body: bytes, event_type: str, headers: dict[str, Any] | None = None) -> Message:
    return Message(
        body,
        delivery_mode=DeliveryMode.PERSISTENT,
        content_type=envelope.CONTENT_TYPE,
        type=event_type,
        headers=headers or {},
    )
