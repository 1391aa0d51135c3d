"""Nights: how far each has come, and which members have something due."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from shared.bus.handling import Connection

_START = """
INSERT INTO nights (id, asked_at, step, after_at, after_member, activated, expired, warned,
                    finished_at)
SELECT $1, $2, $3, $4, $5, 0, 0, 0, CASE WHEN EXISTS (
    SELECT FROM nights WHERE finished_at IS NULL AND began_at IS NULL) THEN $2::timestamptz END
ON CONFLICT (id) DO NOTHING
"""
_NEXT = """
SELECT id, step, began_at, after_at, after_member, activated, expired, warned FROM nights
WHERE id = (SELECT id FROM nights WHERE finished_at IS NULL ORDER BY asked_at, id LIMIT 1)
    AND finished_at IS NULL FOR UPDATE SKIP LOCKED
"""
_ADVANCE = """
UPDATE nights SET step = $2, began_at = $3, after_at = $4, after_member = $5, activated = $6,
    expired = $7, warned = $8, finished_at = $9
WHERE id = $1
"""
_WAITING = """
SELECT active_at, member_id FROM lots
WHERE pending AND remaining > 0 AND unit = 'point' AND active_at <= $1
    AND (active_at, member_id) > ($2, $3)
ORDER BY active_at, member_id LIMIT $4
"""
_EXPIRED = """
SELECT expires_at, member_id FROM lots
WHERE remaining > 0 AND expires_at IS NOT NULL AND remaining > held AND unit = 'point'
    AND expires_at <= $1 AND (expires_at, member_id) > ($2, $3)
ORDER BY expires_at, member_id LIMIT $4
"""
SLIDES_TO = """
((((greatest(a.last_activity_at, l.opened_at) AT TIME ZONE $1)::date
    + make_interval(months => l.sliding_months))::date + 1)::timestamp AT TIME ZONE $1)
"""
"""As `lots.lasts_until`. Where a midnight comes twice, this means the second one."""

_SLID = f"""
SELECT a.member_id FROM accounts a
WHERE a.unit = 'point' AND a.member_id > $2
    AND (a.last_activity_at IS NULL OR a.last_activity_at <= $3)
    AND EXISTS (
        SELECT FROM lots l WHERE l.member_id = a.member_id AND l.unit = 'point'
            AND l.remaining > l.held AND l.remaining > 0 AND l.sliding_months IS NOT NULL
            AND {SLIDES_TO} <= $4)
ORDER BY a.member_id LIMIT $5
"""
PRUNE = """
DELETE FROM nights WHERE id IN (
    SELECT id FROM nights WHERE finished_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


class Cursor(msgspec.Struct, frozen=True):
    """How far a step has come: through what is due at `at` (steps by member only: not used) and
    the members up to `member`."""

    at: datetime
    member: UUID


START = Cursor(datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0))


class Night(msgspec.Struct, frozen=True):
    """An unfinished night. `began_at` None: nothing of it is done yet. The rest counts members
    whose points became active or expired, and warnings."""

    id: UUID
    step: str
    began_at: datetime | None
    after: Cursor
    activated: int = 0
    expired: int = 0
    warned: int = 0


async def start(connection: Connection, id: UUID, step: str, now: datetime) -> None:
    """Note a night with its first step; the same id starts once. One that has not begun yet will
    do all that this one would: then this one is finished."""
    await connection.execute(_START, id, now, step, START.at, START.member)


async def next_page(connection: Connection) -> Night | None:
    """The oldest unfinished night, locked; None while somebody else works on it."""
    row = await connection.fetchrow(_NEXT)
    if row is None:
        return None
    id, step, began_at, after_at, after_member, *counts = row
    return Night(id, step, began_at, Cursor(after_at, after_member), *counts)


async def advance(connection: Connection, night: Night, finished_at: datetime | None) -> None:
    """Note how far the night has come."""
    await connection.execute(
        _ADVANCE,
        night.id,
        night.step,
        night.began_at,
        night.after.at,
        night.after.member,
        night.activated,
        night.expired,
        night.warned,
        finished_at,
    )


async def waiting(
    connection: Connection, until: datetime, after: Cursor, limit: int
) -> list[Cursor]:
    """Whose points were to become active by `until`: when, and who; a member may come twice."""
    rows = await connection.fetch(_WAITING, until, after.at, after.member, limit)
    return [Cursor(*row) for row in rows]


async def expired(
    connection: Connection, until: datetime, after: Cursor, limit: int
) -> list[Cursor]:
    """Whose points expired by `until`, at a moment fixed when they were earned: when, and who."""
    rows = await connection.fetch(_EXPIRED, until, after.at, after.member, limit)
    return [Cursor(*row) for row in rows]


async def slid(
    connection: Connection,
    zone: str,
    until: datetime,
    after: Cursor,
    inactive_since: datetime,
    limit: int,
) -> Sequence[Cursor]:
    """Whose sliding points expired by `until`, among those not active after `inactive_since`."""
    rows = await connection.fetch(_SLID, zone, after.member, inactive_since, until, limit)
    return [Cursor(until, row["member_id"]) for row in rows]
