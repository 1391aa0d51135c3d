"""All that happened to a member, source by source, newest first. Reads only.

What is read here is of a member and of whoever was merged into them (`ledgers`). Entries, changes,
floors and rank moves can be many: they are read behind a position; the others come whole.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.points.store import member_changes
from shared.bus.handling import Connection

MOST = 500
"""Of what is read whole: merges, exports, redemptions without an entry, refunds without one."""


def _behind(columns: str, table: str) -> str:
    """The rows of each ledger before an id: one short walk along the key each."""
    return f"""
SELECT {columns} FROM unnest($1::uuid[]) AS l (ledger) CROSS JOIN LATERAL (
    SELECT * FROM {table} WHERE member_id = ledger AND id < $2 ORDER BY id DESC LIMIT $3
) AS x ORDER BY id DESC LIMIT $3
"""


_LEDGERS = """
SELECT id, card, joined_at, route, friend, friend_changed_at, line_user_id IS NOT NULL AS linked,
    status, left_at, left_reason, erased_at, merged_into
FROM members WHERE id = $1 OR merged_into = $1 ORDER BY id = $1 DESC, id
"""
_ENTRIES = _behind(
    """x.member_id, x.id, x.kind, x.unit, x.amount, x.balance_after, x.cause, x.occurred_at,
    x.recorded_at, x.source, x.actor, x.explanation""",
    "entries",
)
_CHANGES = _behind(
    "x.member_id, x.id, x.before, x.after, x.reason, x.actor, x.at, x.sealed", "member_changes"
)
_FLOORS = _behind(
    "x.member_id, x.id, x.code, x.until, x.reason, x.actor, x.decided_at AS at", "rank_floors"
)
_MOVES = _behind("x.member_id, x.id, x.from_code, x.to_code, x.direction, x.at", "rank_moves")
_MERGES = f"""
SELECT id, kept, absorbed, reason, actor, merged_at, undone_at, undone_by,
    (SELECT card FROM members WHERE id = absorbed) AS absorbed_card,
    (SELECT card FROM members WHERE id = kept) AS kept_card
FROM merges WHERE kept = $1 OR absorbed = $1 ORDER BY merged_at DESC LIMIT {MOST}
"""
_EXPORTS = f"""
SELECT id, actor, asked_at FROM member_exports WHERE member_id = ANY($1::uuid[])
ORDER BY asked_at DESC LIMIT {MOST}
"""
_OPEN_REDEMPTIONS = f"""
SELECT id, member_id, store, status, points, value, authorised_at, finished_at, terminal_id
FROM redemptions WHERE member_id = ANY($1::uuid[]) AND status <> 'captured'
ORDER BY authorised_at DESC LIMIT {MOST}
"""
_SILENT_REFUNDS = f"""
SELECT r.id, r.member_id, r.purchase_id, r.amount, r.lines::text, r.points_taken_back,
    r.points_returned, r.actor, r.refunded_at
FROM refunds r WHERE r.member_id = ANY($1::uuid[]) AND NOT EXISTS (
    SELECT FROM entries e WHERE e.member_id = ANY($1::uuid[]) AND e.cause = r.id
        AND e.kind = 'reverse')
