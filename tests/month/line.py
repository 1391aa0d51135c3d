"""A LINE that keeps count: what it accepted, when on the shop's clock, and the month's quota.

It judges every request by LINE's own files where they are at hand, and sends nothing twice under
one retry key.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from aiohttp import web

from shared import clock
from tests.conformance import openapi

TOKYO = ZoneInfo("Asia/Tokyo")
MONTHLY = "You have reached your monthly limit."


class Arrived(NamedTuple):
    """Messages that were accepted in one call. `at` is Tokyo's time on the shop's clock."""

    at: datetime
    user: str
    kind: str
    messages: list[dict[str, Any]]


@dataclass
class Line:
    """`quota` is how many people may be pushed to in a calendar month of Tokyo; a share of the
    calls, by their number, is answered with 500 before it has an effect or after it."""

    quota: int
    arrived: list[Arrived] = field(default_factory=list)
    used: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    url: str = ""
    _keys: set[str] = field(default_factory=set)
    _calls: int = 0
    _judges: bool = field(default_factory=openapi.present)

    async def push(self, request: web.Request) -> web.Response:
        body = await self._judged(request)
        key = request.headers["X-Line-Retry-Key"]
        if key in self._keys:
            return web.json_response({"message": "The retry key is already accepted"}, status=409)
        now = clock.now().astimezone(TOKYO)
        if self.used[f"{now:%Y-%m}"] >= self.quota:
            self.refused["monthly"] += 1
            return web.json_response({"message": MONTHLY}, status=429)
        self._calls += 1
        if self._calls % 11 == 5:
            self.refused["500 before"] += 1
            return web.json_response({"message": "Internal server error"}, status=500)
        self._keys.add(key)
        self.used[f"{now:%Y-%m}"] += 1
        self.arrived.append(Arrived(now, body["to"], "push", body["messages"]))
        if self._calls % 13 == 7:
            self.refused["500 after"] += 1
            return web.json_response({"message": "Internal server error"}, status=500)
        return web.json_response({"sentMessages": []}, headers={"x-line-request-id": "r"})

    async def reply(self, request: web.Request) -> web.Response:
        body = await self._judged(request)
        user = body["replyToken"].partition(":")[2]  # the token says whose it is
        now = clock.now().astimezone(TOKYO)
        if body["replyToken"] in self._keys:
            return web.json_response({"message": "Invalid reply token"}, status=400)
        self._keys.add(body["replyToken"])
        self.arrived.append(Arrived(now, user, "reply", body["messages"]))
        return web.json_response({"sentMessages": []})

    async def profile(self, request: web.Request) -> web.Response:
        user = request.match_info["user"]
        return web.json_response({"userId": user, "displayName": "客", "language": "ja"})

    async def limit(self, _: web.Request) -> web.Response:
        return web.json_response({"type": "limited", "value": self.quota})

    async def consumption(self, _: web.Request) -> web.Response:
        month = f"{clock.now().astimezone(TOKYO):%Y-%m}"
        return web.json_response({"totalUsage": self.used[month]})

    async def _judged(self, request: web.Request) -> Any:
        raw = await request.read()
        if self._judges and len(self.problems) < 10:
            self.problems += openapi.problems_of(request.method, request.path, raw)
        return msgspec.json.decode(raw)

    async def start(self) -> web.AppRunner:
        """Listen on loopback; the runner, to be cleaned up."""
        app = web.Application()
        app.router.add_post("/v2/bot/message/push", self.push)
        app.router.add_post("/v2/bot/message/reply", self.reply)
        app.router.add_get("/v2/bot/profile/{user}", self.profile)
        app.router.add_get("/v2/bot/message/quota", self.limit)
        app.router.add_get("/v2/bot/message/quota/consumption", self.consumption)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        await asyncio.sleep(0)
        return runner
