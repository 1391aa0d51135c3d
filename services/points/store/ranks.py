"""Ranks: what they rest on (metrics over a window) and what they are.

A rank changes only while its member's account is locked, so that changes of one member come one
after another, whoever makes them, and nobody is locked whose rank stays.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from services.points.rules.ranks import Held, Metrics
from shared import ids
from shared.bus.handling import Connection

_READ = """
SELECT m.id, r.code, r.own, r.keep_until,
    CASE WHEN r.floor_until IS NULL OR r.floor_until > $2 THEN r.floor END AS floor,
    r.since, r.notice_sent_for, m.line_user_id
FROM members m LEFT JOIN ranks r ON r.member_id = m.id
WHERE m.id = ANY($1::uuid[]) AND m.status IN ('active', 'suspended')
"""
_WHOSE = """
WITH whose (id, ledger) AS (
    SELECT id, id FROM unnest($1::uuid[]) AS m (id)
    UNION ALL SELECT merged_into, id FROM members WHERE merged_into = ANY($1::uuid[])
)
"""
"""The members, and those who were merged into them, whose entries stay where they were written."""

_LIFETIME = f"""{_WHOSE}
SELECT a.member_id, (a.earned - coalesce(g.points, 0))::bigint, a.amount_spent, a.visits::bigint
FROM accounts a LEFT JOIN (
    SELECT w.id, sum(e.points) AS points FROM whose w CROSS JOIN LATERAL (
        SELECT sum(amount) AS points FROM entries
        WHERE member_id = w.ledger AND unit = 'point' AND source = 'rank'
    ) AS e GROUP BY w.id
) AS g ON g.id = a.member_id
WHERE a.member_id = ANY($1::uuid[]) AND a.unit = 'point'
"""
_SINCE = f"""{_WHOSE}
SELECT m.id, (coalesce(e.points, 0) - coalesce(p.points_back, 0))::bigint,
    coalesce(p.amount_spent, 0)::bigint, coalesce(p.visits, 0)::bigint
FROM unnest($1::uuid[]) AS m (id)
LEFT JOIN (
    SELECT w.id, sum(e.points) AS points FROM whose w CROSS JOIN LATERAL (
        SELECT sum(amount) AS points FROM entries
        WHERE member_id = w.ledger AND unit = 'point' AND occurred_at >= $2
            AND (kind = 'earn' AND source <> 'rank' OR source = 'undo' AND amount < 0)
    ) AS e GROUP BY w.id
) AS e ON e.id = m.id
LEFT JOIN LATERAL (
    SELECT sum(points_back) AS points_back, sum(total - refunded) AS amount_spent,
        sum(visits) AS visits
    FROM purchases WHERE member_id = m.id AND occurred_at >= $2
) AS p ON true
"""
_WRITE = """
INSERT INTO ranks AS r (member_id, code, own, since, keep_until, notice_sent_for)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[],
    $6::timestamptz[]) AS n (member_id, code, own, since, keep_until, notice_sent_for)
ON CONFLICT (member_id) DO UPDATE SET code = excluded.code, own = excluded.own,
    since = excluded.since, keep_until = excluded.keep_until,
    notice_sent_for = excluded.notice_sent_for
"""
_NOTE_MOVES = """
INSERT INTO rank_moves (member_id, id, from_code, to_code, direction, at)
SELECT member_id, id, from_code, to_code, direction, $6
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[])
    AS n (member_id, id, from_code, to_code, direction)
