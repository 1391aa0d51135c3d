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
from typing import Any
from urllib.parse import urlsplit

import aio_pika
import aiohttp
import asyncpg
import msgspec
import pytest
import uvicorn

from services.webhook import __main__ as webhook
from services.webhook import spool
from services.webhook.settings import WebhookSettings
from shared import envelope, ratelimit
from shared.bus.bus import Bus
from shared.bus.topology import Names, declare
from shared.db import open_pool
from shared.events import Event, StoreChanged, TerminalChanged, new_event
from shared.outbox import Relay
from shared.process import Process
from tests import namespaces
from tests.wires import Wire, through

SECRET = "a channel secret"
DEADLINE = 20.0


@pytest.fixture(scope="module")
def webhook_database(database) -> str:
    """The URL of a migrated database, as the service's own role."""
    return database.url("webhook")


@pytest.fixture(scope="module")
def namespace(servers) -> Iterator[str]:
    """A namespace on the broker that is gone after the module's tests."""
    with namespaces.made(servers.amqp_url) as name:
        yield name


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

    async def line(self, body: Any, signature: str | None = "right", **headers: str) -> "Answer":
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        if signature == "right":
            mac = hmac.digest(SECRET.encode(), data, hashlib.sha256)
            signature = base64.b64encode(mac).decode()
        return await self.post(
            data,
            path="/line/webhook",
            key=None,
            secret=None,
            headers={"X-Line-Signature": signature or "", **headers},
        )

    async def spooled(self) -> int:
        count: int = await self.pool.fetchval("SELECT count(*) FROM spool")
        return count

    async def spool_is_left(self) -> bool:
        """Whether input goes to the broker again, which has all that was in the spool."""
        return not self.spool.active and await self.spooled() == 0

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
            amqp_url=through(servers.amqp_url, ports[0]),
            database_url=through(webhook_database, ports[1]),
            redis_url=through(servers.redis_url, ports[2]),
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
    monkeypatch.setattr(ratelimit, "AWAY_SECONDS", 0.2)
