"""The notify worker in this process, on real servers, with a scriptable stand-in for LINE."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from aiohttp import web

from services.notify.__main__ import worker
from services.notify.preferences import profiles
from services.notify.preferences.settings import AT_ONCE, MessageSettings
from services.notify.sending import line_client, poller, progress, sender
from services.notify.settings import NotifySettings
from services.notify.store import message_settings as store_settings
from services.notify.store.message_settings import Revision
from shared import clock, ids
from shared.bus import consumer
from shared.bus.bus import Bus
from shared.bus.publisher import Publisher
from shared.bus.topology import Names
from shared.db import open_pool
from shared.events import Event, MemberJoined, PointsEarned, new_event
from shared.outbox import Relay
from shared.process import Process, Setup
from tests import namespaces, tables
from tests.conformance.openapi import Judge
from tests.listening import listening

USER = "U" + "1" * 32
OTHER = "U" + "2" * 32
MEMBER = UUID(int=1)

"""What a test finds empty; one a line, for every area adds its own."""


class StandIn:
    """LINE as far as it matters here. `script` holds what befalls the next calls, in order:
    500, rate, monthly, 401, 400, lost (accepted, no answer), hang (accepted, answered late)."""

    def __init__(self) -> None:
        self.script: list[str] = []
        self.always: str | None = None
        self.calls: list[tuple[str, str]] = []
        self.delivered: list[dict[str, Any]] = []
        self.keys: set[str] = set()
        self.good_tokens: dict[str, str] = {}
        self.link_tokens: list[str] | None = None
        self.profiles: dict[str, dict[str, str] | int] = {}
        self.released = asyncio.Event()
        self.waiting = 0
        self.url = ""
        self.limit: int | None = None
        self.sent_elsewhere = 0
        self.quota_readings = 0
        self.token_is_good = True

    async def quota(self, request: web.Request) -> web.Response:
        self.quota_readings += 1
        if not self.token_is_good:
            return web.json_response({"message": "Authentication failed"}, status=401)
        limited = {"type": "limited", "value": self.limit}
        return web.json_response({"type": "none"} if self.limit is None else limited)

    async def consumption(self, request: web.Request) -> web.Response:
        return web.json_response({"totalUsage": self.pushed + self.sent_elsewhere})

    @property
    def pushed(self) -> int:
        """How many messages LINE has taken that count."""
        return sum(each["kind"] != "reply" for each in self.delivered)

    async def push(self, request: web.Request) -> web.StreamResponse:
        key = request.headers["X-Line-Retry-Key"]
        body = await request.json()

        def accept() -> web.Response:
            if key in self.keys:
                return web.json_response(
                    {"message": "The retry key is already accepted"}, status=409
                )
            if self.limit is not None and self.pushed + self.sent_elsewhere >= self.limit:
                message = "You have reached your monthly limit."
                return web.json_response({"message": message}, status=429)
            self.keys.add(key)
            self.delivered.append({"kind": "push", "key": key, **body})
            return web.json_response({"sentMessages": []}, headers={"x-line-request-id": "r1"})

        return await self._fate(request, "push", key, accept)

    async def multicast(self, request: web.Request) -> web.StreamResponse:
        key = request.headers["X-Line-Retry-Key"]
        body = await request.json()
        users = body.pop("to")
        assert 1 <= len(users) == len(set(users)) <= 500

        def accept() -> web.Response:
            if key in self.keys:
                return web.json_response(
                    {"message": "The retry key is already accepted"}, status=409
                )
            self.keys.add(key)
            for user in users:
                self.delivered.append({"kind": "multicast", "key": key, "to": user, **body})
            return web.json_response({}, headers={"x-line-request-id": "r1"})

        return await self._fate(request, "multicast", key, accept)

    async def reply(self, request: web.Request) -> web.StreamResponse:
        assert "X-Line-Retry-Key" not in request.headers, "LINE answers 400 to a retry key here"
        body = await request.json()
        token = body["replyToken"]

        def accept() -> web.Response:
            user = self.good_tokens.pop(token, None)
            if user is None:
                return web.json_response({"message": "Invalid reply token"}, status=400)
            self.delivered.append({"kind": "reply", "to": user, "messages": body["messages"]})
            return web.json_response({"sentMessages": []})

        return await self._fate(request, "reply", token, accept)

    async def link_token(self, request: web.Request) -> web.Response:
        self.calls.append(("link_token", request.match_info["user"]))
        if self.link_tokens is None:
            return web.json_response({"message": "Not found"}, status=404)
        return web.json_response({"linkToken": self.link_tokens.pop(0)})

    async def profile(self, request: web.Request) -> web.Response:
        found = self.profiles.get(request.match_info["user"])
        if found is None:
            return web.json_response({"message": "Not found"}, status=404)
        if isinstance(found, int):
            return web.json_response({"message": "Not now"}, status=found)
        return web.json_response({"userId": request.match_info["user"], **found})

    async def _fate(
        self, request: web.Request, call: str, key: str, accept: Callable[[], web.Response]
    ) -> web.StreamResponse:
        self.calls.append((call, key))
        fate = self.script.pop(0) if self.script else self.always
        refusals = {
            "500": (500, "Internal server error"),
            "rate": (429, "The API rate limit has been exceeded. Try again later."),
            "monthly": (429, "You have reached your monthly limit."),
            "401": (401, "Authentication failed"),
            "400": (400, "The request body has 1 error(s)"),
        }
        if fate in refusals:
            status, message = refusals[fate]
            return web.json_response({"message": message}, status=status)
        answer = accept()
        if fate == "hang":
            self.waiting += 1
            await self.released.wait()
        if fate == "lost":
            assert request.transport is not None
            request.transport.close()
        return answer

    def said(self, user: str = USER) -> list[list[str]]:
        """All that a user has received, call by call, in few words."""
        return [
            [one.get("text") or one["altText"] for one in each["messages"]]
            for each in self.delivered
            if each["to"] == user
        ]

    def texts(self, user: str = USER) -> list[str]:
        """What a user has received, in few words."""
        return [
            each["messages"][0].get("text") or each["messages"][0]["altText"]
            for each in self.delivered
            if each["to"] == user
        ]


@pytest.fixture
async def line() -> AsyncIterator[StandIn]:
    """The stand-in, listening; every request is held against LINE's files and limits."""
    stand_in = StandIn()
    judge = Judge()
    app = web.Application(middlewares=[judge.middleware()])
    app.router.add_post("/v2/bot/message/push", stand_in.push)
    app.router.add_post("/v2/bot/message/multicast", stand_in.multicast)
    app.router.add_post("/v2/bot/message/reply", stand_in.reply)
    app.router.add_get("/v2/bot/message/quota", stand_in.quota)
    app.router.add_get("/v2/bot/message/quota/consumption", stand_in.consumption)
    app.router.add_post("/v2/bot/user/{user}/linkToken", stand_in.link_token)
    app.router.add_get("/v2/bot/profile/{user}", stand_in.profile)
    async with listening(app) as stand_in.url:
        yield stand_in
        stand_in.released.set()
    assert judge.problems() == [], "LINE would not take these requests as they were meant"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Delays that a test can wait for; the rules stay."""
    monkeypatch.setattr(poller, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(profiles, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(progress, "FIRST_DELAY", timedelta(milliseconds=20))
    monkeypatch.setattr(progress, "LONGEST_DELAY", timedelta(milliseconds=200))
    monkeypatch.setattr(sender, "SLOW_SECONDS", 0.1)
    monkeypatch.setattr(line_client, "TIMEOUT_SECONDS", 1.0)
    monkeypatch.setattr(consumer, "PAUSE_SECONDS", 0.05)


@pytest.fixture(autouse=True)
def steady_clock() -> Any:
    """A test may move the clock; the next one finds it right."""
    yield
    clock.set_offset(timedelta())


async def until(condition: Callable[[], Any], seconds: float = 15.0) -> Any:
    """Wait until `condition` (plain or async) is true; what it gave."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {seconds} s: {condition}"
        await asyncio.sleep(0.01)


