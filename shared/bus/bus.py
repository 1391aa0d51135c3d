"""A process's one client of the broker: two connections, so that a publisher which the broker
holds back never holds back acknowledgements."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from aio_pika.abc import AbstractConnection, AbstractIncomingMessage

from shared import ids, logs
from shared.bus.consumer import Consumer
from shared.bus.depths import Depth, depths
from shared.bus.errors import BrokerUnavailable
from shared.bus.handling import Handlers
from shared.bus.link import Link, open_channel
from shared.bus.publisher import CONFIRM_TIMEOUT, Publisher
from shared.bus.topology import Names
from shared.db import Pool
from shared.outbox import Relay

log = logs.logger(__name__)


class Bus:
    """Publisher, consumers and the reply queue of one process; `run` keeps them connected."""

    def __init__(
        self, url: str, namespace: str, process: str, *, confirm_timeout: float = CONFIRM_TIMEOUT
    ) -> None:
        self.names = Names(namespace)
        self.publisher = Publisher(self.names, confirm_timeout)
        self._out = Link(url, f"{process} out", self.publisher.open)
        self._in = Link(url, f"{process} in", self._open_consumers)
        self._consumers: list[Consumer] = []
        self._on_reply: Callable[[bytes], None] | None = None
        self._stopped = asyncio.Event()
        self.reply_queue = f"{namespace}.reply.{process}.{ids.new_id().hex}"

    @property
    def up(self) -> bool:
        """Whether both directions are connected (inwards only if something is read)."""
        return self._out.up.is_set() and (self._in.up.is_set() or not self._reads)

    @property
    def can_publish(self) -> bool:
        """Whether a publish has a chance now."""
        return self._out.up.is_set()

    async def wait_up(self) -> None:
        """Wait until connected."""
        await self._out.up.wait()
        if self._reads:
            await self._in.up.wait()

    async def depths(self, purposes: Sequence[str] | None = None) -> dict[str, Depth | None]:
        """How full each queue is, or these; see `depths`. Raises BrokerUnavailable."""
        connection = self._out.connection
        if connection is None:
            raise BrokerUnavailable("not connected to the broker")
        return await depths(connection, self.names, purposes)

    def consume(
        self, purpose: str, handlers: Handlers, pool: "Pool[Any]", relay: Relay, **options: Any
    ) -> Consumer:
        """Read a queue into handlers once `run` runs. Options are those of Consumer."""
        consumer = Consumer(purpose, handlers, pool, relay, self, **options)
        self._consumers.append(consumer)
        return consumer

    def on_reply(self, callback: Callable[[bytes], None]) -> None:
        """Own a reply queue, gone with the process; `callback` gets each body."""
        self._on_reply = callback

    async def run(self) -> None:
        """Keep connected and keep consuming until `stop`; ends with an error if a part dies."""
        async with asyncio.TaskGroup() as group:
            links = [group.create_task(self._out.run())]
            if self._reads:
                links.append(group.create_task(self._in.run()))
            await asyncio.gather(*(group.create_task(each.run()) for each in self._consumers))
            await self._stopped.wait()
            await self.publisher.join()
            for link in links:
                link.cancel()

    async def stop(self) -> None:
        """Stop consuming; `run` drains and returns."""
        for consumer in self._consumers:
            await consumer.stop()
        self._stopped.set()

    @property
    def _reads(self) -> bool:
        return bool(self._consumers) or self._on_reply is not None

    async def _open_consumers(self, connection: AbstractConnection) -> None:
        await self._out.up.wait()  # the publisher declares the topology first
        if self._on_reply is not None:
            await self._open_replies(connection)
        for consumer in self._consumers:
            await consumer.open(connection)

    async def _open_replies(self, connection: AbstractConnection) -> None:
        callback = self._on_reply
        channel = await open_channel(connection, confirms=False)
        queue = await channel.declare_queue(
            self.reply_queue, exclusive=True, auto_delete=True, durable=False
        )

        async def receive(message: AbstractIncomingMessage) -> None:
            if callback is not None:
                callback(message.body)

        await queue.consume(receive, no_ack=True)
