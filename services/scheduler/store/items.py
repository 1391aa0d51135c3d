"""Single events that other services registered, and what was last said about each key. Rows are
locked in the order of their keys; nobody here commits."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from shared.bus.handling import Connection

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
    correlation_id = excluded.correlation_id, traceparent = excluded.traceparent, held_at = NULL
"""
_REMOVE = """
DELETE FROM items USING (
    SELECT key FROM items WHERE key = ANY($1::text[]) ORDER BY key FOR UPDATE
) AS cancelled WHERE items.key = cancelled.key
"""
_CLAIM = """
DELETE FROM items USING (
    SELECT key FROM items WHERE due_at <= $1 AND held_at IS NULL
    ORDER BY due_at, key LIMIT $2 FOR UPDATE SKIP LOCKED
) AS due WHERE items.key = due.key
RETURNING items.key, due_at, event_type, data, request_id, subject, correlation_id, traceparent
"""
_NEXT_ITEM = "SELECT min(due_at) FROM items WHERE held_at IS NULL"
_NOTE = """
INSERT INTO hand_overs AS known (event_type, hour, items, worst_lag_ms, last_at)
SELECT event_type, date_trunc('hour', $3::timestamptz, 'UTC'), items, lag_ms, $3
FROM unnest($1::text[], $2::bigint[], $4::bigint[]) AS h (event_type, items, lag_ms)
ORDER BY event_type
ON CONFLICT (event_type, hour) DO UPDATE SET items = known.items + excluded.items,
    worst_lag_ms = greatest(known.worst_lag_ms, excluded.worst_lag_ms),
    last_at = greatest(known.last_at, excluded.last_at)
"""
_SHOWN = "key, due_at, event_type, request_id, subject, held_at"
_WAITING = f"""
SELECT {_SHOWN} FROM items
WHERE (due_at, key) > ($1, $2) AND ($3::text IS NULL OR event_type = $3)
    AND ($4::text IS NULL OR subject = $4)
ORDER BY due_at, key LIMIT $5
"""
_ONE = f"SELECT {_SHOWN} FROM items WHERE key = $1"
_COUNTS = """
SELECT event_type, count(*) AS waiting, count(*) FILTER (WHERE held_at IS NOT NULL) AS held,
    count(*) FILTER (WHERE due_at <= $1 AND held_at IS NULL) AS due,
    min(due_at) FILTER (WHERE held_at IS NULL) AS next_at
FROM items GROUP BY event_type ORDER BY event_type
"""
_HAND_OVERS = """
SELECT event_type, sum(items)::bigint AS items, max(worst_lag_ms) AS worst_lag_ms,
    max(last_at) AS last_at
FROM hand_overs WHERE hour >= $1 GROUP BY event_type ORDER BY event_type
"""
_HOLD = "UPDATE items SET held_at = $2 WHERE key = $1 AND held_at IS NULL RETURNING key"
_LET_GO = "UPDATE items SET held_at = NULL WHERE key = $1 AND held_at IS NOT NULL RETURNING key"
_BRING_FORWARD = """
UPDATE items SET due_at = least(due_at, $2), held_at = NULL WHERE key = $1 RETURNING key
"""
_CANCEL = "DELETE FROM items WHERE key = $1 RETURNING key"
PRUNE_HAND_OVERS = """
DELETE FROM hand_overs WHERE (event_type, hour) IN (
    SELECT event_type, hour FROM hand_overs WHERE hour < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""
PRUNE_WORDS = """
DELETE FROM latest_words WHERE key IN (
    SELECT key FROM latest_words WHERE said_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


class Waiting(msgspec.Struct, frozen=True):
    """An item as shown: whom it concerns and when, not what it says."""

    key: str
    due_at: datetime
    event_type: str
    request_id: UUID
    subject: str | None
    held_at: datetime | None


class Count(msgspec.Struct, frozen=True):
    """How many items of a type wait, how many of them are held or due, and when the next is."""

    event_type: str
    waiting: int
    held: int
    due: int
    next_at: datetime | None


class HandedOver(msgspec.Struct, frozen=True):
    """How many items of a type were handed over, and how late the latest was (milliseconds)."""

    event_type: str
    items: int
    worst_lag_ms: int
    last_at: datetime


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


async def note_hand_over(connection: Connection, taken: Sequence[Item], now: datetime) -> None:
    """Count items that are being handed over, and how late they are."""
    lags: dict[str, list[int]] = {}
    for item in taken:
        lag = max(0, round((now - item.due_at).total_seconds() * 1000))
        lags.setdefault(item.event_type, []).append(lag)
    counts = [len(each) for each in lags.values()]
    worst = [max(each) for each in lags.values()]
    await connection.execute(_NOTE, list(lags), counts, now, worst)


async def waiting(
    connection: Connection,
    after: tuple[datetime, str],
    limit: int,
    *,
    event_type: str | None = None,
    subject: str | None = None,
) -> list[Waiting]:
    """Items that wait, the soonest first, beyond a place in that order."""
    rows = await connection.fetch(_WAITING, *after, event_type, subject, limit)
    return [Waiting(**row) for row in rows]


async def one(connection: Connection, key: str) -> Waiting | None:
    """The item with this key, if it still waits."""
    row = await connection.fetchrow(_ONE, key)
    return Waiting(**row) if row else None


async def counts(connection: Connection, now: datetime) -> list[Count]:
    """How many wait, by type."""
    return [Count(**row) for row in await connection.fetch(_COUNTS, now)]


async def handed_over(connection: Connection, since: datetime) -> list[HandedOver]:
    """What was handed over since a moment (to the hour), by type."""
    return [HandedOver(**row) for row in await connection.fetch(_HAND_OVERS, since)]


async def hold(connection: Connection, key: str, now: datetime) -> bool:
    """Keep an item from being handed over; false if there is none, or it is held already."""
    return await connection.fetchval(_HOLD, key, now) is not None


async def let_go(connection: Connection, key: str) -> bool:
    """Let an item go at its time (at once, if that is past); false if it is not held."""
    return await connection.fetchval(_LET_GO, key) is not None


async def bring_forward(connection: Connection, key: str, now: datetime) -> bool:
    """Make an item due now; false if there is none any more."""
    return await connection.fetchval(_BRING_FORWARD, key, now) is not None


async def cancel(connection: Connection, key: str) -> bool:
    """Forget an item; false if there is none any more."""
    return await connection.fetchval(_CANCEL, key) is not None
