"""A stranger's look at the broker: for commands, beside the processes. It changes nothing."""

from typing import NamedTuple

import aio_pika
from aio_pika import Message
from aio_pika.abc import AbstractConnection

from shared.bus.depths import Depth, depths
from shared.bus.errors import BrokerUnavailable
from shared.bus.link import CONNECT_TIMEOUT, FAILURES, talking
from shared.bus.topology import Names

CONFIRM_TIMEOUT = 3.0


class Health(NamedTuple):
    """`takes`: whether it confirms what is published (an alarm makes it hold publishers back).
    `depths`: each queue as it is; None where it is not there."""

    takes: bool
    depths: dict[str, Depth | None]


async def look(url: str, namespace: str) -> Health:
    """Look at a namespace. Raises BrokerUnavailable when the broker is not reached or refuses."""
    try:
        connection = await aio_pika.connect(url, timeout=CONNECT_TIMEOUT)
    except (*FAILURES, ValueError) as problem:
        raise BrokerUnavailable(f"the broker is not reached: {problem!r}") from problem
    async with connection:
        return Health(await _takes(connection), await depths(connection, Names(namespace)))


async def _takes(connection: AbstractConnection) -> bool:
    """Publish to a queue of our own, gone with the connection."""
    try:
        with talking():
            channel = await connection.channel(publisher_confirms=True)
            queue = await channel.declare_queue(exclusive=True, auto_delete=True)
            message = Message(b"")
            exchange = channel.default_exchange
            await exchange.publish(message, queue.name, timeout=CONFIRM_TIMEOUT)
            await channel.close()
    except FAILURES:
        return False
    return True
