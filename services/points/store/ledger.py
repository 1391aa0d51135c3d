"""The ledger: accounts (locked in member order), entries (append-only), lots, purchases."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from shared.bus.handling import Connection

_READ = """
SELECT a.member_id, a.in_lots, a.pending, a.held, a.debt, a.earned, a.purchases,
    a.amount_spent, a.remainder_numerator, a.remainder_denominator, m.line_user_id,
    CASE WHEN a.left_at IS NULL THEN m.status ELSE 'left' END AS status, m.card,
    r.code AS rank, (SELECT max(version) FROM programs) AS program_version, a.last_activity_at,
    a.merged_into, extract(month FROM m.birthday)::smallint AS birthday_month
FROM accounts a JOIN members m ON m.id = a.member_id LEFT JOIN ranks r ON r.member_id = a.member_id
WHERE a.member_id = ANY($1::uuid[]) AND a.unit = 'point'
"""
_LOCK = _READ + "ORDER BY a.member_id FOR UPDATE OF a"
_SPENT = "SELECT spent FROM accounts WHERE member_id = $1 AND unit = 'point'"
_RECENT = """
SELECT member_id, occurred_at, visits, points - points_back AS points FROM purchases
WHERE member_id = ANY($1::uuid[]) AND occurred_at >= $2
"""
_POST = """
WITH e AS (
    SELECT * FROM json_to_recordset($1::json) AS e (
        member_id uuid, id uuid, kind text, amount bigint, balance_after bigint, cause uuid,
        occurred_at timestamptz, recorded_at timestamptz, source text, actor text,
        program_version integer, explanation json, moves json, reverses uuid, opened bigint,
        remaining bigint, active_at timestamptz, expires_at timestamptz, sliding_months integer)
), added AS (
    INSERT INTO entries (member_id, id, unit, kind, amount, balance_after, cause, occurred_at,
                         recorded_at, source, actor, program_version, explanation, moves, reverses)
    SELECT member_id, id, 'point', kind, amount, balance_after, cause, occurred_at, recorded_at,
        source, actor, program_version, explanation, moves, reverses FROM e
), opened AS (
    INSERT INTO lots (member_id, entry_id, unit, opened, remaining, opened_at, active_at,
                      pending, expires_at, sliding_months)
    SELECT member_id, id, 'point', opened, coalesce(remaining, 0), recorded_at, active_at,
        active_at IS NOT NULL, expires_at, sliding_months
    FROM e WHERE opened > 0
), kept AS (
    INSERT INTO purchases (member_id, id, entry_id, store, terminal_id, occurred_at, accepted_at,
                           total, visits, points, purchase, context, visit)
    SELECT member_id, id, entry_id, store, terminal_id, occurred_at, accepted_at, total, visits,
        points, purchase, context, visit
    FROM json_to_recordset($4::json) AS p (
        member_id uuid, id uuid, entry_id uuid, store text, terminal_id uuid,
        occurred_at timestamptz, accepted_at timestamptz, total bigint, visits integer,
        points bigint, purchase json, context json, visit text)
), moved AS (
    SELECT * FROM json_to_recordset($2::json) AS d (
        member_id uuid, in_lots bigint, pending bigint, held bigint, debt bigint,
        earned bigint, spent bigint, amount_spent bigint, purchases integer, visits integer,
        last_visit_at timestamptz, last_activity_at timestamptz,
        remainder_numerator bigint, remainder_denominator bigint)
)
UPDATE accounts a SET in_lots = a.in_lots + d.in_lots, pending = a.pending + d.pending,
    held = a.held + d.held, debt = a.debt + d.debt,
    earned = a.earned + d.earned, spent = a.spent + d.spent,
    amount_spent = a.amount_spent + d.amount_spent, purchases = a.purchases + d.purchases,
    visits = a.visits + d.visits, last_visit_at = greatest(a.last_visit_at, d.last_visit_at),
    last_activity_at = greatest(a.last_activity_at, d.last_activity_at, d.last_visit_at),
    remainder_numerator = d.remainder_numerator, remainder_denominator = d.remainder_denominator
