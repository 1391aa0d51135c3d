"""Refunds: what came back of purchases, and those that wait for theirs.

Guarded by the lock of the member's account.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from shared.bus.handling import Connection

_KEPT = """
SELECT p.member_id, p.id, p.entry_id, p.merged_from, p.total, p.visits, p.points, p.purchase::text,
    p.context::text, p.refunded, p.points_back, p.points_returned, e.program_version AS version
FROM purchases p JOIN entries e
    ON e.member_id = coalesce(p.merged_from, p.member_id) AND e.id = p.entry_id
WHERE p.member_id = $1 AND p.id = $2
"""
_COLUMNS = """id, amount, lines::text, points_due, points_taken_back, points_returned, actor,
    refunded_at"""
_OF_PURCHASE = f"""
SELECT {_COLUMNS} FROM refunds WHERE member_id = $1 AND purchase_id = $2
ORDER BY refunded_at, id
"""
_ADD = """
INSERT INTO refunds (member_id, id, purchase_id, amount, lines, points_due, points_taken_back,
    points_returned, actor, refunded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
_SETTLE = """
UPDATE purchases SET refunded = $3, points_back = $4, points_returned = $5, visits = $6
WHERE member_id = $1 AND id = $2
"""
_RETURN = "UPDATE redemptions SET returned = $3 WHERE member_id = $1 AND id = $2"
_ENTRY_MOVES = """
SELECT e.member_id, e.moves::text FROM entries e
JOIN redemptions r ON e.id = r.entry_id AND e.member_id = coalesce(r.merged_from, r.member_id)
WHERE r.member_id = $1 AND r.id = $2
"""
_HEIR = """
SELECT id FROM entries WHERE member_id = $1 AND kind = 'transfer' AND reverses = $2
ORDER BY id DESC LIMIT 1
"""
_EXPIRED = """
SELECT coalesce(-sum((m ->> 1)::bigint), 0)::bigint FROM entries e, json_array_elements(e.moves) m
WHERE e.member_id = $1 AND e.unit = 'point' AND e.kind = 'expire' AND (m ->> 0)::uuid = $2
"""
_KEEP = """
INSERT INTO waiting_refunds (id, purchase_id, body, actor, accepted_at) VALUES ($1, $2, $3, $4, $5)
"""
_WAITING = """
SELECT id, body::text, actor, accepted_at FROM waiting_refunds WHERE purchase_id = $1
ORDER BY accepted_at, id
"""
_TAKE_WAITING = """
DELETE FROM waiting_refunds WHERE purchase_id = $1 RETURNING id, body::text, actor, accepted_at
"""
_READY = """
SELECT DISTINCT w.purchase_id FROM waiting_refunds w JOIN requests r ON r.id = w.purchase_id
WHERE r.status NOT IN ('accepted', 'waiting_for_member') AND w.purchase_id > $1
ORDER BY w.purchase_id LIMIT $2
"""


class Kept(msgspec.Struct):
    """A purchase as stored, with the context and the version that it was judged by. `merged_from`
    is the member in whose ledger its entry stands, None: its own."""

    member_id: UUID
    id: UUID
    entry_id: UUID
    merged_from: UUID | None
    total: int
    visits: int
    points: int
    purchase: str
    context: str
    refunded: int
    points_back: int
    points_returned: int
    version: int


class Stored(msgspec.Struct, frozen=True):
    """A refund that was done. `lines` are `[{line, sku, quantity}]` as JSON, or None."""

    id: UUID
    amount: int
    lines: str | None
    points_due: int
    points_taken_back: int
    points_returned: int
    actor: str
    refunded_at: datetime


class Waiting(msgspec.Struct, frozen=True):
    """A refund that waits for its purchase; `body` is what was asked, as JSON."""

    id: UUID
    body: str
    actor: str
    accepted_at: datetime


async def kept(connection: Connection, member: UUID, purchase: UUID) -> Kept | None:
    """A purchase to refund. The account must be locked."""
    row = await connection.fetchrow(_KEPT, member, purchase)
    return Kept(**row) if row else None


async def of_purchase(connection: Connection, member: UUID, purchase: UUID) -> list[Stored]:
    """The purchase's refunds, oldest first."""
    return [Stored(**row) for row in await connection.fetch(_OF_PURCHASE, member, purchase)]


async def add(connection: Connection, purchase: Kept, refund: Stored) -> None:
    """Store a refund."""
    await connection.execute(
        _ADD,
        purchase.member_id,
        refund.id,
        purchase.id,
        refund.amount,
        refund.lines,
        refund.points_due,
        refund.points_taken_back,
        refund.points_returned,
        refund.actor,
        refund.refunded_at,
    )


async def settle(connection: Connection, purchase: Kept) -> None:
    """Store what has become of a purchase."""
    await connection.execute(
        _SETTLE,
        purchase.member_id,
        purchase.id,
        purchase.refunded,
        purchase.points_back,
        purchase.points_returned,
        purchase.visits,
    )


async def set_returned(connection: Connection, member: UUID, redemption: UUID, points: int) -> None:
    """Store how many points of a redemption have come back in all."""
    await connection.execute(_RETURN, member, redemption, points)


async def spent_from(
    connection: Connection, member: UUID, redemption: UUID
) -> tuple[UUID, list[tuple[UUID, int]]]:
    """In whose ledger a captured redemption stands, and its lots with the points taken of each."""
    row = (await connection.fetch(_ENTRY_MOVES, member, redemption))[0]
    moves = msgspec.json.decode(row["moves"], type=list[tuple[UUID, int]])
    return row["member_id"], [(lot, -points) for lot, points in moves if points < 0]


async def heir(connection: Connection, member: UUID, lot: UUID) -> UUID | None:
    """The member's lot that took over another member's lot in a merge."""
    found: UUID | None = await connection.fetchval(_HEIR, member, lot)
    return found


async def expired_of(connection: Connection, member: UUID, lot: UUID) -> int:
    """How many points of a lot have expired so far."""
    found: int = await connection.fetchval(_EXPIRED, member, lot)
    return found


async def keep_waiting(connection: Connection, purchase: UUID, waiting: Waiting) -> None:
    """Keep a refund until its purchase is processed."""
    await connection.execute(
        _KEEP, waiting.id, purchase, waiting.body, waiting.actor, waiting.accepted_at
    )


async def waiting(connection: Connection, purchase: UUID) -> list[Waiting]:
    """The refunds that wait for a purchase, in the order accepted."""
    return [Waiting(**row) for row in await connection.fetch(_WAITING, purchase)]


async def take_waiting(connection: Connection, purchase: UUID) -> list[Waiting]:
    """Take out the refunds that waited for a purchase, in the order accepted."""
    rows = await connection.fetch(_TAKE_WAITING, purchase)
    return sorted((Waiting(**row) for row in rows), key=lambda each: (each.accepted_at, each.id))


async def ready(connection: Connection, after: UUID, limit: int) -> Sequence[UUID]:
    """Purchases that refunds waited for and that are processed now, in id order."""
    rows: Sequence[Any] = await connection.fetch(_READY, after, limit)
    return [row["purchase_id"] for row in rows]
