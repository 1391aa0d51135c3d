"""A service made up for these tests: its schema, its namespace on the broker, its processes."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import aio_pika
import asyncpg
import pytest

from shared.bus import consumer, topology
from shared.bus.bus import Bus
from shared.bus.topology import Names
from shared.db import Pool, open_pool
from shared.outbox import Relay
from tests import namespaces

PURPOSE = "scheduler.items"
"""The queue that these tests read: any would do."""

SCHEMA = """
CREATE SCHEMA shop;
SET search_path TO shop;
CREATE TABLE inbox (reader text, event_id uuid, seen_at timestamptz NOT NULL,
    PRIMARY KEY (reader, event_id));
CREATE TABLE outbox (id uuid PRIMARY KEY, type text NOT NULL, body bytea NOT NULL,
    created_at timestamptz NOT NULL);
CREATE TABLE effects (key text NOT NULL);
"""


async def execute(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


@pytest.fixture(scope="module")
def shop_database(servers) -> Iterator[str]:
    """The URL of a database with the schema `shop`."""
    name = f"bus_{uuid.uuid4().hex[:8]}"
    url = urlsplit(servers.database_url)._replace(path=f"/{name}").geturl()
    asyncio.run(execute(servers.database_url, f"CREATE DATABASE {name}"))
    try:
        asyncio.run(execute(url, SCHEMA))
        yield url
    finally:
        asyncio.run(execute(servers.database_url, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
async def pool(shop_database: str) -> AsyncIterator[Pool]:
    """A pool on the empty schema."""
    pool = await open_pool(shop_database, schema="shop")
    await pool.execute("TRUNCATE inbox, outbox, effects")
    yield pool
    with contextlib.suppress(asyncpg.InterfaceError):
        await asyncio.wait_for(pool.close(), 5)


@pytest.fixture(scope="module", autouse=True)
def quick_retries() -> Iterator[None]:
    """Delays that a test can wait for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(topology, "RETRY_SECONDS", (0, 1))
        patch.setattr(consumer, "RETRY_SECONDS", (0, 1))
        patch.setattr(consumer, "PAUSE_SECONDS", 0.05)
        yield


@pytest.fixture(scope="module")
def namespace(servers) -> Iterator[str]:
    """A namespace on the broker that is gone after the module's tests."""
    with namespaces.made(servers.amqp_url) as name:
        yield name


@pytest.fixture
async def empty_queues(servers, namespace: str) -> None:
    """What an earlier test left behind is gone."""
    async with await aio_pika.connect(servers.amqp_url) as connection:
        channel = await connection.channel()
        names = Names(namespace)
        await topology.declare(channel, names)
        for queue in namespaces.all_queues(names):
            await (await channel.get_queue(queue, ensure=False)).purge()


class Shop:
    """Processes of the made-up service: each with a bus, a relay and perhaps a consumer."""

    def __init__(self, url: str, namespace: str, pool: Pool, stack) -> None:
        self.url = url
        self.namespace = namespace
        self.pool = pool
        self._stack = stack

    @contextlib.asynccontextmanager
    async def process(self, handlers=None, url: str | None = None, **options):
        """A running process, stopped and drained at the end."""
        bus = Bus(url or self.url, self.namespace, "test", confirm_timeout=2.0)
        relay = Relay(self.pool, bus.publisher)
        if handlers is not None:
            bus.consume(PURPOSE, handlers, self.pool, relay, **options)
        running = asyncio.create_task(bus.run())
        bus.relay = relay
        bus.running = running
        try:
            await asyncio.wait_for(bus.wait_up(), 30)
            yield bus
        finally:
            await bus.stop()
            await relay.join()
            await asyncio.wait_for(running, 30)

    async def start(self, handlers=None, **options) -> Bus:
        """The same, until the test ends."""
        return await self._stack.enter_async_context(self.process(handlers, **options))

    async def effects(self) -> list[str]:
        rows = await self.pool.fetch("SELECT key FROM effects ORDER BY key")
        return [row["key"] for row in rows]


@pytest.fixture
async def shop(servers, namespace, pool, empty_queues) -> AsyncIterator[Shop]:
    """The made-up service, with nothing running yet."""
    async with contextlib.AsyncExitStack() as stack:
        yield Shop(servers.amqp_url, namespace, pool, stack)
