"""Who is calling: an API key in `Authorization: Bearer`, known by its hash, or, without one, a
person who is signed in, by the token in their cookie.

The app's state holds `find_key`, which looks a hash up in the service's own tables, `staff_gate`,
which reads tokens, and `rate_limit`.
"""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from shared.api_keys import Key
from shared.bus.handling import Connection
from shared.db import Pool
from shared.problems import Problem, come_again
from shared.ratelimit import RateLimit
from shared.web import roles
from shared.web.session_token import Expired, Staff
from shared.web.staff import Gate, forbidden, session_expired, signed_in

FindKey = Callable[[Connection, str], Awaitable[Key | None]]
"""The holder of the active key with this SHA-256 (hex), or None."""

CSRF_HEADER = "x-csrf-token"
_KINDS = {"owner": "owner", "manager": "owner", "staff": "pos", "viewer": "read"}
"""What somebody's role is as a kind of key. What they may do at all, `roles` says."""

_bearer = HTTPBearer(
    auto_error=False,
    description="An API key of a terminal or of the owner. Pages of people who are signed in send "
    "their cookie instead and, with each change, the header X-CSRF-Token.",
)


async def _authenticated(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> Key:
    if credentials is not None:
        key = await _by_key(request, credentials.credentials)
    elif "authorization" in request.headers:
        key = None
    else:
        key = await _by_session(request)
    if key is None:
        raise Problem(
            401,
            "unauthenticated",
            "Send a valid API key as 'Authorization: Bearer <key>'.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    await _in_time(request, key)
    request.state.caller = key
    return key


async def _by_key(request: Request, secret: str) -> Key | None:
    pool: Pool = request.app.state.process.pool
    find: FindKey = request.app.state.find_key
    async with pool.acquire() as connection:
        return await find(connection, hashlib.sha256(secret.encode()).hexdigest())


async def _by_session(request: Request) -> Key | None:
    try:
        staff = await signed_in(request)
    except Expired:
        raise session_expired() from None
    if staff is None:
        return None
    if request.method not in roles.SAFE:
        _require_csrf(request, staff)
    if staff.role == "staff" and staff.store is None:
        raise Problem(
            403,
            "no-store",
            "店舗を選んでください。 Choose the store of this shift first: POST /session/store.",
        )
    _require_role(request, staff)
    request.state.staff = staff
    return Key(staff.id, _KINDS[staff.role], staff.store, staff.role, staff.stores)


def _require_role(request: Request, staff: Staff) -> None:
    limited = staff.stores is not None
    why = roles.refusal(staff.role, limited, request.method, request.scope["route"].path)
    if why == "stores":
        raise Problem(
            403,
            "all-stores",
            "全店舗に関わる変更です。担当店舗が限られていない方にご依頼ください。 This concerns "
            "all stores, and your role is limited to some. Ask somebody without limits.",
        )
    if why is not None:
        raise forbidden()


def _require_csrf(request: Request, staff: Staff) -> None:
    gate: Gate = request.app.state.staff_gate
    if not gate.is_own(staff, request.headers.get(CSRF_HEADER, "")):
        raise Problem(
            403,
            "csrf",
            "ページを再読み込みしてからもう一度お試しください。 Reload the page and try again: the "
            "header X-CSRF-Token is not that of this session.",
        )


async def _in_time(request: Request, key: Key) -> None:
    limit: RateLimit = request.app.state.rate_limit
    seconds = await limit.wait_seconds(str(key.id))
    if seconds:
        raise Problem(
            429,
            "too-fast",
            f"Too many calls with this key. Wait {seconds} s and send it again.",
            headers=come_again(seconds),
        )


Caller = Annotated[Key, Depends(_authenticated)]
"""Any valid key."""


async def _writer(key: Caller) -> Key:
    if key.kind == "read" and key.role is None:
        raise Problem(403, "read-only-key", "This key only reads. Use a terminal's or owner's key.")
    return key


async def _owner(key: Caller) -> Key:
    if key.kind != "owner" and key.role is None:
        raise Problem(403, "owner-only", "This needs an owner key.")
    return key


Owner = Annotated[Key, Depends(_owner)]
"""A key of the owner's systems, or whoever runs the shop: owner, manager."""

Writer = Annotated[Key, Depends(_writer)]
"""A key that may change things."""


async def _owner_only(key: Owner) -> Key:
    if key.role not in (None, "owner"):
        raise forbidden()
    return key


async def _in_person(request: Request, key: Caller) -> Staff:
    staff: Staff | None = getattr(request.state, "staff", None)
    if staff is None:
        raise Problem(
            403,
            "in-person",
            "This is about somebody's own account: sign in. An API key has none.",
        )
    return staff


InPerson = Annotated[Staff, Depends(_in_person)]
"""Somebody who is signed in; API keys are refused."""

OwnerOnly = Annotated[Key, Depends(_owner_only)]
"""A key of the owner's systems, or the owner in person: over keys, people and the whole."""