ORDER BY r.refunded_at DESC LIMIT {MOST}
"""
_PURCHASES = """
SELECT id, store, total, visits, refunded, points, points_back, purchase::text, visit
FROM purchases WHERE member_id = ANY($1::uuid[]) AND id = ANY($2::uuid[])
"""
_REFUNDS = """
SELECT id, purchase_id, amount, lines::text, points_taken_back, points_returned, refunded_at
FROM refunds
WHERE member_id = ANY($1::uuid[]) AND (purchase_id = ANY($2::uuid[]) OR id = ANY($2::uuid[]))
ORDER BY refunded_at, id
"""
_REDEMPTIONS = """
SELECT id, store, points, captured, returned, value, purchase_total FROM redemptions
WHERE member_id = ANY($1::uuid[]) AND id = ANY($2::uuid[])
"""
_WHO = """
SELECT id, name, store, 'key' AS kind FROM terminals WHERE id = ANY($1::uuid[])
UNION ALL SELECT id, name, NULL, 'staff' FROM staff WHERE id = ANY($1::uuid[])
"""
_STORES = "SELECT code, name FROM stores"
_TAGS = """
SELECT tag, count(*) AS members FROM (SELECT unnest(tags) AS tag FROM profiles LIMIT 100000) AS t
GROUP BY tag ORDER BY count(*) DESC, tag LIMIT $1
"""


class Position(msgspec.Struct, frozen=True, array_like=True):
    """Up to where each source was told: ids, and the moment and name of what is read whole."""

    entries: UUID
    changes: UUID
    floors: UUID
    moves: UUID
    at: datetime
    name: str


class Lines(msgspec.Struct, frozen=True):
    """What one page of the long sources holds."""

    entries: list[Any]
    changes: list[Any]
    floors: list[Any]
    moves: list[Any]


class Short(msgspec.Struct, frozen=True):
    """What is read whole."""

    merges: list[Any]
    exports: list[Any]
    redemptions: list[Any]
    refunds: list[Any]


class Around(msgspec.Struct, frozen=True):
    """What stands behind the entries of a page, by id; refunds also by their purchase."""

    purchases: dict[UUID, Any]
    refunds: dict[UUID, Any]
    redemptions: dict[UUID, Any]


async def ledgers(connection: Connection, member: UUID) -> list[Any]:
    """The member first, then whoever was merged into them; [] for nobody."""
    rows: list[Any] = await connection.fetch(_LEDGERS, member)
    return rows if rows and rows[0]["id"] == member else []


async def lines(
    connection: Connection, members: Sequence[UUID], behind: Position, limit: int
) -> Lines:
    """So many of each long source behind a position."""
    who = list(members)
    changes = await connection.fetch(_CHANGES, who, behind.changes, limit)
    return Lines(
        await connection.fetch(_ENTRIES, who, behind.entries, limit),
        await member_changes.told(connection, changes),
        await connection.fetch(_FLOORS, who, behind.floors, limit),
        await connection.fetch(_MOVES, who, behind.moves, limit),
    )


async def short(connection: Connection, members: Sequence[UUID]) -> Short:
    """All of the short sources; the first of `members` is whose story it is."""
    who = list(members)
    return Short(
        await connection.fetch(_MERGES, who[0]),
        await connection.fetch(_EXPORTS, who),
        await connection.fetch(_OPEN_REDEMPTIONS, who),
        await connection.fetch(_SILENT_REFUNDS, who),
    )


async def around(connection: Connection, members: Sequence[UUID], causes: Sequence[UUID]) -> Around:
    """The purchases, refunds and redemptions that entries come from."""
    who, named = list(members), list(causes)
    refunds = await connection.fetch(_REFUNDS, who, named)
    bought = [*named, *(row["purchase_id"] for row in refunds)]
    purchases = await connection.fetch(_PURCHASES, who, bought)
    redemptions = await connection.fetch(_REDEMPTIONS, who, named)
    return Around(
        {row["id"]: row for row in purchases},
        {row["id"]: row for row in refunds},
        {row["id"]: row for row in redemptions},
    )


async def who(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, Any]:
    """The names of API keys and of people who are behind these ids."""
    return {row["id"]: row for row in await connection.fetch(_WHO, list(ids))}


async def stores(connection: Connection) -> dict[str, str]:
    """The names of all stores, by code."""
    return {row["code"]: row["name"] for row in await connection.fetch(_STORES)}


async def tags(connection: Connection, limit: int) -> list[str]:
    """The tags that are used most."""
    return [row["tag"] for row in await connection.fetch(_TAGS, limit)]
