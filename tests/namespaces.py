"""Namespaces of the bus that end with the tests that used them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import aio_pika

from shared import ids
from shared.bus import topology
from shared.bus.topology import SUBSCRIPTIONS, Names


@contextmanager
def made(amqp_url: str) -> Iterator[str]:
    """A namespace that nobody else uses; its queues and exchanges are deleted at the end."""
    name = f"test-{ids.new_id().hex[-16:]}"
    try:
        yield name
    finally:
        asyncio.run(remove(amqp_url, Names(name)))


def all_queues(names: Names) -> list[str]:
    """The queues of a namespace, with those for dead letters and delays."""
    delays = map(names.retry, topology.RETRY_SECONDS)
    return [names.dead, *delays, *map(names.queue, SUBSCRIPTIONS)]


async def remove(amqp_url: str, names: Names) -> None:
    """Delete the queues and exchanges of a namespace."""
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        for queue in all_queues(names):
            await channel.queue_delete(queue)
        for exchange in (names.events, names.dead, *map(names.retry, topology.RETRY_SECONDS)):
            await channel.exchange_delete(exchange)
