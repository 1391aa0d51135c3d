"""The hooks process in this process, on real servers, and an owner's system to tell things to."""

import asyncio
import base64
import contextlib
import hmac
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import msgspec
import pytest
from aiohttp import web

from services.points.__main__ import hooks
from services.points.hooks import client, progress, sender
from services.points.settings import HooksSettings
from shared import clock, ids
from shared.bus.bus import Bus
from shared.db import open_pool
from shared.outbox import Relay
from shared.process import Process
from tests.integration.points.shop import HOOKS_KEY, Points, eventually, owner


class Receiver:
    """An owner's system. `script` holds what befalls the next calls, in order: a status (with
    `wait`, a Retry-After of a second), lost (taken, no answer), hang (answered when released),
    redirect, endless (200 with a body that never ends)."""

    def __init__(self) -> None:
        self.script: list[str] = []
        self.always: str | None = None
        self.calls: list[dict[str, Any]] = []
        self.secrets: list[str] = []
        self.released = asyncio.Event()
        self.waiting = 0
        self.elsewhere = 0
        self.url = ""

    async def take(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        verifying = [each for each in self.secrets if _verifies(each, request.headers, body)]
        told = msgspec.json.decode(body)
        self.calls.append(
            {
                "id": request.headers["webhook-id"],
                "body": body,
                "verifying": verifying,
                "headers": dict(request.headers),
                **told,
            }
        )
        assert told["id"] == request.headers["webhook-id"]
        return await self._answer(request, self.script.pop(0) if self.script else self.always)

    async def _answer(self, request: web.Request, fate: str | None) -> web.StreamResponse:
        if fate == "hang":
            self.waiting += 1
            await self.released.wait()
        if fate == "lost":
            assert request.transport is not None
            request.transport.close()
        if fate == "redirect":
            return web.Response(status=307, headers={"Location": "/elsewhere"})
        if fate == "endless":
            response = web.StreamResponse()
            await response.prepare(request)
            with contextlib.suppress(ConnectionError):
                while not self.released.is_set():
                    await response.write(b"a" * 10_000)
                    await asyncio.sleep(0.01)
            return response
        if fate is not None and fate[:3].isdigit():
            headers = {"Retry-After": "1"} if fate.endswith("wait") else {}
            return web.Response(status=int(fate[:3]), text=f"said {fate[:3]}\x00", headers=headers)
        return web.Response(text="thanks")

    async def other(self, _: web.Request) -> web.Response:
        self.elsewhere += 1
        return web.Response()

    def ids(self, event_type: str | None = None) -> list[str]:
        """The webhook-ids that came, in order, repeats included."""
        return [each["id"] for each in self.calls if event_type in (None, each["type"])]


def _verifies(secret: str, headers: Any, body: bytes) -> bool:
    """A receiver's check, written from the specification and not from our code."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    return f"v1,{wanted}" in headers["webhook-signature"].split(" ")


@contextlib.asynccontextmanager
async def listening() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/hooks", receiver.take)
    app.router.add_route("*", "/elsewhere", receiver.other)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hooks"
    yield receiver
    receiver.released.set()
    await runner.cleanup()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver, listening."""
    async with listening() as one:
        yield one


@pytest.fixture
async def second() -> AsyncIterator[Receiver]:
    """Another one."""
    async with listening() as one:
        yield one


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Delays that a test can wait for; the rules stay."""
    monkeypatch.setattr(sender, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(progress, "DELAYS", (timedelta(milliseconds=20),) * 7)
    monkeypatch.setattr(progress, "LONGEST_REST", timedelta(milliseconds=50))
    monkeypatch.setattr(client, "TIMEOUT_SECONDS", 1.0)


@pytest.fixture(autouse=True)
def steady_clock() -> Any:
    """A test may move the clock; the next one finds it right."""
    yield
    clock.set_offset(timedelta())


class Telling:
    """The API's side of webhooks, and the processes that send."""

    def __init__(self, points: Points, settings: HooksSettings) -> None:
        self.points = points
        self.settings = settings

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Call the API with the owner's key; the decoded answer. A fresh Idempotency-Key unless
        one is given."""
        answer = await self.points.client.request(
            method,
            f"/v1/webhooks{path}",
            json=body,
            headers={**owner(ids.new_id().hex), **headers},
        )
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    async def add(self, receiver: Receiver, *events: str, **fields: Any) -> str:
        """A webhook to a receiver, which learns the secret; its id."""
        body = {"url": receiver.url, "events": list(events) or ["*"], **fields}
        made = await self.call("POST", "", body)
        receiver.secrets.append(made["secret"])
        return str(made["id"])

    async def log(self, webhook: str, query: str = "") -> list[dict[str, Any]]:
        """Its delivery log."""
        found: list[dict[str, Any]] = (await self.call("GET", f"/{webhook}/deliveries{query}"))[
            "items"
        ]
        return found

    async def settled(self, webhook: str, count: int, status: str = "delivered") -> Any:
        """The log, once `count` deliveries have a status."""

        async def found() -> Any:
            rows = await self.log(webhook, f"?status={status}&limit=200")
            return rows if len(rows) == count else None

        return await eventually(found, f"no {count} were {status}")

    async def is_(self, webhook: str, status: str) -> Any:
        """Wait until a webhook has a status."""

        async def found() -> Any:
            one = await self.call("GET", f"/{webhook}")
            return one if one["status"] == status else None

        return await eventually(found, f"it did not become {status}")

    async def kept(self, count: int) -> None:
        """Wait until so many messages are kept."""

        async def found() -> Any:
            return await self.points.pool.fetchval("SELECT count(*) FROM hook_messages") == count

        await eventually(found, f"{count} messages were not kept")

    def environment(self) -> dict[str, str]:
        """The environment of a real process on the same servers."""
        settings = self.settings
        return {
            **os.environ,
            "DATABASE_URL": settings.database_url.get_secret_value(),
            "AMQP_URL": settings.amqp_url.get_secret_value(),
            "BUS_NAMESPACE": settings.bus_namespace,
            "HTTP_HOST": "127.0.0.1",
            "HTTP_PORT": "0",
            "HOOKS_SIGNING_KEY": HOOKS_KEY.decode(),
            "HOOKS_ALLOW_PRIVATE": "true",
        }

    @contextlib.asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        """The hooks process, drained at the end."""
        settings = self.settings
        pool = await open_pool(settings.database_url.get_secret_value(), schema="points")
        bus = Bus(settings.amqp_url.get_secret_value(), settings.bus_namespace, "points-hooks")
        process = Process("points-hooks", settings, bus, pool, Relay(pool, bus.publisher))
        await hooks(process)
        running = asyncio.create_task(bus.run())
        tasks = [asyncio.create_task(work) for work in process._tasks]
        await asyncio.wait_for(bus.wait_up(), 10)
        try:
            yield
        finally:
            await bus.stop()
            for act in process.on_stop:
                await act()
            await running
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await pool.close()


@pytest.fixture
async def telling(points: Points, servers: Any, database: Any, namespace: str) -> Telling:
    """A points service and what is needed to tell others of it."""
    connection = await asyncpg.connect(
        database.url("points"), server_settings={"search_path": "points"}
    )
    await connection.execute("TRUNCATE hook_endpoints, hook_messages, hook_deliveries")
    await connection.close()
    return Telling(
        points,
        HooksSettings(
            database_url=database.url("points"),
            amqp_url=servers.amqp_url,
            bus_namespace=namespace,
            hooks_signing_key=HOOKS_KEY.decode(),
            hooks_allow_private=True,
        ),
    )