class Running:
    """A worker in this process."""

    def __init__(self, process: Process, group: asyncio.Task[None]) -> None:
        self.process = process
        self.pool = process.pool
        self._group = group

    async def tell(self, *events: Event[Any]) -> None:
        """Publish events, as points and webhook do."""
        publish = self.process.bus.publisher.publish
        await asyncio.gather(*(publish(event) for event in events))

    async def rows(self) -> list[asyncpg.Record]:
        return await self.pool.fetch("SELECT * FROM deliveries ORDER BY event_id")

    async def statuses(self) -> list[str]:
        return [row["status"] for row in await self.rows()]

    async def settled(self, count: int) -> list[asyncpg.Record]:
        """The rows, once `count` are there and over."""

        async def over() -> list[asyncpg.Record] | None:
            rows = await self.rows()
            done = len(rows) == count and all(row["finished_at"] for row in rows)
            return rows if done else None

        return await until(over)

    async def crash(self) -> None:
        """End at once, as a killed process does: nothing is finished, nothing written down."""
        self._group.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._group


class Worker:
    """Starts workers on one database and namespace."""

    def __init__(self, settings: NotifySettings) -> None:
        self.settings = settings

    def environment(self) -> dict[str, str]:
        """The environment of a real process on the same servers."""
        settings = self.settings
        return {
            **os.environ,
            "DATABASE_URL": settings.database_url.get_secret_value(),
            "AMQP_URL": settings.amqp_url.get_secret_value(),
            "REDIS_URL": settings.redis_url.get_secret_value(),
            "BUS_NAMESPACE": settings.bus_namespace,
            "HTTP_HOST": "127.0.0.1",
            "HTTP_PORT": "0",
            "LINE_API_BASE": settings.line_api_base,
            "LINE_CHANNEL_ACCESS_TOKEN": settings.line_channel_access_token.get_secret_value(),
        }

    async def put(self, revision: int, **categories: Any) -> None:
        """Have the owner set these categories (the others as shipped)."""
        document = MessageSettings.model_validate({"categories": categories})
        url = self.settings.database_url.get_secret_value()
        connection = await asyncpg.connect(url, server_settings={"search_path": "notify"})
        text = document.model_dump_json(by_alias=True)
        await store_settings.put(connection, Revision(revision, text, clock.now()), "test")
        await connection.close()

    @contextlib.asynccontextmanager
    async def publishing(self) -> AsyncIterator[Publisher]:
        """A publisher with no worker behind it."""
        bus = Bus(self.settings.amqp_url.get_secret_value(), self.settings.bus_namespace, "points")
        running = asyncio.create_task(bus.run())
        await asyncio.wait_for(bus.wait_up(), 10)
        yield bus.publisher
        await bus.stop()
        await running

    @contextlib.asynccontextmanager
    async def running(self, setup: Setup = worker, **changes: Any) -> AsyncIterator[Running]:
        """A worker (or what else is set up), drained at the end unless it crashed."""
        settings = self.settings.model_copy(update=changes)
        pool = await open_pool(settings.database_url.get_secret_value(), schema="notify")
        bus = Bus(settings.amqp_url.get_secret_value(), settings.bus_namespace, "notify-worker")
        process = Process("notify-worker", settings, bus, pool, Relay(pool, bus.publisher))
        await setup(process)
        running = asyncio.create_task(bus.run())

        async def live() -> None:
            async with asyncio.TaskGroup() as group:
                for work in process._tasks:
                    group.create_task(work)
                await running

        group = asyncio.create_task(live())
        await asyncio.wait_for(bus.wait_up(), 10)
        try:
            yield Running(process, group)
        finally:
            if not group.done():
                await bus.stop()
                for act in process.on_stop:
                    await act()
                await process.relay.join()
                await running
                group.cancel()
            else:
                await process.on_stop[-1]()
            with contextlib.suppress(asyncio.CancelledError):
                await group
            await pool.close()


