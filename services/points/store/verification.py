"""What `ledger verify` reads, page by page: members with their entries, lots and stored sums."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from shared.bus.handling import Connection

_ACCOUNTS = """
SELECT member_id, in_lots, pending, held, debt, earned, amount_spent, purchases, visits
FROM accounts WHERE unit = 'point' AND member_id > $1 ORDER BY member_id LIMIT $2
"""
_ENTRIES = """
SELECT member_id, id, kind, amount, balance_after, cause, occurred_at, recorded_at, source,
    program_version
FROM entries WHERE member_id = ANY($1::uuid[]) AND unit = 'point' ORDER BY member_id, id
"""
_LOTS = """
SELECT member_id, entry_id, opened, remaining, opened_at, active_at, expires_at
FROM lots WHERE member_id = ANY($1::uuid[]) AND unit = 'point'
"""
_PURCHASES = """
SELECT member_id, count(*) AS purchases, sum(total)::bigint AS amount_spent,
    sum(visits)::bigint AS visits
FROM purchases WHERE member_id = ANY($1::uuid[]) GROUP BY member_id
"""
_STRAYS = """
SELECT count(*) FROM entries e
WHERE NOT EXISTS (SELECT FROM accounts a WHERE a.member_id = e.member_id AND a.unit = e.unit)
"""
_UNSETTLED = """
SELECT count(*) FROM requests r WHERE r.kind = 'purchase' AND r.status = 'awarded'
    AND NOT EXISTS (SELECT FROM entries e WHERE e.member_id = r.member_id AND e.cause = r.id)
"""


async def accounts(connection: Connection, after: UUID, limit: int) -> list[Any]:
    """A page of accounts, in member order."""
    return await connection.fetch(_ACCOUNTS, after, limit)


async def entries(connection: Connection, members: Sequence[UUID]) -> list[Any]:
    """All entries of the members, each member's in the order recorded."""
    return await connection.fetch(_ENTRIES, list(members))


async def lots(connection: Connection, members: Sequence[UUID]) -> list[Any]:
    """All lots of the members."""
    return await connection.fetch(_LOTS, list(members))


async def purchase_sums(connection: Connection, members: Sequence[UUID]) -> dict[UUID, Any]:
    """Each member's purchases: how many, what they came to, how many visits."""
    return {row["member_id"]: row for row in await connection.fetch(_PURCHASES, list(members))}


async def strays(connection: Connection) -> int:
    """Entries whose account does not exist."""
    found: int = await connection.fetchval(_STRAYS)
    return found


async def unsettled(connection: Connection) -> int:
    """Requests said to be awarded that have no entry."""
    found: int = await connection.fetchval(_UNSETTLED)
    return found
