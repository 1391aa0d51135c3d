"""How full each queue is and who reads it, asked of the broker itself.

Seen from outside the readers, so it tells of a reader that is not there. Plain AMQP: no management
plugin is needed.
"""

from collections.abc import Sequence
from typing import NamedTuple

from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import ChannelClosed

from shared.bus.errors import BrokerUnavailable
from shared.bus.link import FAILURES, talking
from shared.bus.topology import RETRY_SECONDS, SUBSCRIPTIONS, Names


class Depth(NamedTuple):
    """A queue's messages that no reader has in hand, and its readers. A message is up to 200
    events."""

    messages: int
    consumers: int


async def depths(
    connection: AbstractConnection, names: Names, purposes: Sequence[str] | None = None
) -> dict[str, Depth | None]:
    """Each purpose's queue, `dead` and the delays (`retry.5s`), or only `purposes`; None: the queue
    is not there.

    Raises BrokerUnavailable."""
    queues = {purpose: names.queue(purpose) for purpose in purposes or all_purposes()}
    found: dict[str, Depth | None] = {}
    try:
        with talking():
            channel = await connection.channel(publisher_confirms=False)
            for purpose, queue in queues.items():
                found[purpose] = await _depth(channel, queue)
                if found[purpose] is None:  # asking for what is not there ends the channel
                    channel = await connection.channel(publisher_confirms=False)
            await channel.close()
    except FAILURES as problem:
        raise BrokerUnavailable(f"the queues were not counted: {problem!r}") from problem
    return found


def all_purposes() -> Sequence[str]:
    """The queues of an installation, by the names that metrics and commands use."""
    return (*SUBSCRIPTIONS, *(f"retry.{seconds}s" for seconds in RETRY_SECONDS), "dead")


async def _depth(channel: AbstractChannel, queue: str) -> Depth | None:
    try:
        declared = await channel.declare_queue(queue, passive=True)
    except ChannelClosed:
        return None
    result = declared.declaration_result
    return Depth(result.message_count or 0, result.consumer_count or 0)