"""
_MEMBERS_AFTER = """
SELECT id FROM members WHERE id > $1 AND status IN ('active', 'suspended') ORDER BY id LIMIT $2
"""
_GIVEN = f"""{_WHOSE}
SELECT w.id, e.cause, e.explanation -> 'rank' ->> 'code' FROM whose w
JOIN entries e ON e.member_id = w.ledger AND e.source = 'rank' AND e.unit = 'point'
"""
_COUNTS = """
SELECT r.code, count(*) FROM members m LEFT JOIN ranks r ON r.member_id = m.id
WHERE m.status IN ('active', 'suspended') GROUP BY r.code
"""
_MEMBERS = "SELECT count(*) FROM members WHERE status IN ('active', 'suspended')"
_CARDS = "SELECT id, card FROM members WHERE id = ANY($1::uuid[])"


class Standing(msgspec.Struct, frozen=True):
    """A member's rank as stored, since when, and the keep period whose end was announced."""

    member_id: UUID
    held: Held
    since: datetime | None
    notice_sent_for: datetime | None
    line_user_id: str | None


class Given(msgspec.Struct, frozen=True):
    """What ranks gave: the causes of the entries, and for which level to whom."""

    causes: set[UUID]
    levels: set[tuple[UUID, str]]


async def read(
    connection: Connection, members: Sequence[UUID], now: datetime
) -> dict[UUID, Standing]:
    """The members' ranks with the floors in force at `now`; who never had one has an empty one, who
    has left or was merged into another has none."""
    rows = await connection.fetch(_READ, list(members), now)
    return {
        id: Standing(
            id,
            Held(code=code, own=own, keep_until=keep_until, floor=floor),
            since,
            notice_sent_for,
            line_user_id,
        )
        for id, code, own, keep_until, floor, since, notice_sent_for, line_user_id in rows
    }


async def measure(
    connection: Connection, members: Sequence[UUID], since: datetime | None
) -> dict[UUID, Metrics]:
    """What the members did since a moment (None: ever), net of refunds, without ranks' gifts.

    Purchases and what was taken back of them count at the time of the purchase.
    """
    if since is None:
        rows = await connection.fetch(_LIFETIME, list(members))
    else:
        rows = await connection.fetch(_SINCE, list(members), since)
    return {id: Metrics(points, spent, visits) for id, points, spent, visits in rows}


async def write(connection: Connection, standings: Sequence[Standing]) -> None:
    """Store ranks that were decided; floors stay. The members' accounts must be locked."""
    await connection.execute(
        _WRITE,
        [each.member_id for each in standings],
        [each.held.code for each in standings],
        [each.held.own for each in standings],
        [each.since for each in standings],
        [each.held.keep_until for each in standings],
        [each.notice_sent_for for each in standings],
    )


async def note_moves(
    connection: Connection, moves: Sequence[tuple[UUID, str | None, str | None, str]], now: datetime
) -> None:
    """Keep that ranks moved, as (member, from, to, direction)."""
    await connection.execute(
        _NOTE_MOVES,
        [member for member, *_ in moves],
        [ids.new_id() for _ in moves],
        [before for _, before, _, _ in moves],
        [after for _, _, after, _ in moves],
        [direction for *_, direction in moves],
        now,
    )


async def members_after(connection: Connection, after: UUID, limit: int) -> list[UUID]:
    """A page of members to rank again, in id order."""
    return [row["id"] for row in await connection.fetch(_MEMBERS_AFTER, after, limit)]


async def given(connection: Connection, members: Sequence[UUID]) -> Given:
    """What ranks have given these members so far, and those who were merged into them."""
    rows = await connection.fetch(_GIVEN, list(members))
    return Given({cause for _, cause, _ in rows}, {(id, code) for id, _, code in rows})


async def counts(connection: Connection) -> dict[str | None, int]:
    """How many members have each rank; None is no rank."""
    return {row["code"]: row["count"] for row in await connection.fetch(_COUNTS)}


async def members(connection: Connection) -> int:
    """How many members there are who can have a rank."""
    found: int = await connection.fetchval(_MEMBERS)
    return found


async def cards(connection: Connection, members: Sequence[UUID]) -> dict[UUID, str]:
    """The members' card numbers."""
    return {row["id"]: row["card"] for row in await connection.fetch(_CARDS, list(members))}
