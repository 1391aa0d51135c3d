"""Who is signed in, for pages: the token in the cookie, what a role may open, where else to go.

A page names the least that it asks for: `staff: Viewer`. Whoever has no token is led to
`/session/renew`, which gives a new one or leads on to the sign-in; a fetch is told by a problem.
`app.state.staff_gate` holds how tokens are checked.
"""

import hmac
from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import Depends, Request
from starlette.responses import RedirectResponse, Response

from shared import clock
from shared.keys import Keys
from shared.problems import Problem
from shared.web import roles, session_token, sessions
from shared.web.session_token import Expired, Refused, Staff, Unsigned

__all__ = ["Counter", "Gate", "Manager", "OwnerOnly", "SignIn", "Staff", "Viewer"]

RENEW = "/session/renew"
CHOOSE_STORE = "/session/store"
_TOKEN = "tamaru_staff"  # noqa: S105 - the cookie's name


class Gate:
    """How this installation's tokens are made and read. `public_url` decides whether cookies are
    for HTTPS only."""

    def __init__(self, keys: Keys[str], public_url: str) -> None:
        self.keys = keys
        self.secure = public_url.startswith("https://")

    @property
    def cookie(self) -> str:
        """The token's cookie; over HTTPS of a name that no other host can set."""
        return f"__Host-{_TOKEN}" if self.secure else _TOKEN

    def read(self, request: Request) -> Staff | None:
        """Who shows a good token; None without a cookie. Raises Expired or Refused."""
        token = request.cookies.get(self.cookie)
        if not token:
            return None
        now = clock.now()
        return self.keys.opened(lambda key: session_token.read(token, key, now), Unsigned)

    def is_own(self, staff: Staff, csrf: str) -> bool:
        """Whether this is the CSRF token of the session; a page that was opened before the key
        changed sends that of the old one."""
        known = (session_token.csrf_of(key, staff.session_id) for key in self.keys.all)
        return any(hmac.compare_digest(csrf.encode(), each.encode()) for each in known)

    def give(self, response: Response, staff: Staff) -> None:
        """Put a token into the answer. It stays after its end, so that its end can be told."""
        response.set_cookie(
            self.cookie,
            session_token.sign(staff, self.keys.new),
            path="/",
            secure=self.secure,
            httponly=True,
            samesite="lax",
        )

    def take(self, response: Response) -> None:
        """Take the token back."""
        response.delete_cookie(
            self.cookie, path="/", secure=self.secure, httponly=True, samesite="lax"
        )


class SignIn(Exception):
    """Nobody is signed in who may see this; lead them to `path`, and back."""

    def __init__(self, path: str = RENEW) -> None:
        super().__init__(path)
        self.path = path


async def signed_in(request: Request) -> Staff | None:
    """Who is signed in, their session alive; None for nobody. Raises Expired for who was."""
    gate: Gate = request.app.state.staff_gate
    try:
        staff = gate.read(request)
    except Expired:
        raise
    except Refused:
        return None
    if staff is None:
        return None
    async with request.app.state.process.pool.acquire() as connection:
        if await sessions.is_ended(connection, staff.session_id):
            raise Expired("ended")
    return staff


def own_path(path: str, otherwise: str = "/console") -> str:
    """`path` if it leads to a page of ours, else `otherwise`: nobody is led elsewhere."""
    parts = urlsplit(path) if path.isascii() and path.isprintable() else None
    leads_out = parts is None or parts.scheme or parts.netloc or not path.startswith("/")
    if leads_out or path[1:2] in ("/", "\\") or "\\" in path or len(path) > 1000:
        return otherwise
    return path


async def lead_to_sign_in(request: Request, error: Exception) -> Response:
    """The answer to SignIn: a page leads on, everything else is told by a problem."""
    assert isinstance(error, SignIn)  # noqa: S101 - registered for it only
    if request.method != "GET" or "hx-request" in request.headers:
        return session_expired().response()
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    headers = {"Cache-Control": "no-store"}
    return RedirectResponse(f"{error.path}?next={quote(here, safe='')}", 303, headers=headers)


def session_expired() -> Problem:
    """Told to scripts: get a new token, or sign in."""
    return Problem(
        401,
        "session-expired",
        "ログインの有効期限が切れました。もう一度ログインしてください。 "
        "The sign-in has ended. POST /session/renew, or sign in again.",
    )


def forbidden() -> Problem:
    """Told to whoever is signed in and may not."""
    return Problem(
        403,
        "role",
        "この操作の権限がありません。オーナーにご相談ください。 "
        "Your role does not allow this. Ask the owner.",
    )


async def _any(request: Request) -> Staff:
    try:
        staff = await signed_in(request)
    except Expired:
        staff = None
    if staff is None:
        raise SignIn
    request.state.staff = staff
    return staff


_Any = Annotated[Staff, Depends(_any)]


async def _viewer(staff: _Any) -> Staff:
    return _one_of(staff, roles.READERS)


async def _manager(staff: _Any) -> Staff:
    return _one_of(staff, roles.CHANGERS)


async def _owner(staff: _Any) -> Staff:
    return _one_of(staff, roles.OWNER)


async def _counter(staff: _Any) -> Staff:
    _one_of(staff, roles.COUNTER)
    if staff.store is None:
        raise SignIn(CHOOSE_STORE)
    return staff


def _one_of(staff: Staff, allowed: tuple[str, ...]) -> Staff:
    if staff.role not in allowed:
        raise forbidden()
    return staff


Anybody = _Any
"""Whoever is signed in: pages about oneself."""

Viewer = Annotated[Staff, Depends(_viewer)]
"""Who may look at the console: owner, manager, viewer."""

Manager = Annotated[Staff, Depends(_manager)]
"""Who runs the shop: owner, manager."""

OwnerOnly = Annotated[Staff, Depends(_owner)]
"""The owner."""

Counter = Annotated[Staff, Depends(_counter)]
"""Who works at the counter, at the store `staff.store`: owner, manager, staff."""
