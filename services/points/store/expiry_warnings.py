"""Warnings that points expire: which are due, and which have been given."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.points.store.nights import SLIDES_TO, Cursor
from shared.bus.handling import Connection

_MARK = """
, marked AS (
    INSERT INTO expiry_warnings AS w (member_id, expires_at, days, points, told)
    SELECT due.member_id, due.expires_at, (
            SELECT min(days) FROM unnest($1::integer[], $2::timestamptz[]) AS t (days, horizon)
            WHERE due.expires_at <= t.horizon), due.points, false
    FROM due ORDER BY due.member_id, due.expires_at
    ON CONFLICT (member_id, expires_at) DO UPDATE
    SET days = excluded.days, points = excluded.points, told = false
    WHERE w.days > excluded.days
    RETURNING 1
)
"""
_FIXED = f"""
WITH due AS (
    SELECT expires_at, member_id, sum(remaining - held)::bigint AS points FROM lots
    WHERE remaining > 0 AND expires_at IS NOT NULL AND NOT pending AND unit = 'point'
        AND expires_at <= $3 AND (expires_at, member_id) > ($4, $5)
    GROUP BY expires_at, member_id HAVING sum(remaining - held) > 0
    ORDER BY expires_at, member_id LIMIT $6
) {_MARK}
SELECT expires_at, member_id, (SELECT count(*) FROM due), (SELECT count(*) FROM marked)
FROM due ORDER BY expires_at DESC, member_id DESC LIMIT 1
"""
_OPEN = """l.member_id = a.member_id AND l.unit = 'point' AND l.remaining > l.held
            AND l.remaining > 0 AND l.sliding_months IS NOT NULL AND NOT l.pending"""
_SLIDING = f"""
WITH page AS (
    SELECT a.member_id, a.last_activity_at FROM accounts a
    WHERE a.unit = 'point' AND a.member_id > $7
        AND (a.last_activity_at IS NULL OR a.last_activity_at <= $5)
        AND EXISTS (SELECT FROM lots l WHERE {_OPEN} AND {SLIDES_TO.replace("$1", "$6")} <= $3)
    ORDER BY a.member_id LIMIT $8
), due AS (
    SELECT a.member_id, {SLIDES_TO.replace("$1", "$6")} AS expires_at,
        sum(l.remaining - l.held)::bigint AS points
    FROM page a JOIN lots l ON {_OPEN}
    WHERE {SLIDES_TO.replace("$1", "$6")} > $4 AND {SLIDES_TO.replace("$1", "$6")} <= $3
    GROUP BY 1, 2
) {_MARK}
SELECT $4::timestamptz, member_id, (SELECT count(*) FROM page), (SELECT count(*) FROM marked)
FROM page ORDER BY member_id DESC LIMIT 1
"""
_TELL = """
UPDATE expiry_warnings w SET told = true
FROM (
    SELECT member_id, expires_at FROM expiry_warnings
    WHERE NOT told AND member_id IN (
        SELECT DISTINCT member_id FROM expiry_warnings WHERE NOT told AND member_id > $1
        ORDER BY member_id LIMIT $2)
    ORDER BY member_id, expires_at FOR UPDATE
) AS untold
WHERE w.member_id = untold.member_id AND w.expires_at = untold.expires_at AND NOT w.told
RETURNING w.member_id, w.expires_at, w.points
"""
PRUNE = """
DELETE FROM expiry_warnings WHERE (member_id, expires_at) IN (
    SELECT member_id, expires_at FROM expiry_warnings WHERE expires_at < $1
    LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


class Thresholds(msgspec.Struct, frozen=True):
    """How many days ahead members are warned, and the last moment of expiry that each covers."""

    days: list[int]
    horizons: list[datetime]

    @property
    def last(self) -> datetime:
        """The latest moment of expiry that anybody is warned of."""
        return max(self.horizons)


class Page(msgspec.Struct, frozen=True):
    """What a page found: how far it came, what it looked at, and how many warnings are new."""

    after: Cursor
    seen: int
    new: int


class Untold(msgspec.Struct, frozen=True):
    """A warning to be told."""

    member_id: UUID
    expires_at: datetime
    points: int


async def mark_fixed(
    connection: Connection, thresholds: Thresholds, after: Cursor, limit: int
) -> Page | None:
    """Note the next warnings of points with a fixed expiry; None when there are no more dates."""
    row = await connection.fetchrow(
        _FIXED,
        thresholds.days,
        thresholds.horizons,
        thresholds.last,
        after.at,
        after.member,
        limit,
    )
    return _page(row)


async def mark_sliding(
    connection: Connection,
    thresholds: Thresholds,
    now: datetime,
    zone: str,
    after: Cursor,
    inactive_since: datetime,
    limit: int,
) -> Page | None:
    """The same for sliding points of members not active after `inactive_since`."""
    row = await connection.fetchrow(
        _SLIDING,
        thresholds.days,
        thresholds.horizons,
        thresholds.last,
        now,
        inactive_since,
        zone,
        after.member,
        limit,
    )
    return _page(row)


async def take_untold(connection: Connection, after: UUID, members: int) -> Sequence[Untold]:
    """The warnings of the next members that were not told yet, told from now on."""
    rows = await connection.fetch(_TELL, after, members)
    return sorted(
        (Untold(*row) for row in rows), key=lambda each: (each.member_id, each.expires_at)
    )


def _page(row: Any) -> Page | None:
    return Page(Cursor(row[0], row[1]), row[2], row[3]) if row else None
