"""All SQL of the scheduler. Rows are locked in the order of their keys; nobody here commits."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from shared.bus.handling import Connection

_SCHEDULES = """
SELECT name, cron, coalesce(time_zone, (SELECT time_zone FROM program), $1) AS time_zone,
    catch_up, checked_until
FROM schedules ORDER BY name
"""
_BEGIN = "UPDATE schedules SET checked_until = $1 WHERE checked_until IS NULL"
_LOCK = "SELECT 1 FROM schedules ORDER BY name FOR UPDATE"
_ADVANCE = "UPDATE schedules SET checked_until = $2 WHERE name = $1"
_TICK = """
INSERT INTO ticks (schedule, due_at, fired_at) SELECT $1, due_at, $3 FROM unnest($2::timestamptz[])
AS due_at ORDER BY due_at ON CONFLICT (schedule, due_at) DO NOTHING RETURNING due_at
"""
_ZONE = "SELECT coalesce((SELECT time_zone FROM program), $1)"
_PUBLISH = """
INSERT INTO program (version, effective_from, time_zone) VALUES ($1, $2, $3)
ON CONFLICT (only_row) DO UPDATE SET version = $1, effective_from = $2, time_zone = $3
WHERE (program.effective_from, program.version) < ($2, $1)
"""
_SKIP = """
UPDATE schedules SET checked_until = $1 WHERE time_zone IS NULL AND checked_until < $1
"""
_HEAR = """
INSERT INTO latest_words (key, said_at)
SELECT key, said_at FROM unnest($1::text[], $2::timestamptz[]) AS w (key, said_at) ORDER BY key
ON CONFLICT (key) DO UPDATE SET said_at = excluded.said_at
WHERE latest_words.said_at <= excluded.said_at
RETURNING key
"""
_PUT = """
INSERT INTO items (key, due_at, event_type, data, request_id, subject, correlation_id, traceparent)
SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::bytea[], $5::uuid[],
    $6::text[], $7::text[], $8::text[])
AS i (key, due_at, event_type, data, request_id, subject, correlation_id, traceparent)
ORDER BY key
ON CONFLICT (key) DO UPDATE SET due_at = excluded.due_at, event_type = excluded.event_type,
    data = excluded.data, request_id = excluded.request_id, subject = excluded.subject,
    correlation_id = excluded.correlation_id, traceparent = excluded.traceparent
"""
_REMOVE = """
DELETE FROM items USING (
    SELECT key FROM items WHERE key = ANY($1::text[]) ORDER BY key FOR UPDATE
) AS cancelled WHERE items.key = cancelled.key
"""
_CLAIM = """
DELETE FROM items USING (
    SELECT key FROM items WHERE due_at <= $1 ORDER BY due_at, key LIMIT $2 FOR UPDATE SKIP LOCKED
) AS due WHERE items.key = due.key
RETURNING items.key, due_at, event_type, data, request_id, subject, correlation_id, traceparent
"""
_NEXT_ITEM = "SELECT min(due_at) FROM items"
PRUNE_WORDS = """
DELETE FROM latest_words WHERE key IN (
    SELECT key FROM latest_words WHERE said_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""
PRUNE_TICKS = """
DELETE FROM ticks WHERE (schedule, due_at) IN (
    SELECT schedule, due_at FROM ticks WHERE fired_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


class Schedule(msgspec.Struct, frozen=True):
    """A recurring schedule, with the zone that it is read in now."""

    name: str
    cron: str
    time_zone: str
    catch_up: int
    checked_until: datetime | None


class Item(msgspec.Struct, frozen=True):
    """An event to publish at `due_at`. `data` is its JSON, `request_id` the event that asked."""

    key: str
    due_at: datetime
    event_type: str
    data: bytes
    request_id: UUID
    subject: str | None
    correlation_id: str | None
    traceparent: str | None


async def schedules(connection: Connection, default_zone: str) -> list[Schedule]:
    """All schedules as they are; `default_zone` holds until a program was published."""
    return [Schedule(**row) for row in await connection.fetch(_SCHEDULES, default_zone)]


async def lock_schedules(
    connection: Connection, default_zone: str, now: datetime
) -> list[Schedule]:
    """The same, for this transaction alone to fire. One never looked at begins `now`."""
    await connection.execute(_LOCK)
    await connection.execute(_BEGIN, now)
    return await schedules(connection, default_zone)


async def record_ticks(
    connection: Connection, schedule: str, due: Sequence[datetime], now: datetime
) -> list[datetime]:
    """Record that these moments fire; returns those that had not fired before, oldest first."""
    rows = await connection.fetch(_TICK, schedule, list(due), now)
    return sorted(row["due_at"] for row in rows)


async def advance(connection: Connection, schedule: str, until: datetime) -> None:
    """Note that moments up to `until` are done with, under the lock and later than before."""
    await connection.execute(_ADVANCE, schedule, until)


async def program_zone(connection: Connection, default_zone: str) -> str:
    """The program's time zone."""
    zone: str = await connection.fetchval(_ZONE, default_zone)
    return zone


async def publish_program(
    connection: Connection, version: int, effective_from: datetime, time_zone: str
) -> None:
    """Keep the zone of the version that started last (a higher number may have started before);
    what is heard late of an earlier one changes nothing."""
    await connection.execute(_PUBLISH, version, effective_from, time_zone)


async def skip_to(connection: Connection, now: datetime) -> None:
    """Pass over, in schedules that follow the program's zone, what came due before `now`."""
    await connection.execute(_SKIP, now)


async def hear(
    connection: Connection, keys: Sequence[str], said_at: Sequence[datetime]
) -> set[str]:
    """Note when something was said about each key (each once); returns the keys it is news for."""
    rows = await connection.fetch(_HEAR, list(keys), list(said_at))
    return {row["key"] for row in rows}


async def put_items(connection: Connection, items: Sequence[Item]) -> None:
    """Register items (each key once); one with the same key that has not fired is replaced."""
    await connection.execute(
        _PUT,
        [item.key for item in items],
        [item.due_at for item in items],
        [item.event_type for item in items],
        [item.data for item in items],
        [item.request_id for item in items],
        [item.subject for item in items],
        [item.correlation_id for item in items],
        [item.traceparent for item in items],
    )


async def remove_items(connection: Connection, keys: Sequence[str]) -> None:
    """Forget items that have not fired."""
    await connection.execute(_REMOVE, list(keys))


async def claim_items(connection: Connection, now: datetime, limit: int) -> list[Item]:
    """Take up to `limit` due items out, oldest first, leaving those that others are taking."""
    rows = await connection.fetch(_CLAIM, now, limit)
    return sorted((Item(**row) for row in rows), key=lambda item: (item.due_at, item.key))


async def next_item(connection: Connection) -> datetime | None:
    """When the next item comes due."""
    due: datetime | None = await connection.fetchval(_NEXT_ITEM)
    return due
