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

from deploy.sandbox import call_log
from deploy.sandbox.deliveries import Deed, Delivery
from deploy.sandbox.people import User
from deploy.sandbox.platform import Platform
from deploy.sandbox.sandbox import Sandbox
from deploy.sandbox.script_http import answer, sandbox_of, shown, user_of
from shared.problems import Problem
from shared.web import assets

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
            "shop_url": sandbox.settings.shop_url,
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
    entries = platform.log.since(logged)
    news = {
        "user": shown(user),
        "timeline": [_item(item) for item in items],
        "log": [call_log.line(entry) for entry in entries],
        "menu": _menu(platform, user),
        "quota": _quota(platform),
    }
    seen = items[-1].number if items else seen
    return news, seen, entries[-1].number if entries else logged


def _menu(platform: Platform, user: User) -> dict[str, Any] | None:
    """The rich menu on the phone: only who follows sees one."""
    menu = platform.rich_menus.of_user(user.user_id) if user.following else None
    if menu is None or menu.image is None:
        return None
    return menu.shown() | {"image": f"/sandbox/richmenus/{menu.menu_id}/image"}


def _quota(platform: Platform) -> dict[str, int | None]:
    used = platform.quota.used(platform.seconds())
    return {"plan": platform.quota.plan, "limit": platform.quota.limit, "used": used}


async def menu_image(request: Request) -> Response:
    """The image of a rich menu; never read as anything but a picture."""
    menus = sandbox_of(request).platform.rich_menus.menus
    menu = menus.get(request.path_params["menu_id"])
    if menu is None or menu.image is None:
        raise Problem(404, "not-found", "There is no such rich menu, or it has no image.")
    headers = {"x-content-type-options": "nosniff", "cache-control": "max-age=3600"}
    return Response(menu.image.data, media_type=menu.image.media, headers=headers)


def _item(item: Delivery | Deed) -> dict[str, Any]:
    if isinstance(item, Delivery):
        return {
            "from": "account",
            "number": item.number,
            "kind": item.kind,
            "at": item.at,
            "messages": item.messages,
        }
    return {"from": "user", "kind": item.kind, "at": item.at, "text": item.text}


ROUTES = [
    Route("/", page),
    Route("/sandbox/about", about),
    Route("/sandbox/users/{user_id}/live", live),
    Route("/sandbox/richmenus/{menu_id}/image", menu_image),
    Mount("/static/line", StaticFiles(directory=assets.SHARED / "line")),
    Mount("/static", StaticFiles(directory=STATIC)),
]
