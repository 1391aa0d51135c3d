"""`/r/{code}`: from a link to where it leads, past FastAPI's layers.

Where it leads stands in the database alone: nothing in the request can change it. Links never
change, so those that were used are kept in memory, and a tap costs a look into a table. Codes that
are not there are looked up together, however many come: trying codes costs who tries, not the shop.
"""

from collections.abc import Sequence
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from services.notify.links import codes, pages
from services.notify.links.clicks import Clicks
from services.notify.links.visitors import is_person
from services.notify.store import links as store
from services.notify.store.links import Target
from shared.coalesce import Coalescer
from shared.db import UNREACHABLE, Pool

PATH = "/r/"
MOST_KEPT = 10_000
_METHODS = ("GET", "HEAD")


class Redirect:
    """An ASGI application that serves links and hands everything else to `behind`."""

    def __init__(self, pool: "Pool[Any]", clicks: Clicks, behind: ASGIApp) -> None:
        self._pool = pool
        self._clicks = clicks
        self._behind = behind
        self._kept: dict[str, Target] = {}
        self._lookups: Coalescer[str, Target | None] = Coalescer(self._look_up)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http" or not scope["path"].startswith(PATH):
            await self._behind(scope, receive, send)
            return
        if scope["method"] not in _METHODS:
            response = Response(status_code=405, headers={"Allow": ", ".join(_METHODS)})
            await response(scope, receive, send)
            return
        await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        code = scope["path"][len(PATH) :]
        try:
            target = self._kept.get(code) or await self._found(code)
        except UNREACHABLE:
            await pages.later()(scope, receive, send)
            return
        if target is None:
            await pages.unknown()(scope, receive, send)
            return
        if is_person(scope["method"], scope["headers"]):
            self._clicks.count(target.id)
        await _lead_to(target.address, send)

    async def _found(self, code: str) -> Target | None:
        if not codes.is_one(code):
            return None
        target = await self._lookups.submit(code)
        if target is not None:
            if len(self._kept) >= MOST_KEPT:
                del self._kept[next(iter(self._kept))]  # the oldest
            self._kept[code] = target
        return target

    async def _look_up(self, asked: list[str]) -> Sequence[Target | None]:
        async with self._pool.acquire() as connection:
            found = await store.targets(connection, asked)
        return [found.get(code) for code in asked]


async def _lead_to(address: str, send: Send) -> None:
    headers = [
        (b"location", address.encode("ascii")),
        (b"cache-control", b"no-store"),
        (b"referrer-policy", b"no-referrer"),
        (b"x-robots-tag", b"noindex"),
        (b"content-length", b"0"),
    ]
    await send({"type": "http.response.start", "status": 302, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
