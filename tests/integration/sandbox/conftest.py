"""A real sandbox on a free port, and a small edge that takes its webhooks."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from multidict import CIMultiDict
from pydantic import SecretStr

from deploy.sandbox.server import running
from deploy.sandbox.settings import SandboxSettings
from shared import clock
from tests.listening import listening

SECRET = "channel-secret"
TOKEN = "channel-access-token"
DEADLINE = 10.0


CARD = """<!doctype html><p id="user"></p><button id="scan">scan</button>
<button id="close">close</button><script src="%s/liff/sdk.js"></script><script>
const user = document.getElementById("user");
liff.init({ liffId: "1234567890-abcdefgh" }).then(async () => {
  const claims = liff.getDecodedIDToken();
  user.textContent = `${location.pathname} ${claims.sub} ${claims.name}${location.hash}`;
});
document.getElementById("scan").onclick = async () => {
  user.textContent = (await liff.scanCodeV2()).value;
};
document.getElementById("close").onclick = () => liff.closeWindow();
</script>"""


@dataclass
class Edge:
    """Keeps what it was sent; answers with `statuses` in turn, then with 200."""

    url: str = ""
    sandbox: str = ""
    got: list[tuple[CIMultiDict[str], bytes]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    purchase: tuple[int, Any] = (201, {})
    till: list[tuple[CIMultiDict[str], Any]] = field(default_factory=list)

    async def webhook(self, request: web.Request) -> web.Response:
        self.got.append((CIMultiDict(request.headers), await request.read()))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    async def purchases(self, request: web.Request) -> web.Response:
        self.till.append((CIMultiDict(request.headers), await request.json()))
        return web.json_response(self.purchase[1], status=self.purchase[0])

    async def card(self, _: web.Request) -> web.Response:
        return web.Response(text=CARD % self.sandbox, content_type="text/html")

    async def lookup(self, request: web.Request) -> web.Response:
        assert request.headers["authorization"] == "Bearer owner-key"
        return web.json_response({"card": "2900000000018", **request.query})


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    edge = Edge()
    app = web.Application()
    app.router.add_post("/line/webhook", edge.webhook)
    app.router.add_post("/v1/purchases", edge.purchases)
    app.router.add_get("/v1/members/lookup", edge.lookup)
    app.router.add_get("/card/history", edge.card)
    async with listening(app) as edge.url:
        yield edge


def settings(edge_url: str, public_url: str = "") -> SandboxSettings:
    return SandboxSettings(
        http_host="127.0.0.1",
        http_port=0,
        edge_url=edge_url,
        public_url=public_url,
        line_channel_secret=SecretStr(SECRET),
        line_channel_access_token=SecretStr(TOKEN),
        line_login_channel_id="1234567890",
        liff_id="1234567890-abcdefgh",
        pos_api_key=SecretStr("pos-key"),
        owner_api_key=SecretStr("owner-key"),
    )


class Client:
    """Speaks with the sandbox as a script and as a service."""

    def __init__(self, http: aiohttp.ClientSession, base: str) -> None:
        self.http = http
        self.base = base

    async def script(self, method: str, path: str, content: Any = None) -> Any:
        async with self.http.request(method, self.base + path, json=content) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json()

    async def line(
        self, method: str, path: str, content: Any = None, **headers: str
    ) -> tuple[int, Any, Any]:
        sent = {"authorization": f"Bearer {TOKEN}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        async with self.http.request(
            method, self.base + path, json=content, headers=sent
        ) as answer:
            return answer.status, await answer.json(), answer.headers

    async def push(self, to: str, text: str = "こんにちは", **headers: str) -> tuple[int, Any, Any]:
        request = {"to": to, "messages": [{"type": "text", "text": text}]}
        return await self.line("POST", "/v2/bot/message/push", request, **headers)

    async def user(self, *, follow: bool = False) -> str:
        made = await self.script("POST", "/sandbox/users", {"name": "はなこ"})
        if follow:
            await self.script("POST", f"/sandbox/users/{made['user_id']}/follow")
        user_id: str = made["user_id"]
        return user_id

    async def received(self, user_id: str) -> list[Any]:
        found = await self.script("GET", f"/sandbox/users/{user_id}/messages")
        items: list[Any] = found["items"]
        return items


@pytest.fixture
async def client(edge: Edge) -> AsyncIterator[Client]:
    async with (
        running(settings(edge.url), clock.now) as started,
        aiohttp.ClientSession(trust_env=False) as http,
    ):
        edge.sandbox = f"http://127.0.0.1:{started.port}"
        yield Client(http, edge.sandbox)


@pytest.fixture
def until() -> Callable[..., Any]:
    """Wait for a condition, with a deadline."""

    async def wait(condition: Callable[[], bool]) -> None:
        end = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < end, "the condition did not come true in time"
            await asyncio.sleep(0.01)

    return wait
