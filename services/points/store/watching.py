"""What is watched: how long nightly work has been going on, and who has new entries to check."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from shared.bus.handling import Connection

_WORK = """
SELECT
    (SELECT min(started_at) FROM rank_runs WHERE finished_at IS NULL) AS ranking_since,
    (SELECT min(asked_at) FROM nights WHERE finished_at IS NULL) AS night_since,
    (SELECT max(asked_at) FROM nights) AS last_night,
    coalesce((SELECT max(finished_at) FROM ledger_checks),
        (SELECT min(asked_at) FROM ledger_checks)) AS unchecked_since,
    (SELECT count(*) FROM (SELECT FROM waiting_purchases LIMIT 10000) AS rows) AS waiting
"""
_MOVED = """
SELECT DISTINCT member_id FROM entries
WHERE recorded_at > $1 AND recorded_at <= $2 AND unit = 'point' LIMIT $3
"""


class Work(msgspec.Struct, frozen=True):
    """Since when the oldest unfinished run of ranks and the oldest unfinished night are asked for
    (None: there is none), when the last night was, since when the whole ledger is not checked (when
    that was last done; before the first time, when it was asked for), and how many purchases wait
    for their member."""

    ranking_since: datetime | None
    night_since: datetime | None
    last_night: datetime | None
    unchecked_since: datetime | None
    waiting: int


async def work(connection: Any) -> Work:
    """How it stands. `connection` may be a pool."""
    return Work(**await connection.fetchrow(_WORK))


async def moved(
    connection: Connection, after: datetime, until: datetime, limit: int
) -> Sequence[UUID]:
    """Up to `limit` members with entries recorded after one moment and until another."""
    rows = await connection.fetch(_MOVED, after, until, limit)
    return [row["member_id"] for row in rows]
