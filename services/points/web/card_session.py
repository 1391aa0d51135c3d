"""Opening the card again: a cookie that lets its owner look, so the page comes with their card.

It is made when LINE has just said who is looking, lives for ten minutes, and only ever reads:
every change still needs LINE's word in the `Authorization` header, which no other site's page can
send, so there is no CSRF to guard against. It names the member and is signed together with their
LINE user: who unlinks, leaves or is merged away is known by it no more.
"""

import base64
import hmac
from datetime import datetime, timedelta
from uuid import UUID

from fastapi import Request, Response

from services.points.settings import WebSettings
from services.points.store import cards as store
from services.points.store.cards import Holder
from shared import clock
from shared.bus.handling import Connection
from shared.keys import Keys

LIVES = timedelta(minutes=10)
_SHOWN = ("active", "suspended")


def value(key: bytes, holder: Holder, until: datetime) -> str:
    """The cookie's content for a member with a LINE account."""
    content = holder.id.bytes + int(until.timestamp()).to_bytes(5, "big")
    return _text(content + _mac(key, content, holder.line_user_id or ""))


async def reader(request: Request, connection: Connection) -> Holder | None:
    """The member whom the request's cookie lets look; None without a good one."""
    named = _opened(request.cookies.get(name(request.app.state.settings), ""))
    if named is None:
        return None
    content, mac = named
    if int.from_bytes(content[16:], "big") <= clock.now().timestamp():
        return None
    holder = await store.of_id(connection, UUID(bytes=content[:16]))
    if holder is None or holder.line_user_id is None or holder.status not in _SHOWN:
        return None
    keys: Keys[bytes] = request.app.state.card.qr_keys
    known = (_mac(key, content, holder.line_user_id) for key in keys.all)
    return holder if any(hmac.compare_digest(mac, each) for each in known) else None


def grant(request: Request, response: Response, holder: Holder) -> None:
    """Let the member look for the next minutes. Only when LINE has just said that it is they."""
    settings: WebSettings = request.app.state.settings
    key: bytes = request.app.state.card.qr_keys.new
    _set(response, settings, value(key, holder, clock.now() + LIVES), LIVES)


def end(request: Request, response: Response) -> None:
    """Forget who looked."""
    _set(response, request.app.state.settings, "", timedelta(0))


def name(settings: WebSettings) -> str:
    """The cookie's name; behind HTTPS nobody but this very host can set it."""
    return "__Host-tamaru_card" if _is_secure(settings) else "tamaru_card"


def _set(response: Response, settings: WebSettings, content: str, lives: timedelta) -> None:
    response.set_cookie(
        name(settings),
        content,
        max_age=int(lives.total_seconds()),
        path="/",
        secure=_is_secure(settings),
        httponly=True,
        samesite="lax",
    )


def _is_secure(settings: WebSettings) -> bool:
    return settings.public_url.startswith("https://")


def _opened(text: str) -> tuple[bytes, bytes] | None:
    try:
        whole = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
    return (whole[:21], whole[21:]) if len(whole) == 37 else None


def _mac(key: bytes, content: bytes, user: str) -> bytes:
    said = b"tamaru.card-session.1." + content + user.encode()
    return hmac.digest(key, said, "sha256")[:16]


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