@pytest.fixture
async def notify(servers, database, namespace: str, line: StandIn) -> AsyncIterator[Worker]:
    """A service with an empty schema and a namespace of its own."""
    url = database.url("notify")
    await tables.empty(database.admin_url, "notify")
    connection = await asyncpg.connect(url, server_settings={"search_path": "notify"})
    # Nothing waits, at whatever hour the tests run; who tests windows puts another revision.
    await store_settings.put(
        connection, Revision(1, AT_ONCE.model_dump_json(by_alias=True), clock.now()), "test"
    )
    await connection.close()
    yield Worker(
        NotifySettings(
            database_url=url,
            amqp_url=servers.amqp_url,
            redis_url=servers.redis_url,
            bus_namespace=namespace,
            line_api_base=line.url,
            line_channel_access_token="token",
            public_url="https://shop.example.jp/",
        )
    )
    await namespaces.remove(servers.amqp_url, Names(namespace))


def earned(user: str | None = USER, points: int = 10, **changes: Any) -> Event[PointsEarned]:
    """A purchase's points."""
    values: dict[str, Any] = {
        "member_id": MEMBER,
        "entry_id": ids.new_id(),
        "source": "purchase",
        "points": points,
        "balance": 100 + points,
        "occurred_at": clock.now(),
        "line_user_id": user,
    }
    return new_event("/points", PointsEarned(**{**values, **changes}), subject=str(MEMBER))


def joined(user: str = USER, **changes: Any) -> Event[MemberJoined]:
    """A new member; with a `reply_token`, good for 50 seconds."""
    values: dict[str, Any] = {
        "member_id": MEMBER,
        "card": "2900000000016",
        "welcome_points": 0,
        "balance": 0,
        "line_user_id": user,
    }
    if "reply_token" in changes:
        values["reply_until"] = clock.now() + timedelta(seconds=50)
    return new_event("/points", MemberJoined(**{**values, **changes}), subject=str(MEMBER))


@pytest.fixture
def kit() -> Any:
    """What tests make events with and wait with (test modules cannot import each other)."""

    class Kit:
        user, other, member = USER, OTHER, MEMBER
        earned, joined, until = staticmethod(earned), staticmethod(joined), staticmethod(until)

    return Kit
