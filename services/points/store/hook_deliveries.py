"""What endpoints are told: messages, told once each, taken under a lease, logged try by try."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from services.points.hooks.messages import Message
from services.points.hooks.progress import Record
from shared.bus.handling import Connection

NEWEST = 2**62
"""A cursor before the first page."""

_KEEP = """
INSERT INTO hook_messages (id, type, at, member_id, line_user_id, data)
SELECT id, type, at, member_id, line_user_id, data
FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::uuid[], $5::text[], $6::json[])
    AS m (id, type, at, member_id, line_user_id, data)
ORDER BY id
ON CONFLICT DO NOTHING RETURNING id
"""
_ADD = """
INSERT INTO hook_deliveries (endpoint_id, message_id, status, tries, due_at, log, created_at)
SELECT endpoint_id, message_id, 'waiting', 0, due_at, '[]', $4
FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[])
    WITH ORDINALITY AS d (endpoint_id, message_id, due_at, place)
ORDER BY place
ON CONFLICT DO NOTHING
"""
_CLAIM = """
WITH due AS (
    SELECT endpoint_id, message_id FROM hook_deliveries
    WHERE endpoint_id = $1 AND due_at <= $2 AND (leased_until IS NULL OR leased_until <= $2)
    ORDER BY due_at, seq LIMIT $4 FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE hook_deliveries AS d SET leased_until = $3 FROM due
    WHERE d.endpoint_id = due.endpoint_id AND d.message_id = due.message_id
    RETURNING d.message_id, d.tries, d.due_at, d.seq
)
SELECT m.id, m.type, m.at, m.member_id, m.line_user_id, m.data, t.tries, t.due_at
FROM taken AS t JOIN hook_messages AS m ON m.id = t.message_id
ORDER BY t.due_at, t.seq
"""
_RECORD = """
UPDATE hook_deliveries AS d
SET status = r.status, due_at = r.due_at, tries = r.tries, leased_until = NULL,
    finished_at = r.finished_at,
    log = CASE WHEN r.tried IS NULL THEN d.log
        WHEN jsonb_array_length(d.log) < 50 THEN d.log || r.tried
        ELSE (d.log - 0) || r.tried END
FROM json_to_recordset($1::json) AS r (
    endpoint_id uuid, message_id uuid, status text, tries integer, due_at timestamptz,
    finished_at timestamptz, tried jsonb
)
WHERE d.endpoint_id = r.endpoint_id AND d.message_id = r.message_id AND d.due_at IS NOT NULL
    AND d.endpoint_id = ANY($2::uuid[]) AND d.message_id = ANY($3::uuid[])
"""
_LOG = """
SELECT d.message_id AS id, d.seq, m.type, m.at AS timestamp, m.member_id, d.status, d.due_at,
    d.log, d.created_at, d.finished_at
FROM hook_deliveries AS d JOIN hook_messages AS m ON m.id = d.message_id
WHERE d.endpoint_id = $1
"""
_PAGE = f"""
{_LOG} AND d.seq < $2 AND ($3::text IS NULL OR d.status = $3) ORDER BY d.seq DESC LIMIT $4
"""
_ONE = f"{_LOG} AND d.message_id = $2"
_AGAIN = """
UPDATE hook_deliveries SET status = 'waiting', tries = 0, due_at = $3, finished_at = NULL
WHERE endpoint_id = $1 AND message_id = $2 RETURNING message_id
"""
_HURRY = """
UPDATE hook_deliveries SET tries = 0, due_at = least(due_at, $2)
WHERE endpoint_id = $1 AND due_at IS NOT NULL
"""
_OF_PERIOD = """
FROM hook_messages AS m
WHERE m.at >= $2 AND m.at < $3 AND m.type = ANY($4::text[]) AND (NOT $5::boolean OR EXISTS (
    SELECT FROM hook_deliveries AS f
    WHERE f.endpoint_id = $1 AND f.message_id = m.id AND f.status = 'failed'
))
"""
_COUNT_PERIOD = f"SELECT count(*) FROM (SELECT 1 {_OF_PERIOD} LIMIT $6) AS found"
_PERIOD_AGAIN = f"""
INSERT INTO hook_deliveries AS d
    (endpoint_id, message_id, status, tries, due_at, log, created_at)
