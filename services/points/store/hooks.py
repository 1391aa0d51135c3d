"""Endpoints of outgoing webhooks: where to tell what, and how they fare."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from services.points.hooks.progress import Verdict
from shared.bus.handling import Connection

_COLUMNS = """id, url, events, description, include_line_user_id, status, reason, failing_since,
    last_problem, secret_generation, old_secret_until, created_at, changed_at"""
_ADD = f"""
INSERT INTO hook_endpoints (id, url, events, description, include_line_user_id, status,
    secret_generation, created_at, changed_at)
VALUES ($1, $2, $3, $4, $5, 'active', 1, $6, $6)
RETURNING {_COLUMNS}
"""
_ONE = f"SELECT {_COLUMNS} FROM hook_endpoints WHERE id = $1"
_LOCKED = f"{_ONE} FOR UPDATE"
_ALL = f"SELECT {_COLUMNS} FROM hook_endpoints ORDER BY created_at, id"
_ACTIVE = f"SELECT {_COLUMNS} FROM hook_endpoints WHERE status = 'active' ORDER BY id"
_HEARERS = f"SELECT {_COLUMNS} FROM hook_endpoints ORDER BY id FOR KEY SHARE"
_CHANGE = f"""
UPDATE hook_endpoints SET url = $2, events = $3, description = $4, include_line_user_id = $5,
    status = $6, reason = $7, failing_since = $8, last_problem = $9, changed_at = $10
WHERE id = $1 RETURNING {_COLUMNS}
"""
_ROTATE = f"""
UPDATE hook_endpoints SET secret_generation = secret_generation + 1, old_secret_until = $2,
    changed_at = $3
WHERE id = $1 RETURNING {_COLUMNS}
"""
_REMOVE = "DELETE FROM hook_endpoints WHERE id = $1"
_JUDGE = """
UPDATE hook_endpoints AS e SET
    failing_since = CASE WHEN NOT v.good THEN coalesce(e.failing_since, v.at) END,
    last_problem = CASE WHEN NOT v.good THEN v.reason END,
    status = CASE WHEN v.gone THEN 'off'
        WHEN NOT v.good AND e.failing_since <= v.at - $5::interval THEN 'paused'
        ELSE e.status END,
    reason = CASE WHEN v.gone THEN 'gone'
        WHEN NOT v.good AND e.failing_since <= v.at - $5::interval THEN 'failing'
        ELSE e.reason END
FROM (
    SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::boolean[], $4::boolean[], $6::text[])
        AS v (id, at, good, gone, reason) ORDER BY id
) AS v
WHERE e.id = v.id AND e.status = 'active' AND (NOT v.good OR e.failing_since IS NOT NULL)
RETURNING e.id, e.status, e.last_problem
"""


class Endpoint(msgspec.Struct, frozen=True):
    """An endpoint as stored."""

    id: UUID
    url: str
    events: list[str]
    description: str | None
    include_line_user_id: bool
    status: str
    reason: str | None
    failing_since: datetime | None
    last_problem: str | None
    secret_generation: int
    old_secret_until: datetime | None
    created_at: datetime
    changed_at: datetime


async def add(
    connection: Connection,
    id: UUID,
    url: str,
    events: Sequence[str],
    description: str | None,
    include_line_user_id: bool,
    now: datetime,
) -> Endpoint:
    """Add an endpoint."""
    rows = await connection.fetch(
        _ADD, id, url, list(events), description, include_line_user_id, now
    )
    return Endpoint(**rows[0])


async def one(connection: Connection, id: UUID, *, lock: bool = False) -> Endpoint | None:
    """An endpoint; with `lock` it stays as it is until the transaction ends."""
    row = await connection.fetchrow(_LOCKED if lock else _ONE, id)
    return Endpoint(**row) if row else None


async def every(connection: Connection) -> list[Endpoint]:
    """All of them, in the order of making."""
    return [Endpoint(**row) for row in await connection.fetch(_ALL)]


async def hearers(connection: Connection) -> list[Endpoint]:
    """All of them, kept from being deleted until the transaction ends."""
    return [Endpoint(**row) for row in await connection.fetch(_HEARERS)]


async def active(pool: "asyncpg.Pool[Any]") -> list[Endpoint]:
    """Those that are sent to now."""
    return [Endpoint(**row) for row in await pool.fetch(_ACTIVE)]


async def change(connection: Connection, endpoint: Endpoint, now: datetime) -> Endpoint:
    """Store what its owner changed. The row must be locked."""
    rows = await connection.fetch(
        _CHANGE,
        endpoint.id,
        endpoint.url,
        endpoint.events,
        endpoint.description,
        endpoint.include_line_user_id,
        endpoint.status,
        endpoint.reason,
        endpoint.failing_since,
        endpoint.last_problem,
        now,
    )
    return Endpoint(**rows[0])


async def rotate(
    connection: Connection, id: UUID, old_until: datetime, now: datetime
) -> Endpoint | None:
    """Begin the next generation of the secret; the one before signs until `old_until` too."""
    row = await connection.fetchrow(_ROTATE, id, old_until, now)
    return Endpoint(**row) if row else None


async def remove(connection: Connection, id: UUID) -> bool:
    """Delete an endpoint with its deliveries; false when there was none."""
    status = await connection.execute(_REMOVE, id)
    return status != "DELETE 0"


async def judge(
    connection: Connection, verdicts: Sequence[Verdict], patience: timedelta
) -> list[tuple[UUID, str, str | None]]:
    """Note how active endpoints fare, at most one verdict each. One that failed for longer than
    `patience` is paused, one that is gone is switched off. Returns what it touched, as
    (id, status, last problem)."""
    rows = await connection.fetch(
        _JUDGE,
        [each.endpoint_id for each in verdicts],
        [each.at for each in verdicts],
        [each.good for each in verdicts],
        [each.gone for each in verdicts],
        patience,
        [each.reason for each in verdicts],
    )
    return [(row["id"], row["status"], row["last_problem"]) for row in rows]
