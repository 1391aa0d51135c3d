"""Deliveries that the quota holds back or has dropped, and those on their way. Nothing commits."""

from datetime import datetime
from typing import Any, NamedTuple

import asyncpg

from services.notify.categories import CAMPAIGN
from shared.bus.handling import Connection

_HELD = """
SELECT category, min(due_at) AS due_at, sum(messages) AS messages FROM (
    SELECT category, due_at, 1 AS messages FROM deliveries WHERE status = 'held' AND due_at > $1
    UNION ALL
    SELECT 'campaign', due_at, recipients FROM multicasts WHERE status = 'held' AND due_at > $1
) AS kept GROUP BY category ORDER BY category
"""
_DROPPED = """
SELECT category, count(*) AS messages FROM deliveries
WHERE status = 'dropped' AND finished_at >= $1 AND finished_at < $2
GROUP BY category ORDER BY category
"""
_WAITING = """
SELECT
    (SELECT count(*) FROM deliveries WHERE priority = $1 AND due_at < $2)
    + (SELECT coalesce(sum(recipients), 0) FROM multicasts WHERE due_at < $2)
"""
_RELEASE = """
UPDATE deliveries AS d SET due_at = $2
FROM (
    SELECT line_user_id, event_id FROM deliveries WHERE status = 'held' AND due_at > $2
    ORDER BY priority, due_at, created_at LIMIT $1 FOR UPDATE SKIP LOCKED
) AS held
WHERE d.line_user_id = held.line_user_id AND d.event_id = held.event_id
"""
_RELEASE_MULTICASTS = """
WITH released AS (
    UPDATE multicasts SET due_at = $1 WHERE status = 'held' AND due_at > $1 RETURNING recipients
)
SELECT coalesce(sum(recipients), 0)::integer FROM released
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


async def waiting(connection: Connection, before: datetime) -> int:
    """How many of broadcasts are on their way and due before then."""
    count: int = await connection.fetchval(_WAITING, CAMPAIGN, before)
    return count


async def release(connection: Connection, at: datetime, limit: int | None = None) -> int:
    """Make what is held due at `at`, the urgent and the oldest first (about `limit`: calls to many
    are not divided); how many."""
    status = await connection.execute(_RELEASE, limit, at)
    count = int(status.rpartition(" ")[2])
    if limit is None or count < limit:
        count += await connection.fetchval(_RELEASE_MULTICASTS, at)
    return count
