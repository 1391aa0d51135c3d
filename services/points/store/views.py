"""What people look at: a member with balances and rank, ledger rows, a purchase's state."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from shared.bus.handling import Connection

NEWEST = UUID(int=2**128 - 1)
"""A cursor before which all entries come."""

_SUMMARY = """
SELECT m.id, m.card, m.status, m.line_user_id, m.joined_at, m.route,
    a.earned, a.spent, a.amount_spent, a.visits, a.last_visit_at, a.remainder_numerator,
    a.remainder_denominator, r.code AS rank
FROM members m JOIN accounts a ON a.member_id = m.id AND a.unit = 'point'
LEFT JOIN ranks r ON r.member_id = m.id
WHERE m.id = ANY($1::uuid[])
"""
_ENTRIES = """
SELECT id, kind, unit, amount, balance_after, occurred_at, source, explanation
FROM entries WHERE member_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3
"""
_ENTRY = """
SELECT id, kind, unit, amount, balance_after, occurred_at, source, explanation
FROM entries WHERE member_id = $1 AND id = $2
"""
_DEBTS = """
SELECT member_id, debt FROM accounts
WHERE member_id = ANY($1::uuid[]) AND unit = 'point' AND debt > 0
"""
_LAST_ENTRIES = """
SELECT m.id AS member_id, e.kind, e.source, e.amount, e.occurred_at, e.explanation
FROM unnest($1::uuid[]) AS m (id) CROSS JOIN LATERAL (
    SELECT * FROM entries WHERE member_id = m.id ORDER BY id DESC LIMIT $2) AS e
"""
_PURCHASE = """
SELECT p.id, p.member_id, p.total, p.points, p.occurred_at, p.store, p.refunded, p.points_back,
    p.points_returned, e.explanation, e.balance_after
FROM purchases p JOIN entries e
    ON e.member_id = coalesce(p.merged_from, p.member_id) AND e.id = p.entry_id
WHERE p.member_id = $1 AND p.id = $2
"""


async def summaries(connection: Connection, members: Sequence[UUID]) -> dict[UUID, Any]:
    """Members with their balances and rank code."""
    return {row["id"]: row for row in await connection.fetch(_SUMMARY, list(members))}


async def entries(connection: Connection, member: UUID, before: UUID, limit: int) -> list[Any]:
    """Ledger rows before an id, newest first."""
    return await connection.fetch(_ENTRIES, member, before, limit)


async def entry(connection: Connection, member: UUID, id: UUID) -> Any:
    """A ledger row, or None."""
    return await connection.fetchrow(_ENTRY, member, id)


async def debts(connection: Connection, members: Sequence[UUID]) -> dict[UUID, int]:
    """The points that members owe; those who owe none are left out."""
    rows = await connection.fetch(_DEBTS, list(members))
    return {row["member_id"]: row["debt"] for row in rows}


async def last_entries(connection: Connection, members: Sequence[UUID], count: int) -> list[Any]:
    """The newest rows of each of several members, newest first."""
    return await connection.fetch(_LAST_ENTRIES, list(members), count)


async def purchase(connection: Connection, member: UUID, id: UUID) -> Any:
    """A purchase with what it earned and why, or None."""
    return await connection.fetchrow(_PURCHASE, member, id)
