"""Who is in a segment: read within one transaction, so that all of it is of one moment."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from services.points.store.segment_conditions import Query
from shared.bus.handling import Connection

NOBODY = UUID(int=0)
LAST = UUID(int=2**128 - 1)
SECONDS = 300.0
"""How long one query may take: a count over millions of members with all conditions at once."""

_PLANS = "SET LOCAL plan_cache_mode TO force_custom_plan; SET LOCAL work_mem TO '64MB'"
_PAGE_END = "SELECT id FROM members WHERE id > $1 ORDER BY id OFFSET $2 LIMIT 1"
_INDEBTED = """
SELECT DISTINCT l.member_id FROM lots l
JOIN accounts a ON a.member_id = l.member_id AND a.unit = l.unit
WHERE l.pending AND l.remaining > 0 AND l.unit = 'point' AND l.active_at <= $1 AND a.debt > 0
"""
_PEOPLE = """
SELECT m.id, m.card, CASE WHEN m.friend THEN m.line_user_id END AS line_user_id, r.code AS rank,
    a.visits, a.last_visit_at
FROM members m JOIN accounts a ON a.member_id = m.id AND a.unit = 'point'
LEFT JOIN ranks r ON r.member_id = m.id
WHERE m.id = ANY($1::uuid[]) ORDER BY m.id
"""


class Counted(NamedTuple):
    """How many members a segment has, and how many of them LINE reaches."""

    members: int
    reachable: int


class Row(msgspec.Struct, frozen=True):
    """A member as segments tell of one; `line_user_id` only where LINE reaches."""

    id: UUID
    card: str
    line_user_id: str | None
    rank: str | None
    visits: int
    last_visit_at: datetime | None


async def plan_for_many(connection: Connection) -> None:
    """Let what follows in this transaction be planned for the members that it is about, not for one
    as everywhere else."""
    await connection.execute(_PLANS)


async def indebted(connection: Connection, now: datetime) -> Sequence[UUID]:
    """Members with debts that points which became active by `now`, or are pending still, pay."""
    return [row["member_id"] for row in await connection.fetch(_INDEBTED, now)]


async def count(connection: Connection, query: Query, *, seconds: float = SECONDS) -> Counted:
    """All of a segment's members. Raises TimeoutError after so many seconds."""
    row: Any = await connection.fetchrow(
        query.counted, NOBODY, LAST, *query.values, timeout=seconds
    )
    return Counted(*row)


async def chosen(connection: Connection, query: Query, after: UUID, up_to: UUID) -> Sequence[UUID]:
    """A segment's members after one and up to another, in id order."""
    rows = await connection.fetch(query.chosen, after, up_to, *query.values, timeout=SECONDS)
    return [row["id"] for row in rows]


async def page_end(connection: Connection, after: UUID, size: int) -> UUID:
    """The last of the next `size` members, whoever they are; LAST when there are fewer."""
    found: UUID | None = await connection.fetchval(_PAGE_END, after, size - 1)
    return found or LAST


async def people(connection: Connection, members: Sequence[UUID]) -> list[Row]:
    """The members, in id order."""
    return [Row(*row) for row in await connection.fetch(_PEOPLE, list(members))]
