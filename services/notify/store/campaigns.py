"""Deliveries of broadcasts: written in sets, taken one broadcast at a time, counted, listed.

The key (line_user_id, event_id), with the broadcast's id as the event's, is what lets somebody get
a broadcast once. Owns what broadcasts do to `deliveries` beside `multicasts`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from services.notify.broadcasts.broadcast import Broadcast
from services.notify.sending.deliveries import Delivery
from shared.bus.handling import Connection

PRIORITY = 3
CANCELLED = "cancelled"


class Planned(NamedTuple):
    """Somebody's delivery to be. `ended` says why nothing is sent, or is None. By multicast:
    `multicast_id` names the call; else `messages` are theirs alone."""

    line_user_id: str
    id: UUID
    language: str
    multicast_id: UUID | None
    messages: str
    ended: str | None


_INSERT = """
INSERT INTO deliveries (
    line_user_id, event_id, id, kind, category, priority, template_version, language,
    broadcast_id, multicast_id, unit, status, messages, tries, due_at, reason, created_at,
    finished_at
)
SELECT r.line_user_id, $7, r.id, $8, 'campaign', 3, $9, r.language, $7, r.multicast_id, $10,
    CASE WHEN r.ended IS NULL THEN 'waiting' WHEN r.ended = 'cancelled' THEN 'cancelled'
        ELSE 'skipped' END,
    r.messages, 0, CASE WHEN r.ended IS NULL AND r.multicast_id IS NULL THEN $11::timestamptz END,
    r.ended, $11, CASE WHEN r.ended IS NOT NULL THEN $11::timestamptz END
FROM unnest($1::text[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::text[])
    AS r (line_user_id, id, language, multicast_id, messages, ended)
ORDER BY r.line_user_id
ON CONFLICT DO NOTHING
"""
_OPEN = """
SELECT id FROM broadcasts
WHERE settled_at IS NULL AND personal AND state IN ('sending', 'paused', 'cancelled') ORDER BY id
"""
_CLAIM = """
WITH due AS (
    SELECT d.line_user_id, d.event_id, d.unknown_since
    FROM deliveries d JOIN broadcasts b ON b.id = d.broadcast_id
    WHERE d.broadcast_id = $4 AND d.due_at <= $1
        AND (b.state = 'sending' OR d.unknown_since IS NOT NULL)
    ORDER BY d.due_at LIMIT $3 FOR UPDATE OF d SKIP LOCKED
)
UPDATE deliveries AS d
SET status = 'waiting', due_at = $2, unknown_since = coalesce(d.unknown_since, $1)
FROM due WHERE d.line_user_id = due.line_user_id AND d.event_id = due.event_id
RETURNING d.line_user_id, d.event_id, d.id, d.kind, d.messages, d.due_at AS lease_until, d.tries,
    due.unknown_since, d.category, d.priority, d.broadcast_id, d.unit
"""
_IS_OPEN = """
SELECT EXISTS (SELECT FROM deliveries WHERE broadcast_id = $1 AND due_at IS NOT NULL)
"""
_CANCEL = """
UPDATE deliveries SET status = 'cancelled', due_at = NULL, finished_at = $2
WHERE (line_user_id, event_id) IN (
    SELECT line_user_id, event_id FROM deliveries
    WHERE broadcast_id = $1 AND due_at IS NOT NULL AND unknown_since IS NULL
    LIMIT $3 FOR UPDATE SKIP LOCKED
)
"""
_TALLY = """
SELECT status, CASE WHEN status <> 'delivered' THEN reason END AS reason, count(*) AS count
FROM deliveries WHERE event_id = $1 GROUP BY 1, 2 ORDER BY 1, 2
"""
_LISTED = """
SELECT d.id, d.line_user_id, r.member_id, d.status, d.reason, d.language, d.via, d.tries,
    d.request_id, d.created_at, d.finished_at
FROM deliveries d LEFT JOIN recipients r ON r.line_user_id = d.line_user_id
WHERE d.event_id = $1 AND ($2::text IS NULL OR d.status = $2)
    AND ($3::timestamptz IS NULL OR (d.created_at, d.id) > ($3, $4))
ORDER BY d.created_at, d.id LIMIT $5
"""
_PLACE = "SELECT created_at, id FROM deliveries WHERE event_id = $1 AND id = $2"


async def insert(
    connection: Connection,
    broadcast: Broadcast,
    planned: Sequence[Planned],
    now: datetime,
) -> None:
    """Write down who gets it, and who does not and why."""
    if not planned:
        return
    await connection.execute(
        _INSERT,
        *map(list, zip(*planned, strict=True)),
        broadcast.id,
        broadcast.kind,
        broadcast.template_version,
        broadcast.unit,
        now,
    )


async def open_ids(pool: "asyncpg.Pool[Any]") -> list[UUID]:
    """Broadcasts with messages of each one's own that may still have to go out."""
    return [row[0] for row in await pool.fetch(_OPEN)]


async def claim(
    pool: "asyncpg.Pool[Any]", broadcast_id: UUID, now: datetime, lease_until: datetime, limit: int
) -> list[Delivery]:
    """Take up to `limit` of a broadcast's own deliveries that are due and may go."""
    rows = await pool.fetch(_CLAIM, now, lease_until, limit, broadcast_id)
    return [Delivery(**row) for row in rows]


async def is_open(connection: Connection, broadcast_id: UUID) -> bool:
    """Whether a message of its own is still to be sent to somebody."""
    return bool(await connection.fetchval(_IS_OPEN, broadcast_id))


async def cancel(connection: Connection, broadcast_id: UUID, now: datetime, limit: int) -> int:
    """End up to `limit` that surely have not been sent; how many."""
    status = await connection.execute(_CANCEL, broadcast_id, now, limit)
    return int(status.rpartition(" ")[2])


async def tally(connection: Connection, broadcast_id: UUID) -> list[asyncpg.Record]:
    """How many deliveries by status and reason."""
    return await connection.fetch(_TALLY, broadcast_id)


async def listed(
    connection: Connection,
    broadcast_id: UUID,
    status: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[asyncpg.Record]:
    """Whom it concerned and what became of it, in the order of planning, after a place in it."""
    at, id = after or (None, None)
    return await connection.fetch(_LISTED, broadcast_id, status, at, id, limit)


async def place(
    connection: Connection, broadcast_id: UUID, delivery_id: UUID
) -> tuple[datetime, UUID] | None:
    """Where a delivery stands in the order of `listed`."""
    row = await connection.fetchrow(_PLACE, broadcast_id, delivery_id)
    return (row[0], row[1]) if row else None
