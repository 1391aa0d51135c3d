"""Multicasts in PostgreSQL: calls fixed before they are made, taken under a lease, recorded whole.

A call's recipients are the deliveries that name it; they end with it. Owns `multicasts` and what
broadcasts do to `deliveries`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from services.notify.broadcasts.planning import Chunk
from services.notify.sending.deliveries import Record
from services.notify.store.broadcast_people import LEFT_OUT, STANDING
from shared.bus.handling import Connection


class Call(msgspec.Struct):
    """A multicast that this process makes now. `id` is its retry key."""

    id: UUID
    broadcast_id: UUID
    kind: str
    messages: str
    unit: str | None
    lease_until: datetime
    tries: int
    unknown_since: datetime | None
    line_user_ids: list[str] = []


_MAY_GO = "(b.state = 'sending' OR m.unknown_since IS NOT NULL)"
"""What went out and has no answer yet is asked again in any state: so that its fate is known."""

_PLAN = """
INSERT INTO multicasts (id, broadcast_id, number, language, recipients, status, due_at, tries)
SELECT c.id, $1, c.number, c.language, c.recipients, 'waiting', $6, 0
FROM unnest($2::uuid[], $3::integer[], $4::text[], $5::integer[])
    AS c (id, number, language, recipients)
"""
_ANY_DUE = f"""
SELECT EXISTS (
    SELECT FROM multicasts m JOIN broadcasts b ON b.id = m.broadcast_id
    WHERE m.due_at <= $1 AND {_MAY_GO}
)
"""
_CLAIM = f"""
WITH due AS (
    SELECT m.id, m.unknown_since FROM multicasts m JOIN broadcasts b ON b.id = m.broadcast_id
    WHERE m.due_at <= $1 AND {_MAY_GO}
    ORDER BY m.due_at, m.number LIMIT 1 FOR UPDATE OF m SKIP LOCKED
)
UPDATE multicasts AS m
SET status = 'waiting', due_at = $2, unknown_since = coalesce(m.unknown_since, $1)
FROM due, broadcasts b, broadcast_texts t
WHERE m.id = due.id AND b.id = m.broadcast_id
    AND t.broadcast_id = m.broadcast_id AND t.language = m.language
RETURNING m.id, m.broadcast_id, b.kind, t.messages, b.unit, m.due_at AS lease_until, m.tries,
    due.unknown_since
"""
_LEAVE_OUT = f"""
UPDATE deliveries AS d SET status = 'skipped', reason = s.left_out, finished_at = $2
FROM (
    SELECT p.line_user_id, p.event_id, {LEFT_OUT} AS left_out FROM deliveries p {STANDING}
    WHERE p.multicast_id = $1 AND p.finished_at IS NULL
) AS s
WHERE d.line_user_id = s.line_user_id AND d.event_id = s.event_id AND s.left_out IS NOT NULL
"""
_RECIPIENTS = """
SELECT line_user_id FROM deliveries WHERE multicast_id = $1 AND finished_at IS NULL
ORDER BY line_user_id
"""
_RECORD = """
UPDATE multicasts SET status = $2, due_at = $3, tries = $4, unknown_since = $5, reason = $6,
    request_id = $7, finished_at = $8
WHERE id = $1 AND due_at IS NOT NULL
"""
_END = """
UPDATE deliveries SET status = $2, tries = $3, reason = $4, request_id = $5, finished_at = $6,
    via = CASE WHEN $2 IN ('delivered', 'failed', 'unknown') THEN 'multicast' END
WHERE multicast_id = ANY($1::uuid[]) AND finished_at IS NULL
"""
_CANCEL = """
UPDATE multicasts SET status = 'cancelled', due_at = NULL, finished_at = $2
WHERE id IN (
    SELECT id FROM multicasts
    WHERE broadcast_id = $1 AND due_at IS NOT NULL AND unknown_since IS NULL
    ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED
) RETURNING id
"""
_IS_OPEN = "SELECT EXISTS (SELECT FROM multicasts WHERE broadcast_id = $1 AND due_at IS NOT NULL)"


async def plan(
    connection: Connection, broadcast_id: UUID, chunks: Sequence[Chunk], now: datetime
) -> None:
    """Fix these calls."""
    await connection.execute(
        _PLAN,
        broadcast_id,
        [each.id for each in chunks],
        [each.number for each in chunks],
        [each.language for each in chunks],
        [len(each.line_user_ids) for each in chunks],
        now,
    )


async def any_due(pool: "asyncpg.Pool[Any]", now: datetime) -> bool:
    """Whether a call can be taken."""
    return bool(await pool.fetchval(_ANY_DUE, now))


async def claim(pool: "asyncpg.Pool[Any]", now: datetime, lease_until: datetime) -> Call | None:
    """Take one call, in a transaction of its own; those who meanwhile want nothing more are taken
    out of it unless it may have been made already. None when there is none left."""
    async with pool.acquire() as connection, connection.transaction():
        row = await connection.fetchrow(_CLAIM, now, lease_until)
        if row is None:
            return None
        call = Call(**row)
        if call.unknown_since is None:
            await connection.execute(_LEAVE_OUT, call.id, now)
        users = await connection.fetch(_RECIPIENTS, call.id)
        call.line_user_ids = [user[0] for user in users]
        return call


async def record(pool: "asyncpg.Pool[Any]", call: Call, record: Record) -> None:
    """Write down what became of a call; when it is over, so are its deliveries."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            _RECORD,
            call.id,
            record.status,
            record.due_at,
            record.tries,
            record.unknown_since,
            record.reason,
            record.request_id,
            record.finished_at,
        )
        if record.finished_at is not None:
            await connection.execute(
                _END,
                [call.id],
                record.status,
                record.tries,
                record.reason,
                record.request_id,
                record.finished_at,
            )


async def cancel(connection: Connection, broadcast_id: UUID, now: datetime, limit: int) -> int:
    """End up to `limit` calls that surely have not been made, with their deliveries; how many."""
    rows = await connection.fetch(_CANCEL, broadcast_id, now, limit)
    if rows:
        await connection.execute(_END, [row[0] for row in rows], "cancelled", 0, None, None, now)
    return len(rows)


async def is_open(connection: Connection, broadcast_id: UUID) -> bool:
    """Whether a call of it is still to be made."""
    return bool(await connection.fetchval(_IS_OPEN, broadcast_id))
