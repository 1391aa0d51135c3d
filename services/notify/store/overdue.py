"""Since when what could go out has been waiting. Owns that one look at `deliveries`."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

_SOON = timedelta(minutes=5)
"""The longest that a message which LINE did not take rests between two tries."""

_FIRST = 1000

# What LINE did not take waits since it was stored, what a process has in hand since it was taken,
# anything else since it was due. What is due next stands first, so a few of it tell of all.
_SINCE = """
SELECT level AS priority, (
    SELECT min(CASE WHEN tries > 0 THEN created_at ELSE coalesce(unknown_since, due_at) END) FROM (
        SELECT created_at, due_at, tries, unknown_since FROM deliveries
        WHERE priority = level AND due_at <= $2 AND status = 'waiting'
            AND (due_at <= $1 OR tries > 0 OR unknown_since IS NOT NULL)
        ORDER BY due_at LIMIT $3
    ) AS first
) AS since
FROM unnest($4::smallint[]) AS level
"""


async def waiting_since(
    pool: Any, now: datetime, priorities: Sequence[int]
) -> dict[int, datetime | None]:
    """By priority: since when the oldest delivery waits that is neither held nor for later."""
    rows = await pool.fetch(_SINCE, now, now + _SOON, _FIRST, list(priorities))
    return {row["priority"]: row["since"] for row in rows}
