"""Deliveries that the quota holds back or has dropped, and those on their way. Nothing commits."""

from datetime import datetime
from typing import Any, NamedTuple

import asyncpg

from shared.bus.handling import Connection

_HELD = """
SELECT category, min(due_at) AS due_at, count(*) AS messages FROM deliveries
WHERE status = 'held' AND due_at > $1 GROUP BY category ORDER BY category
"""
_DROPPED = """
SELECT category, count(*) AS messages FROM deliveries
WHERE status = 'dropped' AND finished_at >= $1 AND finished_at < $2
GROUP BY category ORDER BY category
"""
_WAITING = """
SELECT count(*) FROM deliveries
WHERE category = $1 AND priority = $2 AND due_at IS NOT NULL AND due_at < $3
"""
_RELEASE = """
UPDATE deliveries AS d SET due_at = $2
FROM (
    SELECT line_user_id, event_id FROM deliveries WHERE status = 'held' AND due_at > $2
    ORDER BY priority, due_at, created_at LIMIT $1 FOR UPDATE SKIP LOCKED
) AS held
WHERE d.line_user_id = held.line_user_id AND d.event_id = held.event_id
"""


class Held(NamedTuple):
    """So many messages of a category are held until then, or a little later."""

    category: str
    until: datetime
    messages: int


async def held(connection: "Connection | asyncpg.Pool[Any]", after: datetime) -> list[Held]:
    """What is held for longer than until `after`."""
    rows = await connection.fetch(_HELD, after)
    return [Held(row["category"], row["due_at"], row["messages"]) for row in rows]


async def dropped(
    connection: "Connection | asyncpg.Pool[Any]", start: datetime, end: datetime
) -> dict[str, int]:
    """What was dropped in a time, by category."""
    rows = await connection.fetch(_DROPPED, start, end)
    return {row["category"]: row["messages"] for row in rows}


async def waiting(connection: Connection, category: str, priority: int, before: datetime) -> int:
    """How many of a category are on their way and due before then."""
    count: int = await connection.fetchval(_WAITING, category, priority, before)
    return count


async def release(
    connection: "Connection | asyncpg.Pool[Any]", at: datetime, limit: int | None = None
) -> int:
    """Make what is held due at `at`, the urgent and the oldest first; how many."""
    status = await connection.execute(_RELEASE, limit, at)
    return int(status.rpartition(" ")[2])
