"""A database with the scheduler's schema, and a namespace on the broker, for each module."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from importlib import resources
from pathlib import Path
from urllib.parse import urlsplit

import aio_pika
import asyncpg
import pytest

from shared import clock
from shared.bus.bus import Bus
from shared.bus.topology import RETRY_SECONDS, SUBSCRIPTIONS, Names
from shared.db import Pool, open_pool
from shared.migrate import ServiceSchema, migrate

MIGRATIONS = Path(str(resources.files("services.scheduler") / "migrations"))


async def _execute(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


@pytest.fixture(scope="module")
def scheduler_database(servers) -> Iterator[str]:
    """The URL of a migrated database, as the scheduler's own role."""
    name = f"scheduler_{uuid.uuid4().hex[:8]}"
    url = urlsplit(servers.database_url)._replace(path=f"/{name}").geturl()
    asyncio.run(_execute(servers.database_url, f"CREATE DATABASE {name}"))
    try:
        asyncio.run(migrate(url, [ServiceSchema("scheduler", MIGRATIONS, uuid.uuid4().hex)]))
        yield f"{url}?role=tamaru_scheduler"
    finally:
        asyncio.run(_execute(servers.database_url, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
async def pool(scheduler_database: str) -> AsyncIterator[Pool]:
    """A pool on an empty schema: only the built-in schedule, never looked at."""
    pool = await open_pool(scheduler_database, schema="scheduler")
    await pool.execute(
        "TRUNCATE ticks, items, latest_words, program, inbox, outbox;"
        "DELETE FROM schedules WHERE name <> 'nightly';"
        "UPDATE schedules SET checked_until = NULL, time_zone = NULL, catch_up = 1"
    )
    yield pool
    await pool.close()


@pytest.fixture
def set_clock() -> Iterator:
    """Put this process's clock to a moment; it goes on from there."""

    def put(moment) -> None:
        clock.set_offset(timedelta(0))
        clock.set_offset(moment - clock.now())

    yield put
    clock.set_offset(timedelta(0))


@pytest.fixture(scope="module")
def namespace(servers) -> Iterator[str]:
    """A namespace on the broker that is gone afterwards."""
    name = f"t{uuid.uuid4().hex[:8]}"
    yield name
    asyncio.run(_remove(servers.amqp_url, Names(name)))


async def _remove(url: str, names: Names) -> None:
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        queues = [names.dead, *map(names.retry, RETRY_SECONDS), *map(names.queue, SUBSCRIPTIONS)]
        for queue in queues:
            await channel.queue_delete(queue)
        for exchange in (names.events, names.dead, *map(names.retry, RETRY_SECONDS)):
            await channel.exchange_delete(exchange)


@pytest.fixture
async def bus(servers, namespace: str) -> AsyncIterator[Bus]:
    """A connected client that reads nothing."""
    bus = Bus(servers.amqp_url, namespace, "test")
    running = asyncio.create_task(bus.run())
    await asyncio.wait_for(bus.wait_up(), 30)
    yield bus
    await bus.stop()
    with contextlib.suppress(asyncio.CancelledError):
        await running
