"""Who is calling: an API key in `Authorization: Bearer`, known by its hash.

The app's state holds `find_key`, which looks a hash up in the service's own tables, and
`rate_limit`.
"""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from shared.api_keys import Key
from shared.bus.handling import Connection
from shared.db import Pool
from shared.problems import Problem
from shared.ratelimit import RateLimit

FindKey = Callable[[Connection, str], Awaitable[Key | None]]
"""The holder of the active key with this SHA-256 (hex), or None."""

_bearer = HTTPBearer(auto_error=False, description="An API key of a terminal or of the owner.")


async def _authenticated(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> Key:
    pool: Pool = request.app.state.process.pool
    find: FindKey = request.app.state.find_key
    if credentials is not None:
        key_hash = hashlib.sha256(credentials.credentials.encode()).hexdigest()
        async with pool.acquire() as connection:
            key = await find(connection, key_hash)
        if key is not None:
            await _in_time(request, key)
            return key
    raise Problem(
        401,
        "unauthenticated",
        "Send a valid API key as 'Authorization: Bearer <key>'.",
        headers={"WWW-Authenticate": "Bearer"},
    )


async def _in_time(request: Request, key: Key) -> None:
    limit: RateLimit = request.app.state.rate_limit
    seconds = await limit.wait_seconds(str(key.id))
    if seconds:
        raise Problem(
            429,
            "too-fast",
            f"Too many calls with this key. Wait {seconds} s and send it again.",
            headers={"Retry-After": str(seconds)},
        )


Caller = Annotated[Key, Depends(_authenticated)]
"""Any valid key."""


async def _writer(key: Caller) -> Key:
    if key.kind == "read":
        raise Problem(403, "read-only-key", "This key only reads. Use a terminal's or owner's key.")
    return key


async def _owner(key: Caller) -> Key:
    if key.kind != "owner":
        raise Problem(403, "owner-only", "This needs an owner key.")
    return key


Writer = Annotated[Key, Depends(_writer)]
"""A key that may change things."""

Owner = Annotated[Key, Depends(_owner)]
"""A key of the owner's systems."""
