"""Deliveries in PostgreSQL: told once, recorded in sets. How they are taken stands in `claims`.

Owns the SQL of `deliveries`. It commits nothing that it was given a connection for.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from services.notify.sending.deliveries import Delivery, Record
from shared.bus.handling import Connection

_INSERT = """
INSERT INTO deliveries (
    line_user_id, event_id, id, kind, category, priority, template_version, language, broadcast_id,
    unit, status, messages, tries, due_at, unknown_since, gathering, reply_token, reply_until,
    reason, created_at, finished_at, traceparents
)
SELECT r.line_user_id, r.event_id, r.id, r.kind, r.category, r.priority, r.template_version,
    r.language, r.broadcast_id, r.unit,
    CASE WHEN r.skipped IS NULL THEN 'waiting' ELSE 'skipped' END, r.messages, 0,
    CASE WHEN r.skipped IS NULL THEN $2::timestamptz END,
    CASE WHEN r.skipped IS NULL THEN $3::timestamptz END, r.skipped IS NULL AND $18::boolean,
    r.reply_token, r.reply_until, r.skipped, $1::timestamptz,
    CASE WHEN r.skipped IS NOT NULL THEN $1::timestamptz END,
    CASE WHEN r.skipped IS NULL THEN r.traceparents END
FROM unnest(
    $4::text[], $5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::smallint[], $10::integer[],
    $11::text[], $12::uuid[], $13::text[], $14::text[], $15::text[], $16::timestamptz[],
    $17::text[], $19::text[]
) AS r (
    line_user_id, event_id, id, kind, category, priority, template_version, language, broadcast_id,
    unit, messages, reply_token, reply_until, skipped, traceparents
)
ORDER BY r.line_user_id, r.event_id
ON CONFLICT DO NOTHING
RETURNING id
"""

_RECORD = """
UPDATE deliveries AS d
SET status = r.status, due_at = r.due_at, tries = r.tries, unknown_since = r.unknown_since,
    reply_token = CASE WHEN r.keep_token THEN d.reply_token END,
    reply_tried_at = r.reply_tried_at, via = r.via, reason = r.reason, request_id = r.request_id,
    finished_at = r.finished_at
FROM json_to_recordset($1::json) AS r (
    line_user_id text, event_id uuid, status text, due_at timestamptz, tries integer,
    unknown_since timestamptz, reply_tried_at timestamptz, keep_token boolean, via text,
    reason text, request_id text, finished_at timestamptz
)
WHERE d.line_user_id = r.line_user_id AND d.event_id = r.event_id
    AND d.status IN ('waiting', 'held')
"""

OPEN = "status IN ('waiting', 'held') AND multicast_id IS NULL"
"""What `due_at IS NOT NULL` means. Said so, what is open is found by somebody's key: by `due_at`
the planner would look through all of it, since most of the time it is next to nothing."""

_SKIP_BLOCKED = f"""
UPDATE deliveries SET status = 'skipped', due_at = NULL, reason = 'blocked', finished_at = $2
WHERE line_user_id = ANY($1::text[]) AND {OPEN}
    AND unknown_since IS NULL AND reply_tried_at IS NULL
"""

_RELEASE_HELD = "UPDATE deliveries SET due_at = $1 WHERE status = 'held' AND due_at > $1"

_LOG = """
SELECT id, event_id, line_user_id, kind, status, via, tries, reason, request_id, created_at,
    due_at, finished_at
FROM deliveries
"""

PRUNE = """
DELETE FROM deliveries WHERE (line_user_id, event_id) IN (
    SELECT line_user_id, event_id FROM deliveries WHERE created_at < $1 AND due_at IS NULL
    LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""

_encode = msgspec.json.Encoder().encode


async def insert(
    connection: Connection,
    deliveries: Sequence[Delivery],
    skipped: Sequence[str | None],
    *,
    now: datetime,
    due_at: datetime,
    taken: bool,
    gathering: bool = False,
) -> set[UUID]:
    """Store new deliveries; the ids of those that were not there yet.

    `skipped` holds, for each, why it is not sent, or None. `taken` says that this process sends
    them itself, so that `due_at` is the end of its lease and they may go out from now on;
    `gathering` that `due_at` is the end of a window, and they may go out earlier with others.
    """
    rows = await connection.fetch(
        _INSERT,
        now,
        due_at,
        now if taken else None,
        [each.line_user_id for each in deliveries],
        [each.event_id for each in deliveries],
        [each.id for each in deliveries],
        [each.kind for each in deliveries],
        [each.category for each in deliveries],
        [each.priority for each in deliveries],
        [each.template_version for each in deliveries],
        [each.language for each in deliveries],
        [each.broadcast_id for each in deliveries],
        [each.unit for each in deliveries],
        [each.messages for each in deliveries],
        [each.reply_token for each in deliveries],
        [each.reply_until for each in deliveries],
        skipped,
        gathering,
        [each.traceparents for each in deliveries],
    )
    return {row[0] for row in rows}


async def record(pool: "asyncpg.Pool[Any]", records: Sequence[Record]) -> None:
    """Write down what became of deliveries; what is over already stays as it is."""
    await pool.execute(_RECORD, _encode(records).decode())


async def skip_blocked(connection: Connection, line_user_ids: list[str], now: datetime) -> None:
    """Give up what these users were still to get and surely has not been sent."""
    await connection.execute(_SKIP_BLOCKED, line_user_ids, now)


async def release_held(connection: Connection, now: datetime) -> int:
    """Make everything held for the month due now (the plan was changed); how many."""
    status = await connection.execute(_RELEASE_HELD, now)
    return int(status.rpartition(" ")[2])


async def deliveries_of_event(connection: Connection, event_id: UUID) -> list[asyncpg.Record]:
    """What was said because of an event, with state and reason."""
    return await connection.fetch(_LOG + "WHERE event_id = $1 ORDER BY created_at", event_id)


async def deliveries_of_member(
    connection: Connection, member_id: UUID, limit: int = 100
) -> list[asyncpg.Record]:
    """What was said to a member, newest first, with state and reason."""
    query = (
        _LOG
        + """WHERE line_user_id IN (SELECT line_user_id FROM recipients WHERE member_id = $1)
        ORDER BY created_at DESC, event_id DESC LIMIT $2"""
    )
    return await connection.fetch(query, member_id, limit)
