"""Namespaces of the bus that end with the tests that used them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import aio_pika
from aio_pika.exceptions import AMQPException
from redis.asyncio import Redis

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


@contextmanager
def lent(spare: list[str], amqp_url: str, redis_url: str) -> Iterator[str]:
    """One of the `spare` namespaces, or a new one; emptied and given back at the end.

    Declaring thirty quorum queues takes a third of a second, emptying them a twentieth of it; and a
    broker with thousands of queues of tests that are over becomes slow for those that are not.
    """
    name = spare.pop() if spare else f"test-{ids.new_id().hex[:16]}"
    yield name
    if asyncio.run(empty(amqp_url, redis_url, name)):
        spare.append(name)


async def empty(amqp_url: str, redis_url: str, name: str) -> bool:
    """Leave nothing in the queues and in Redis; false when the queues are not all there."""
    async with Redis.from_url(redis_url) as redis:
        keys = [key async for key in redis.scan_iter(match=f"{name}:*", count=1000)]
        if keys:
            await redis.delete(*keys)
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        try:
            for queue in all_queues(Names(name)):
                await (await channel.get_queue(queue, ensure=False)).purge()
        except AMQPException:
            return False
    return True


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
