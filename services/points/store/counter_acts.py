"""What staff did at the counter: written with the act, read for the day's list and for undoing."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from shared.bus.handling import Connection

_ADD = """
INSERT INTO counter_acts (member_id, id, kind, store, actor, actor_id, named_by, purchase_id,
    redemption_id, entry_id, amount, points, used, happened_at, acted_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
"""
_SELECT = """
SELECT a.member_id, a.id, a.kind, a.store, a.actor, a.actor_id, a.named_by, a.purchase_id,
    a.redemption_id, a.entry_id, a.amount, coalesce(a.points, p.points) AS points, a.used,
    a.happened_at, a.acted_at, a.undone_at, a.undone_by, m.card,
    coalesce(f.fields ->> 'name', l.name) AS name, r.status AS purchase_status,
    r.detail, p.visits, p.total - p.refunded AS remaining,
    p.purchase ->> 'receipt' AS receipt, e.explanation ->> 'reason' AS reason, s.name AS by_name
FROM counter_acts a JOIN members m ON m.id = a.member_id
LEFT JOIN profiles f ON f.member_id = coalesce(m.merged_into, m.id)
LEFT JOIN line_names l ON l.line_user_id = m.line_user_id
LEFT JOIN requests r ON r.id = a.purchase_id
LEFT JOIN purchases p ON p.member_id = coalesce(r.member_id, a.member_id)
    AND p.id = a.purchase_id
LEFT JOIN entries e ON e.member_id = a.member_id AND e.id = a.entry_id
LEFT JOIN staff s ON s.id = a.actor_id
"""
_ONE = f"{_SELECT} WHERE a.member_id = $1 AND a.id = $2"
_LOCK = "SELECT true FROM counter_acts WHERE member_id = $1 AND id = $2 FOR UPDATE"
_LIST = f"""{_SELECT}
WHERE a.store = $1 AND a.acted_at >= $2 AND (a.acted_at, a.id) < ($3, $4)
    AND ($5::uuid IS NULL OR a.actor_id = $5)
ORDER BY a.acted_at DESC, a.id DESC LIMIT $6
"""
_UNDONE = """
UPDATE counter_acts SET undone_at = $3, undone_by = $4, undone_as = $5
WHERE member_id = $1 AND id = $2
"""
_GIVEN = """
SELECT coalesce(sum(points), 0)::bigint FROM counter_acts
WHERE actor_id = $1 AND acted_at >= $2 AND acted_at < $3 AND kind = 'service'
    AND undone_at IS NULL
"""
_HOLD = "SELECT pg_advisory_xact_lock(hashtextextended('counter_acts.given:' || $1::text, 0))"
_PURCHASES = """
SELECT p.id, p.member_id, p.occurred_at, p.total, p.total - p.refunded AS remaining, p.points,
    p.points_back, p.purchase ->> 'receipt' AS receipt, m.card,
    coalesce(f.fields ->> 'name', l.name) AS name
FROM purchases p JOIN members m ON m.id = p.member_id
LEFT JOIN profiles f ON f.member_id = p.member_id
LEFT JOIN line_names l ON l.line_user_id = m.line_user_id
WHERE p.store = $1 AND p.occurred_at >= $2 AND p.occurred_at < $3 AND p.total > 0
    AND ($4::text IS NULL OR p.purchase ->> 'receipt' = $4)
    AND ($5::uuid IS NULL OR p.member_id = $5)
ORDER BY p.occurred_at DESC, p.id LIMIT $6
"""
_NAME = """
SELECT coalesce(f.fields ->> 'name', l.name) FROM members m
LEFT JOIN profiles f ON f.member_id = m.id
LEFT JOIN line_names l ON l.line_user_id = m.line_user_id WHERE m.id = $1
"""
PRUNE = """
DELETE FROM counter_acts WHERE (member_id, id) IN (
    SELECT member_id, id FROM counter_acts WHERE acted_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """An act. `purchase_id` of a refund is what was refunded; `redemption_id` of a purchase is what
    was spent on it, `used` points; `points` are None for a purchase, which has them itself."""

    member_id: UUID
    id: UUID
    kind: str
    store: str
    actor: str
    actor_id: UUID
    named_by: str
    happened_at: datetime
    acted_at: datetime
    purchase_id: UUID | None = None
    redemption_id: UUID | None = None
    entry_id: UUID | None = None
    amount: int | None = None
    points: int | None = None
    used: int | None = None


class Listed(Done, frozen=True, kw_only=True):
    """An act as it is now, with the member and what the act made. `purchase_status` is None while
    the purchase is on its way."""

    card: str
    name: str | None
    purchase_status: str | None
    detail: str | None
    visits: int | None
    remaining: int | None
    receipt: str | None
    reason: str | None
    by_name: str | None
    undone_at: datetime | None
    undone_by: str | None


async def add(connection: Connection, done: Done) -> None:
    """Write an act."""
    await connection.execute(
        _ADD,
        done.member_id,
        done.id,
        done.kind,
        done.store,
        done.actor,
        done.actor_id,
        done.named_by,
        done.purchase_id,
        done.redemption_id,
        done.entry_id,
        done.amount,
        done.points,
        done.used,
        done.happened_at,
        done.acted_at,
    )


async def find(
    connection: Connection, member: UUID, id: UUID, *, lock: bool = False
) -> Listed | None:
    """An act as it is now; with `lock`, nobody else undoes it until the transaction ends."""
    if lock:
        await connection.fetchval(_LOCK, member, id)
    row = await connection.fetchrow(_ONE, member, id)
    return Listed(**row) if row else None


async def of_store(
    connection: Connection,
    store: str,
    since: datetime,
    before: tuple[datetime, UUID],
    actor: UUID | None,
    limit: int,
) -> list[Listed]:
    """A store's acts since a moment and before a cursor (of an actor only), newest first."""
    rows = await connection.fetch(_LIST, store, since, *before, actor, limit)
    return [Listed(**row) for row in rows]


async def undone(
    connection: Connection, act: Listed, now: datetime, by: str, undoing: UUID
) -> None:
    """Note that an act was undone, by which request."""
    await connection.execute(_UNDONE, act.member_id, act.id, now, by, undoing)


async def given_by(connection: Connection, actor: UUID, since: datetime, until: datetime) -> int:
    """Service points that somebody gave to everybody together in a span, without those undone.
    Whoever gives at the same moment waits until this transaction ends."""
    await connection.execute(_HOLD, str(actor))
    given: int = await connection.fetchval(_GIVEN, actor, since, until)
    return given


async def purchases(
    connection: Connection,
    store: str,
    span: tuple[datetime, datetime],
    receipt: str | None,
    member: UUID | None,
    limit: int,
) -> list[Any]:
    """A store's purchases in a span (of a receipt, of a member), newest first."""
    rows: list[Any] = await connection.fetch(_PURCHASES, store, *span, receipt, member, limit)
    return rows


async def name_of(connection: Connection, member: UUID) -> str | None:
    """What a member is called: as the shop knows them, else as LINE does."""
    name: str | None = await connection.fetchval(_NAME, member)
    return name