SELECT $1::uuid, m.id, 'waiting', 0, least(m.at, $6), '[]', $6 {_OF_PERIOD} ORDER BY m.at, m.id
ON CONFLICT (endpoint_id, message_id) DO UPDATE
    SET status = 'waiting', tries = 0, due_at = excluded.due_at, finished_at = NULL
"""
_FORGET = "UPDATE hook_messages SET line_user_id = NULL WHERE member_id = ANY($1::uuid[])"
PRUNE = """
WITH old AS (
    SELECT id FROM hook_messages WHERE at < $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED
), told AS (
    DELETE FROM hook_deliveries AS d USING old, hook_endpoints AS e
    WHERE d.endpoint_id = e.id AND d.message_id = old.id
)
DELETE FROM hook_messages USING old WHERE hook_messages.id = old.id
"""

_encode = msgspec.json.Encoder().encode


class Taken(msgspec.Struct, frozen=True):
    """A message to send now. `tries` were made before; `due_at` is since when it is due."""

    message: Message
    tries: int
    due_at: datetime


async def keep(connection: Connection, messages: Sequence[Message]) -> set[UUID]:
    """Store messages; the ids of those that were not there yet."""
    rows = await connection.fetch(
        _KEEP,
        [each.id for each in messages],
        [each.type for each in messages],
        [each.at for each in messages],
        [each.member_id for each in messages],
        [each.line_user_id for each in messages],
        [each.data for each in messages],
    )
    return {row["id"] for row in rows}


async def add(
    connection: Connection,
    endpoints: Sequence[UUID],
    messages: Sequence[UUID],
    due_at: Sequence[datetime],
    now: datetime,
) -> None:
    """Deliveries, one for each (endpoint, message), in the order of sending."""
    await connection.execute(_ADD, list(endpoints), list(messages), list(due_at), now)


async def claim(
    pool: "asyncpg.Pool[Any]", endpoint: UUID, now: datetime, lease_until: datetime, limit: int
) -> list[Taken]:
    """Take up to `limit` that are due, the oldest first, in a transaction of its own. What another
    process has taken is passed over until its lease ends."""
    rows = await pool.fetch(_CLAIM, endpoint, now, lease_until, limit)
    return [Taken(Message(*list(row.values())[:6]), row["tries"], row["due_at"]) for row in rows]


async def record(connection: Connection, records: Sequence[Record]) -> None:
    """Write down what became of deliveries; what is over already stays as it is."""
    # The keys stand apart too: from JSON alone the planner would read a small table whole.
    await connection.execute(
        _RECORD,
        _encode(records).decode(),
        list({each.endpoint_id for each in records}),
        [each.message_id for each in records],
    )


async def page(
    connection: Connection, endpoint: UUID, before: int, status: str | None, limit: int
) -> list[asyncpg.Record]:
    """The delivery log of an endpoint, newest first; `before` is the `seq` of the page before."""
    return await connection.fetch(_PAGE, endpoint, before, status, limit)


async def one(connection: Connection, endpoint: UUID, message: UUID) -> asyncpg.Record | None:
    """One line of that log."""
    return await connection.fetchrow(_ONE, endpoint, message)


async def again(connection: Connection, endpoint: UUID, message: UUID, now: datetime) -> bool:
    """Send one again, whatever became of it; false when there is none."""
    return await connection.fetchval(_AGAIN, endpoint, message, now) is not None


async def hurry(connection: Connection, endpoint: UUID, now: datetime) -> None:
    """Make all that waits due now, with all its tries before it."""
    await connection.execute(_HURRY, endpoint, now)


async def count_period(
    connection: Connection,
    endpoint: UUID,
    since: datetime,
    until: datetime,
    types: Sequence[str],
    only_failed: bool,
    most: int,
) -> int:
    """How many messages a replay of a period would send, counted up to `most`."""
    found: int = await connection.fetchval(
        _COUNT_PERIOD, endpoint, since, until, list(types), only_failed, most
    )
    return found


async def period_again(
    connection: Connection,
    endpoint: UUID,
    since: datetime,
    until: datetime,
    types: Sequence[str],
    only_failed: bool,
    now: datetime,
) -> int:
    """Send the messages of a period (again); how many."""
    status = await connection.execute(
        _PERIOD_AGAIN, endpoint, since, until, list(types), only_failed, now
    )
    return int(status.rpartition(" ")[2])


async def forget(connection: Connection, members: Sequence[UUID]) -> None:
    """Take the LINE user ids of these members out of what is still kept."""
    await connection.execute(_FORGET, list(members))
