"""Ranks: what they rest on (metrics over a window) and what they are. Written by `ranks` alone."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from shared.bus.handling import Connection

_ADD = """
INSERT INTO ranks (member_id, code, since)
SELECT m.id, NULL, $2 FROM unnest($1::uuid[]) AS w (id) JOIN members m ON m.id = w.id ORDER BY m.id
ON CONFLICT (member_id) DO NOTHING
"""
_READ = """
SELECT r.member_id, r.code, r.since, r.keep_until, r.floor, m.line_user_id
FROM ranks r JOIN members m ON m.id = r.member_id
WHERE r.member_id = ANY($1::uuid[]) ORDER BY r.member_id FOR UPDATE OF r
"""
_LIFETIME = """
SELECT member_id, earned AS points_earned, amount_spent, visits FROM accounts
WHERE member_id = ANY($1::uuid[]) AND unit = 'point'
"""
_SINCE = """
SELECT m.id AS member_id,
    coalesce((SELECT sum(e.amount) FROM entries e WHERE e.member_id = m.id AND e.unit = 'point'
        AND e.kind IN ('earn', 'reverse') AND e.occurred_at >= $2), 0)::bigint AS points_earned,
    coalesce(p.amount_spent, 0)::bigint AS amount_spent,
    coalesce(p.visits, 0)::bigint AS visits
FROM unnest($1::uuid[]) AS m (id) LEFT JOIN LATERAL (
    SELECT sum(total) AS amount_spent, sum(visits) AS visits FROM purchases
    WHERE member_id = m.id AND occurred_at >= $2
) AS p ON true
"""
_WRITE = """
UPDATE ranks r SET code = n.code, since = n.since, keep_until = n.keep_until
FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::timestamptz[])
    AS n (member_id, code, since, keep_until)
WHERE r.member_id = n.member_id
"""
_MEMBERS_AFTER = "SELECT id FROM members WHERE id > $1 AND status <> 'left' ORDER BY id LIMIT $2"


class Standing(msgspec.Struct, frozen=True):
    """A member's rank as stored; None is no rank. `floor` is a rank given by hand."""

    member_id: UUID
    code: str | None
    since: datetime
    keep_until: datetime | None
    floor: str | None
    line_user_id: str | None


class Measured(msgspec.Struct, frozen=True):
    """What a member did within the window."""

    member_id: UUID
    points_earned: int
    amount_spent: int
    visits: int


class NewStanding(msgspec.Struct, frozen=True):
    """A member's rank as it is to be stored."""

    member_id: UUID
    code: str | None
    since: datetime
    keep_until: datetime | None


async def lock(connection: Connection, members: Sequence[UUID], now: datetime) -> list[Standing]:
    """The members' ranks, locked in member order; who has none yet gets an empty one."""
    rows = await connection.fetch(_READ, sorted(members))
    if len(rows) < len(set(members)):
        await connection.execute(_ADD, sorted(members), now)
        rows = await connection.fetch(_READ, sorted(members))
    return [Standing(**row) for row in rows]


async def measure(
    connection: Connection, members: Sequence[UUID], since: datetime | None
) -> dict[UUID, Measured]:
    """What the members did since a moment; None is their lifetime."""
    if since is None:
        rows = await connection.fetch(_LIFETIME, list(members))
    else:
        rows = await connection.fetch(_SINCE, list(members), since)
    return {row["member_id"]: Measured(**row) for row in rows}


async def write(connection: Connection, standings: Sequence[NewStanding]) -> None:
    """Store ranks that were decided. The rows must be locked."""
    await connection.execute(
        _WRITE,
        [each.member_id for each in standings],
        [each.code for each in standings],
        [each.since for each in standings],
        [each.keep_until for each in standings],
    )


async def members_after(connection: Connection, after: UUID, limit: int) -> list[UUID]:
    """A page of members to rank again, in id order."""
    return [row["id"] for row in await connection.fetch(_MEMBERS_AFTER, after, limit)]
