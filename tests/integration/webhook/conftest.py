"""The whole web process inside the test, on real servers behind wires that can be cut or hung."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import io
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aio_pika
import aiohttp
import asyncpg
import msgspec
import pytest
import uvicorn

from services.webhook import __main__ as webhook
from services.webhook import gate, spool
from services.webhook.settings import WebhookSettings
from shared import envelope
from shared.bus.bus import Bus
from shared.bus.topology import RETRY_SECONDS, SUBSCRIPTIONS, Names, declare
from shared.db import open_pool
from shared.events import Event, StoreChanged, TerminalChanged, new_event
from shared.migrate import ServiceSchema, migrate
from shared.outbox import Relay
from shared.process import Process

MIGRATIONS = Path(str(resources.files("services.webhook") / "migrations"))
SECRET = "a channel secret"
DEADLINE = 20.0


async def _execute(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


@pytest.fixture(scope="module")
def webhook_database(servers) -> Iterator[str]:
    """The URL of a migrated database, as the service's own role."""
    name = f"webhook_{uuid.uuid4().hex[:8]}"
    url = urlsplit(servers.database_url)._replace(path=f"/{name}").geturl()
    asyncio.run(_execute(servers.database_url, f"CREATE DATABASE {name}"))
    try:
        asyncio.run(migrate(url, [ServiceSchema("webhook", MIGRATIONS, uuid.uuid4().hex)]))
        yield f"{url}?role=tamaru_webhook"
    finally:
        asyncio.run(_execute(servers.database_url, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(scope="module")
def namespace(servers) -> Iterator[str]:
    """A namespace on the broker that is gone afterwards."""
    name = f"t{uuid.uuid4().hex[:8]}"
    yield name
    asyncio.run(_remove(servers.amqp_url, Names(name)))


async def _remove(url: str, names: Names) -> None:
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        for queue in [
            names.dead,
            *map(names.retry, RETRY_SECONDS),
            *map(names.queue, SUBSCRIPTIONS),
        ]:
            await channel.queue_delete(queue)
        for exchange in (names.events, names.dead, *map(names.retry, RETRY_SECONDS)):
            await channel.exchange_delete(exchange)


async def until(condition: Callable[[], Any], seconds: float = DEADLINE) -> Any:
    """Wait until `condition` (sync or async) gives something; gives that."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {seconds} s: {condition}"
        await asyncio.sleep(0.02)


class Wire:
    """A TCP way to a server: whole, cut (connections break and are refused) or hung (silence)."""

    def __init__(self, host: str, port: int) -> None:
        self._target = host, port
        self._flows = asyncio.Event()
        self._flows.set()
        self._is_cut = False
        self._ends: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()

    async def open(self) -> int:
        """Start listening; the port."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def cut(self) -> None:
        self._is_cut = True
        for end in self._ends:
            end.transport.abort()

    def hang(self) -> None:
        self._flows.clear()

    def mend(self) -> None:
        self._is_cut = False
        self._flows.set()

    async def close(self) -> None:
        self._server.close()
        self.cut()
        self._flows.set()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        there_reader, there_writer = await asyncio.open_connection(*self._target)
        self._ends |= {writer, there_writer}
        for source, sink in ((reader, there_writer), (there_reader, writer)):
            pump = asyncio.create_task(self._pump(source, sink))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                await self._flows.wait()
                sink.write(data)
                await sink.drain()
        sink.transport.abort()


def _through(url: str, port: int) -> str:
    parts = urlsplit(url)
    user = parts.netloc.rpartition("@")[0]
    return parts._replace(
        netloc=f"{user}@127.0.0.1:{port}" if user else f"127.0.0.1:{port}"
    ).geturl()


class Edge:
    """A running webhook process, its wires, and what a test does to it."""

    def __init__(self, process: Process, http: aiohttp.ClientSession, url: str, wires) -> None:
        self.process = process
        self.http = http
        self.url = url
        self.broker, self.database, self.redis = wires
        self.inputs: Any = None
        self.published: list[Event[Any]] = []
        self.messages: list[int] = []
        self.pool: Any = None
        self.teller: Any = None

    @property
    def spool(self) -> spool.Spool:
        return self.process.app.state.ingress.intake._spool

    def purchase(self, **changes: Any) -> dict[str, Any]:
        return {
            "store": "main",
            "member": {"card": "2000000000015"},
            "occurred_at": "2026-01-02T12:00:00+09:00",
            "total": 1000,
            "tax": 90,
            **changes,
        }

    async def post(
        self,
        body: Any = None,
        *,
        key: str | None = "new",
        secret: str | None = "till",
        path: str = "/v1/purchases",
        headers: dict[str, str] | None = None,
    ) -> "Answer":
        sent = {"content-type": "application/json"}
        if key is not None:
            sent["idempotency-key"] = uuid.uuid4().hex if key == "new" else key
        if secret is not None:
            sent["authorization"] = f"Bearer {secret}"
        sent |= headers or {}
        sent = {name: value for name, value in sent.items() if value}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        started = time.monotonic()
        async with self.http.post(self.url + path, data=io.BytesIO(data), headers=sent) as response:
            return Answer(response.status, response.headers, await response.read(), started)

    async def line(self, body: Any, signature: str | None = "right") -> "Answer":
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        if signature == "right":
            mac = hmac.digest(SECRET.encode(), data, hashlib.sha256)
            signature = base64.b64encode(mac).decode()
        return await self.post(
            data,
            path="/line/webhook",
            key=None,
            secret=None,
            headers={"X-Line-Signature": signature or ""},
        )

    async def spooled(self) -> int:
        count: int = await self.pool.fetchval("SELECT count(*) FROM spool")
        return count

    async def publishes(self, count: int) -> list[Event[Any]]:
        """Wait until so many events have arrived; all of them."""
        await until(lambda: len(self.published) >= count)
        return self.published


class Answer:
    def __init__(self, status: int, headers: Any, body: bytes, started: float) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.seconds = time.monotonic() - started

    @property
    def json(self) -> Any:
        return json.loads(self.body)


KEYS = {
    "till": ("pos", None, True),
    "main-till": ("pos", "main", True),
    "owner": ("owner", None, True),
    "reader": ("read", None, True),
    "revoked": ("pos", None, False),
}
STORES = {"main": True, "second": True, "closed": False}


def terminal(secret: str, revision: int = 1, **changes: Any) -> TerminalChanged:
    kind, store, active = KEYS.get(secret, ("pos", None, True))
    return TerminalChanged(
        **{
            "terminal_id": uuid.uuid5(uuid.NAMESPACE_URL, secret),
            "name": secret,
            "kind": kind,
            "key_hash": hashlib.sha256(secret.encode()).hexdigest(),
            "active": active,
            "store": store,
            "revision": revision,
            **changes,
        }
    )


def store_of(code: str, revision: int = 1, **changes: Any) -> StoreChanged:
    return StoreChanged(
        **{
            "store_id": uuid.uuid5(uuid.NAMESPACE_URL, code),
            "code": code,
            "name": code,
            "active": STORES.get(code, True),
            "revision": revision,
            **changes,
        }
    )


@pytest.fixture
def rate_limit() -> int:
    """Purchases a second for each key; a test module may override it."""
    return 1_000_000


@pytest.fixture
async def edge(servers, webhook_database, namespace, rate_limit) -> AsyncIterator[Edge]:
    """The process, with the keys and stores above known to it, and everything that it publishes."""
    async with contextlib.AsyncExitStack() as stack:
        wires, ports = [], []
        for url in (servers.amqp_url, webhook_database, servers.redis_url):
            wire = Wire(urlsplit(url).hostname, urlsplit(url).port)
            ports.append(await wire.open())
            wires.append(wire)
            stack.push_async_callback(wire.close)
        settings = WebhookSettings(
            amqp_url=_through(servers.amqp_url, ports[0]),
            database_url=_through(webhook_database, ports[1]),
            redis_url=_through(servers.redis_url, ports[2]),
            bus_namespace=namespace,
            line_channel_secret=SECRET,
            purchase_id_key="a key of sixteen letters or more",
            rate_limit_per_second=rate_limit,
        )
        pool = await open_pool(webhook_database, schema="webhook")
        stack.push_async_callback(pool.close)
        await pool.execute("TRUNCATE spool, api_keys, stores")
        bus = Bus(settings.amqp_url.get_secret_value(), namespace, "test-webhook")
        inner = await open_pool(settings.database_url.get_secret_value(), schema="webhook")
        stack.push_async_callback(_close, inner)
        process = Process("test-webhook", settings, bus, inner, Relay(inner, bus.publisher))
        await webhook.setup(process)
        http = await stack.enter_async_context(aiohttp.ClientSession())
        url = await stack.enter_async_context(_serving(process))
        edge = Edge(process, http, url, wires)
        edge.pool = pool
        await stack.enter_async_context(_running(process))
        await stack.enter_async_context(_listening(servers.amqp_url, namespace, edge))
        await _introduce(edge)
        yield edge
        for wire in wires:
            wire.mend()


async def _close(pool: Any) -> None:
    with contextlib.suppress(TimeoutError, OSError, asyncpg.InterfaceError):
        await asyncio.wait_for(pool.close(), 3)
    pool.terminate()


@contextlib.asynccontextmanager
async def _serving(process: Process) -> AsyncIterator[str]:
    config = uvicorn.Config(process.app, port=0, lifespan="off", log_config=None, http="httptools")
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await serving


@contextlib.asynccontextmanager
async def _running(process: Process) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(work) for work in process._tasks]
    running = asyncio.create_task(process.bus.run())
    await asyncio.wait_for(process.bus.wait_up(), DEADLINE)
    yield
    for task in tasks:
        assert not task.done(), task
        task.cancel()
    await process.bus.stop()
    for act in process.on_stop:
        await act()
    running.cancel()
    await asyncio.gather(running, *tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def _listening(url: str, namespace: str, edge: Edge) -> AsyncIterator[None]:
    """Read all that is published, and be able to publish, beside the wires."""
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        names = Names(namespace)
        await declare(channel, names)
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(await channel.get_exchange(names.events), "#")

        async def receive(message: Any) -> None:
            events, broken = envelope.decode_group(message.type, message.body)
            assert not broken
            if message.type not in ("terminal.changed.v1", "store.changed.v1"):
                edge.published += events
                edge.messages.append(len(events))

        await queue.consume(receive, no_ack=True)
        edge.teller = channel, names
        yield


async def tell(edge: Edge, *facts: Any) -> None:
    """Publish facts as points would."""
    channel, names = edge.teller
    exchange = await channel.get_exchange(names.events)
    for fact in facts:
        event = new_event("/points", fact)
        message = aio_pika.Message(envelope.encode_group([event]), type=event.type)
        await exchange.publish(message, event.type)


async def answer(edge: Edge, queue: str, *answers: Any) -> None:
    """Answer those who wait on `queue`, as points would."""
    channel, _ = edge.teller
    message = aio_pika.Message(msgspec.json.encode(list(answers)))
    await channel.default_exchange.publish(message, queue)


async def _introduce(edge: Edge) -> None:
    await tell(edge, *map(terminal, KEYS), *map(store_of, STORES))
    keyring = edge.process.app.state.ingress.keyring

    async def known() -> bool:
        await keyring.look()
        return len(keyring._known.keys) == 4 and len(keyring._known.stores) == 2

    await until(known)


@pytest.fixture
def told():
    """`tell`, `answer`, `until` and the facts, for test modules."""

    class Told:
        pass

    for each in (tell, answer, until, terminal, store_of):
        setattr(Told, each.__name__, staticmethod(each))
    return Told


@pytest.fixture(autouse=True)
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults are noticed as fast as the real process does; only the polling is quicker."""
    monkeypatch.setattr(spool, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(gate, "AWAY_SECONDS", 0.2)