FROM moved d WHERE a.member_id = d.member_id AND a.member_id = ANY($3::uuid[]) AND a.unit = 'point'
"""
_KEEP_WAITING = """
INSERT INTO waiting_purchases (id, reference, event, accepted_at)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::timestamptz[])
"""
_TAKE_WAITING = "DELETE FROM waiting_purchases WHERE reference = ANY($1) RETURNING event"
_TAKE_LATE = """
DELETE FROM waiting_purchases USING (
    SELECT id FROM waiting_purchases WHERE accepted_at < $1
    ORDER BY accepted_at LIMIT $2 FOR UPDATE SKIP LOCKED
) AS late WHERE waiting_purchases.id = late.id RETURNING event
"""
_LOCK_REFERENCES = """
SELECT pg_advisory_xact_lock(hashtextextended(reference, 0))
FROM (SELECT unnest($1::text[]) AS reference ORDER BY 1) AS r
"""
_LOCK_BUDGETS = """
INSERT INTO budgets (name, given) SELECT name, 0 FROM unnest($1::text[]) AS b (name) ORDER BY name
ON CONFLICT (name) DO UPDATE SET given = budgets.given RETURNING name, given
"""
_SPEND_BUDGETS = """
UPDATE budgets SET given = budgets.given + s.points
FROM unnest($1::text[], $2::bigint[]) AS s (name, points) WHERE budgets.name = s.name
"""
_BUDGETS = "SELECT name, given FROM budgets WHERE name = ANY($1::text[])"
_LAST_EARNED = """
SELECT p.id, e.member_id, e.amount, e.balance_after, e.explanation
FROM purchases p JOIN entries e
    ON e.member_id = coalesce(p.merged_from, p.member_id) AND e.id = p.entry_id
JOIN unnest($1::uuid[], $2::uuid[]) AS r (member_id, id)
    ON p.member_id = r.member_id AND p.id = r.id
"""


class Account(msgspec.Struct):
    """A member's point account, locked by the caller, with what awarding has to know.

    The fields stand in the order of `_READ`'s columns: made by place, an account costs an eighth.
    """

    member_id: UUID
    in_lots: int
    pending: int
    held: int
    debt: int
    earned: int
    purchases: int
    amount_spent: int
    remainder_numerator: int
    remainder_denominator: int
    line_user_id: str | None
    status: str
    card: str
    rank: str | None
    program_version: int | None
    last_activity_at: datetime | None
    merged_into: UUID | None
    birthday_month: int | None

    @property
    def balance(self) -> int:
        """Spendable points; negative when in debt."""
        return self.in_lots - self.held - self.debt

    @property
    def first_to_come(self) -> bool:
        """Whether their first purchase is still to come. What cost nothing, or came back whole, was
        none."""
        return self.purchases == 0 or self.amount_spent == 0


class Posting(msgspec.Struct, omit_defaults=True):
    """An entry to append, with the lot that it opens (`opened` 0: none)."""

    member_id: UUID
    id: UUID
    kind: str
    amount: int
    balance_after: int
    cause: UUID
    occurred_at: datetime
    recorded_at: datetime
    source: str
    actor: str
    program_version: int
    explanation: Any
    opened: int = 0
    remaining: int = 0
    moves: list[tuple[UUID, int]] | None = None
    reverses: UUID | None = None
    active_at: datetime | None = None
    expires_at: datetime | None = None
    sliding_months: int | None = None


class Movement(msgspec.Struct):
    """What is added to an account; the remainder is set."""

    member_id: UUID
    in_lots: int = 0
    pending: int = 0
    held: int = 0
    debt: int = 0
    earned: int = 0
    spent: int = 0
    amount_spent: int = 0
    purchases: int = 0
    visits: int = 0
    last_visit_at: datetime | None = None
    last_activity_at: datetime | None = None
    remainder_numerator: int = 0
    remainder_denominator: int = 1


class KeptPurchase(msgspec.Struct, frozen=True, omit_defaults=True):
    """A purchase with the context that it was judged in. `visit` says how a visit without one was
    counted."""

    member_id: UUID
    id: UUID
    entry_id: UUID
    store: str
    terminal_id: UUID
    occurred_at: datetime
    accepted_at: datetime
    total: int
    visits: int
    points: int
    purchase: Any
    context: Any
    visit: str | None = None


class Recent(msgspec.Struct, frozen=True):
    """An earlier purchase, as far as limits and caps look at it, net of refunds."""

    member_id: UUID
    occurred_at: datetime
    visits: int
    points: int


async def lock_accounts(connection: Connection, members: Sequence[UUID]) -> dict[UUID, Account]:
    """Lock the members' accounts until the transaction ends, in member order."""
    rows = await connection.fetch(_LOCK, sorted(members))
    return {row["member_id"]: Account(*row) for row in rows}


