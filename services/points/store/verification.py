"""What `ledger verify` reads, page by page: members with their entries, lots and stored sums."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from shared.bus.handling import Connection

WHOLE_SECONDS = 3600.0
"""How long a question about the whole ledger may take: nobody waits for it."""

_ACCOUNTS = """
SELECT member_id, in_lots, pending, held, debt, earned, spent, amount_spent, purchases, visits
FROM accounts WHERE unit = 'point' AND member_id > $1 ORDER BY member_id LIMIT $2
"""
_ACCOUNTS_OF = """
SELECT member_id, in_lots, pending, held, debt, earned, spent, amount_spent, purchases, visits
FROM accounts WHERE unit = 'point' AND member_id = ANY($1::uuid[]) ORDER BY member_id
"""
_ENTRIES = """
SELECT member_id, id, kind, amount, balance_after, cause, occurred_at, recorded_at, source,
    program_version, moves, reverses
FROM entries WHERE member_id = ANY($1::uuid[]) AND unit = 'point' ORDER BY member_id, id
"""
_ENTRY_COUNTS = """
SELECT member_id, count(*) AS entries FROM entries WHERE member_id = ANY($1::uuid[]) GROUP BY 1
"""
_LOTS = """
SELECT member_id, entry_id, opened, remaining, held, pending, opened_at, active_at, expires_at
FROM lots WHERE member_id = ANY($1::uuid[]) AND unit = 'point'
"""
_PURCHASES = """
SELECT member_id, count(*) FILTER (
        WHERE visit IS NULL AND (total = 0 OR refunded < total)) AS purchases,
    sum(total - refunded)::bigint AS amount_spent, sum(visits)::bigint AS visits,
    sum(points_back)::bigint AS points_back
FROM purchases WHERE member_id = ANY($1::uuid[]) GROUP BY member_id
"""
_REFUNDED = """
SELECT count(*) FROM purchases p LEFT JOIN (
    SELECT purchase_id, sum(amount) AS amount, sum(points_taken_back) AS back,
        sum(points_returned) AS returned
    FROM refunds GROUP BY purchase_id
) AS r ON r.purchase_id = p.id
WHERE (p.refunded, p.points_back, p.points_returned) IS DISTINCT FROM
    (coalesce(r.amount, 0), coalesce(r.back, 0), coalesce(r.returned, 0))
"""
_TAKEN_BACK = """
SELECT count(*) FROM (
    SELECT id, points_taken_back FROM refunds WHERE points_taken_back > 0
) AS r FULL JOIN (
    SELECT cause, amount FROM entries WHERE kind = 'reverse' AND amount < 0 AND source <> 'undo'
) AS e ON e.cause = r.id
WHERE r.points_taken_back IS DISTINCT FROM -e.amount
"""
_RETURNED = """
SELECT count(*) FROM (
    SELECT id, points_returned FROM purchases WHERE points_returned > 0
) AS p FULL JOIN (
    SELECT (explanation ->> 'purchase')::uuid AS purchase, sum(amount) AS amount FROM entries
    WHERE source = 'refund' AND kind IN ('reverse', 'transfer') AND amount > 0 GROUP BY 1
) AS e ON e.purchase = p.id
WHERE p.points_returned IS DISTINCT FROM e.amount
"""
_HOLDS = """
SELECT member_id, holds FROM redemptions
WHERE member_id = ANY($1::uuid[]) AND status = 'authorised'
"""
_MERGED = """
SELECT member_id, sum(earned)::bigint AS earned, sum(spent)::bigint AS spent FROM (
    SELECT kept AS member_id, earned, spent FROM merges
        WHERE kept = ANY($1::uuid[]) AND undone_at IS NULL
    UNION ALL SELECT absorbed, -earned, -spent FROM merges
        WHERE absorbed = ANY($1::uuid[]) AND undone_at IS NULL
) AS m GROUP BY member_id
"""
_BEFORE = """
SELECT member_id, sum(spent)::bigint AS spent FROM import_effects
WHERE member_id = ANY($1::uuid[]) AND spent > 0 AND (undone_at IS NULL OR kept IS NOT NULL)
GROUP BY member_id
"""
_STRAYS = """
SELECT count(*) FROM entries e
WHERE NOT EXISTS (SELECT FROM accounts a WHERE a.member_id = e.member_id AND a.unit = e.unit)
"""
_UNSETTLED = """
SELECT count(*) FROM requests r WHERE r.kind = 'purchase' AND r.status = 'awarded'
    AND NOT EXISTS (
        SELECT FROM purchases p JOIN entries e
            ON e.member_id = coalesce(p.merged_from, p.member_id) AND e.id = p.entry_id
        WHERE p.member_id = r.member_id AND p.id = r.id)
"""


async def accounts(connection: Connection, after: UUID, limit: int) -> list[Any]:
    """A page of accounts, in member order."""
    return await connection.fetch(_ACCOUNTS, after, limit)


async def accounts_of(connection: Connection, members: Sequence[UUID]) -> list[Any]:
    """The accounts of the members, in member order."""
    return await connection.fetch(_ACCOUNTS_OF, list(members))


async def entries(connection: Connection, members: Sequence[UUID]) -> list[Any]:
    """All entries of the members, each member's in the order recorded."""
    return await connection.fetch(_ENTRIES, list(members))


async def entry_counts(connection: Connection, members: Sequence[UUID]) -> dict[UUID, int]:
    """How many entries each of the members has; who has none is left out."""
    rows = await connection.fetch(_ENTRY_COUNTS, list(members))
    return {row["member_id"]: row["entries"] for row in rows}


async def lots(connection: Connection, members: Sequence[UUID]) -> list[Any]:
    """All lots of the members."""
    return await connection.fetch(_LOTS, list(members))


async def purchase_sums(connection: Connection, members: Sequence[UUID]) -> dict[UUID, Any]:
    """Each member's purchases: how many, what they came to, how many visits."""
    return {row["member_id"]: row for row in await connection.fetch(_PURCHASES, list(members))}


async def holds(connection: Connection, members: Sequence[UUID]) -> list[Any]:
    """What the members' redemptions under way hold: (member_id, holds)."""
    return await connection.fetch(_HOLDS, list(members))


async def merged_sums(connection: Connection, members: Sequence[UUID]) -> dict[UUID, Any]:
    """Lifetime sums that merges brought to (or, below zero, took from) members."""
    return {row["member_id"]: row for row in await connection.fetch(_MERGED, list(members))}


async def spent_before(connection: Connection, members: Sequence[UUID]) -> dict[UUID, int]:
    """What members spent in the shop's earlier life, as imports told."""
    rows = await connection.fetch(_BEFORE, list(members))
    return {row["member_id"]: row["spent"] for row in rows}


async def strays(connection: Connection) -> int:
    """Entries whose account does not exist."""
    found: int = await connection.fetchval(_STRAYS, timeout=WHOLE_SECONDS)
    return found


async def unsettled(connection: Connection) -> int:
    """Requests said to be awarded that have no entry."""
    found: int = await connection.fetchval(_UNSETTLED, timeout=WHOLE_SECONDS)
    return found


async def refunds(connection: Connection) -> int:
    """Purchases whose refunds do not add up to what they say, and refunds or returns that the
    ledger does not have so."""
    found = 0
    for statement in (_REFUNDED, _TAKEN_BACK, _RETURNED):
        found += await connection.fetchval(statement, timeout=WHOLE_SECONDS)
    return found
