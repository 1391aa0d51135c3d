"""What might need somebody's attention, counted; each is a look at an index or at few rows."""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from shared.bus.handling import Connection

UNUSED = timedelta(days=90)
NEVER_USED = timedelta(days=7)
WAITING = timedelta(days=2)
HANGING = timedelta(minutes=15)
BEHIND = timedelta(hours=1)
NIGHT = timedelta(hours=3)
DAY = timedelta(hours=27)
RECENT = timedelta(days=14)
WEEK = timedelta(days=7)

_COUNTS = """
SELECT
    (SELECT count(*) FROM accounts WHERE debt > 0 AND unit = 'point') AS debtors,
    (SELECT coalesce(sum(debt), 0)::bigint FROM accounts
        WHERE debt > 0 AND unit = 'point') AS debt,
    (SELECT count(*) FROM waiting_purchases
        WHERE accepted_at < $1::timestamptz - $2::interval) AS waiting,
    (SELECT count(*) FROM redemptions
        WHERE status = 'authorised' AND expires_at < $1::timestamptz - $3::interval) AS hanging,
    (SELECT min(started_at) FROM rank_runs
        WHERE finished_at IS NULL AND started_at < $1::timestamptz - $4::interval) AS ranking_since,
    (SELECT min(asked_at) FROM nights
        WHERE finished_at IS NULL AND asked_at < $1::timestamptz - $5::interval) AS night_since,
    (SELECT max(asked_at) FROM nights) AS last_night,
    (SELECT count(*) FROM backtests
        WHERE status = 'failed'
            AND finished_at >= $1::timestamptz - $6::interval) AS failed_backtests,
    (SELECT count(*) FROM hook_endpoints
        WHERE status = 'paused' OR reason IN ('failing', 'gone')) AS hooks_off,
    (SELECT count(*) FROM hook_endpoints
        WHERE status = 'active'
            AND failing_since < $1::timestamptz - $4::interval) AS hooks_failing,
    (SELECT count(*) FROM staff
        WHERE role = 'owner' AND active AND totp_since IS NULL) AS open_owners,
    (SELECT coalesce(sum(purchases), 0)::bigint FROM hour_sales
        WHERE hour >= $1::timestamptz - $7::interval) AS week_purchases,
    (SELECT coalesce(sum(issued), 0)::bigint FROM hour_sales
        WHERE hour >= $1::timestamptz - $7::interval) AS week_issued,
    (SELECT count(*) FROM imports WHERE state IN ('failed', 'paused')
        AND changed_at >= $1::timestamptz - $6::interval) AS imports_stopped,
    (SELECT count(*) FROM imports i JOIN import_effects e ON e.import_id = i.id AND e.fate = 'bad'
        WHERE i.state = 'done'
            AND i.finished_at >= $1::timestamptz - $6::interval) AS import_rows_bad,
    EXISTS (SELECT FROM members WHERE line_user_id IS NOT NULL) AS linked,
    EXISTS (SELECT FROM purchases) AS purchases
"""
_BARE_STORES = """
SELECT name FROM stores s WHERE active AND NOT EXISTS (
    SELECT FROM terminals t WHERE t.active AND t.kind = 'pos' AND (t.store = s.code
        OR t.store IS NULL))
ORDER BY code LIMIT 20
"""
_IDLE_KEYS = """
SELECT t.name, t.last_used_at IS NULL AS never FROM terminals t,
    (SELECT applied_at FROM migrations WHERE name = 'stores_and_keys') AS noted
WHERE t.active AND coalesce(t.last_used_at, greatest(t.created_at, noted.applied_at))
    < $1::timestamptz - CASE WHEN t.last_used_at IS NULL THEN $3::interval ELSE $2::interval END
ORDER BY t.created_at LIMIT 20
"""
_PROGRAM = """
SELECT published_by FROM programs WHERE withdraws IS NULL ORDER BY version DESC LIMIT 1
"""


class Facts(msgspec.Struct, frozen=True):
    """What there is. Moments are None where nothing is late; `published_by` of the newest program,
    None without any."""

    debtors: int = 0
    debt: int = 0
    waiting: int = 0
    hanging: int = 0
    ranking_since: datetime | None = None
    night_since: datetime | None = None
    last_night: datetime | None = None
    failed_backtests: int = 0
    hooks_off: int = 0
    hooks_failing: int = 0
    open_owners: int = 0
    week_purchases: int = 0
    week_issued: int = 0
    imports_stopped: int = 0
    import_rows_bad: int = 0
    linked: bool = False
    purchases: bool = False
    bare_stores: tuple[str, ...] = ()
    never_used: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    published_by: str | None = None


async def facts(connection: Connection, now: datetime) -> Facts:
    """All of it, as of `now`."""
    counts: Any = await connection.fetchrow(
        _COUNTS, now, WAITING, HANGING, BEHIND, NIGHT, RECENT, WEEK
    )
    bare = await connection.fetch(_BARE_STORES)
    idle = await connection.fetch(_IDLE_KEYS, now, UNUSED, NEVER_USED)
    return Facts(
        **counts,
        bare_stores=tuple(row["name"] for row in bare),
        never_used=tuple(row["name"] for row in idle if row["never"]),
        unused=tuple(row["name"] for row in idle if not row["never"]),
        published_by=await connection.fetchval(_PROGRAM),
    )