async def read_accounts(connection: Connection, members: Sequence[UUID]) -> dict[UUID, Account]:
    """The members' accounts as they are now, not locked: to look, not to act."""
    rows = await connection.fetch(_READ, list(members))
    return {row["member_id"]: Account(*row) for row in rows}


async def spent(connection: Connection, member: UUID) -> int:
    """Points that a member spent in their lifetime. The account must be locked."""
    points: int = await connection.fetchval(_SPENT, member)
    return points


async def recent_purchases(
    connection: Connection, members: Sequence[UUID], since: datetime
) -> list[Recent]:
    """The members' purchases that occurred since a moment."""
    rows = await connection.fetch(_RECENT, list(members), since)
    return [Recent(**row) for row in rows]


async def post(
    connection: Connection,
    postings: Sequence[Posting],
    movements: Sequence[Movement],
    purchases: Sequence[KeptPurchase] = (),
) -> None:
    """Append entries, open lots, move accounts and keep purchases (for refunds, reports and
    explanations), in one statement. Accounts must be locked."""
    # The ids stand apart too, for the planner: it takes any JSON for 100 rows and would rather
    # read the whole of a smaller table than look up so many.
    members = [each.member_id for each in movements]
    await connection.execute(_POST, _json(postings), _json(movements), members, _json(purchases))


async def keep_waiting(
    connection: Connection, waiting: Sequence[tuple[UUID, str, bytes, datetime]]
) -> None:
    """Keep purchases of unknown members, as (id, reference, event, accepted at)."""
    await connection.execute(_KEEP_WAITING, *map(list, zip(*waiting, strict=True)))


async def lock_references(connection: Connection, references: Sequence[str]) -> None:
    """Until the transaction ends nobody else starts to wait for these names, or comes to bear them.

    So a purchase either finds its member or is found by them, whoever commits first.
    """
    await connection.execute(_LOCK_REFERENCES, sorted(references))


async def take_waiting(connection: Connection, references: Sequence[str]) -> list[bytes]:
    """Take out the purchases that waited for these references."""
    return [row["event"] for row in await connection.fetch(_TAKE_WAITING, list(references))]


async def take_late(connection: Connection, before: datetime, limit: int) -> list[bytes]:
    """Take out waiting purchases that were accepted before a moment, the oldest first."""
    return [row["event"] for row in await connection.fetch(_TAKE_LATE, before, limit)]


async def lock_budgets(connection: Connection, names: Sequence[str]) -> dict[str, int]:
    """Points given against budgets so far; nobody else changes them until the transaction ends."""
    rows = await connection.fetch(_LOCK_BUDGETS, list(names))
    return {row["name"]: row["given"] for row in rows}


async def spend_budgets(connection: Connection, spent: dict[str, int]) -> None:
    """Count points against budgets that are locked."""
    await connection.execute(_SPEND_BUDGETS, list(spent), list(spent.values()))


async def budgets(connection: Connection, names: Sequence[str]) -> dict[str, int]:
    """Points given against budgets so far, as they are now."""
    rows = await connection.fetch(_BUDGETS, list(names))
    return dict.fromkeys(names, 0) | {row["name"]: row["given"] for row in rows}


async def earned_by(
    connection: Connection, purchases: Sequence[tuple[UUID, UUID]]
) -> dict[UUID, Any]:
    """What purchases, given as (member, purchase), earned: amount, balance_after, explanation."""
    members, ids = zip(*purchases, strict=True)
    rows = await connection.fetch(_LAST_EARNED, list(members), list(ids))
    return {row["id"]: row for row in rows}


def _json(rows: Sequence[msgspec.Struct]) -> str:
    return msgspec.json.encode(rows).decode()
