"""Somebody who is signed in, for calls to an app in the test's own process.

answer = await client.get("/console", **signed_in("owner"))
answer = await client.post("/v1/…", json=…, **signed_in("staff", store="main", key="once"))
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from shared import clock, ids
from shared.web import session_token
from shared.web.session_token import Staff

SESSION_KEY = "a session key of the tests, 32 bytes"
_COOKIE = "tamaru_staff"


def someone(
    role: str,
    stores: Sequence[str] | None = None,
    store: str | None = None,
    *,
    id: UUID | None = None,
    session_id: UUID | None = None,
    life: timedelta = session_token.LIFE,
    name: str = "テスト 花子",
) -> Staff:
    """A person of this role; staff are at the store `main` unless told otherwise."""
    session = session_id or ids.new_id()
    return Staff(
        id=id or ids.derived_id("staff of the tests", role),
        session_id=session,
        name=name,
        role=role,
        stores=None if stores is None else tuple(stores),
        store=store or ("main" if role == "staff" else None),
        csrf=session_token.csrf_of(SESSION_KEY, session),
        expires_at=clock.now() + life,
    )


def shown(staff: Staff, key: str | None = None) -> dict[str, Any]:
    """What their browser sends along, as arguments of httpx; `key` is an Idempotency-Key."""
    token = session_token.sign(staff, SESSION_KEY)
    headers = {
        # By either name: whether the shop is served over HTTPS is not what these tests are about.
        "Cookie": f"{_COOKIE}={token}; __Host-{_COOKIE}={token}",
        "X-CSRF-Token": staff.csrf,
        "Origin": "http://points",
    }
    return {"headers": {**headers, "Idempotency-Key": key} if key else headers}


def signed_in(
    role: str,
    stores: Sequence[str] | None = None,
    store: str | None = None,
    *,
    key: str | None = None,
) -> dict[str, Any]:
    """A browser of somebody with this role, as keyword arguments of httpx."""
    return shown(someone(role, stores, store), key)
