"""The page with the phone, its files, and the stream that keeps it up to date.

Owns delivery of the page; all it shows comes from the platform. Nothing is inline, so the page
runs under a strict content security policy.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from deploy.sandbox.deliveries import Deed, Delivery
from deploy.sandbox.sandbox import Sandbox
from deploy.sandbox.script_http import answer, sandbox_of, shown, user_of

STATIC = Path(__file__).parent / "static"
UPDATE_SECONDS = 0.1
KEEPALIVE_SECONDS = 15


async def page(request: Request) -> Response:
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        f"img-src 'self' data: https:; frame-src 'self' {sandbox_of(request).card_origin}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return FileResponse(
        STATIC / "index.html",
        headers={"content-security-policy": policy, "cache-control": "no-cache"},
    )


async def about(request: Request) -> Response:
    """What the page needs to know before it starts."""
    sandbox = sandbox_of(request)
    return answer(
        {
            "account": sandbox.platform.channel.name,
            "card_url": sandbox.settings.card_url,
            "liff_id": sandbox.settings.liff_id,
            "till": sandbox.settings.pos_api_key is not None,
        }
    )


async def live(request: Request) -> Response:
    """Server-sent events: the user's state and timeline, and the log, from the start on."""
    user_of(request)
    last = request.headers.get("last-event-id", "0-0").split("-")
    numbers = [int(part) if part.isascii() and part.isdigit() else 0 for part in (*last, "0")]
    stream = _stream(sandbox_of(request), request.path_params["user_id"], numbers[0], numbers[1])
    return StreamingResponse(
        stream, media_type="text/event-stream", headers={"cache-control": "no-store"}
    )


async def _stream(sandbox: Sandbox, user_id: str, seen: int, logged: int) -> AsyncIterator[bytes]:
    changed = sandbox.watchers.join()
    try:
        while not sandbox.watchers.closing:
            changed.clear()
            news, seen, logged = _news(sandbox, user_id, seen, logged)
            if news is None:
                return
            yield b"id: %d-%d\ndata: %b\n\n" % (seen, logged, msgspec.json.encode(news))
            await asyncio.sleep(UPDATE_SECONDS)
            while not changed.is_set():
                try:
                    await asyncio.wait_for(changed.wait(), KEEPALIVE_SECONDS)
                except TimeoutError:
                    yield b": still here\n\n"
    finally:
        sandbox.watchers.leave(changed)


def _news(
    sandbox: Sandbox, user_id: str, seen: int, logged: int
) -> tuple[dict[str, Any] | None, int, int]:
    """What is new for this page, and how far it has read now."""
    platform = sandbox.platform
    user = platform.people.find(user_id)
    if user is None:
        return None, seen, logged
    items = platform.deliveries.timeline(user_id, seen)
    lines = [line for line in platform.log if line.number > logged]
    news = {"user": shown(user), "timeline": [_item(item) for item in items], "log": lines}
    seen = items[-1].number if items else seen
    return news, seen, lines[-1].number if lines else logged


def _item(item: Delivery | Deed) -> dict[str, Any]:
    if isinstance(item, Delivery):
        return {"from": "account", "kind": item.kind, "at": item.at, "messages": item.messages}
    return {"from": "user", "kind": item.kind, "at": item.at, "text": item.text}


ROUTES = [
    Route("/", page),
    Route("/sandbox/about", about),
    Route("/sandbox/users/{user_id}/live", live),
    Mount("/static", StaticFiles(directory=STATIC)),
]
