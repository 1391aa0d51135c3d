"""Who holds a card, as the card's own pages look at them, and older rows of a history.

A card is opened far more often than it changes: who it is and what state it is in is one query.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from services.points.store import member_changes
from shared.bus.handling import Connection

_COLUMNS = """
SELECT m.id, m.line_user_id, m.status, p.fields ->> 'name' AS name, concat_ws(',', m.card, m.status,
    a.in_lots, a.pending, a.held, a.debt, a.visits, r.code, p.fields ->> 'name', (
        SELECT id FROM entries WHERE member_id = m.id ORDER BY id DESC LIMIT 1)) AS state
FROM members m JOIN accounts a ON a.member_id = m.id AND a.unit = 'point'
LEFT JOIN profiles p ON p.member_id = m.id LEFT JOIN ranks r ON r.member_id = m.id
"""
_BY_USER = f"{_COLUMNS} WHERE m.line_user_id = $1"
_BY_ID = f"{_COLUMNS} WHERE m.id = $1"
_ENTRIES = """
SELECT id, kind, unit, amount, balance_after, occurred_at, source, explanation
FROM entries WHERE member_id = $1 AND id < $2 AND kind = ANY($3::text[])
ORDER BY id DESC LIMIT $4
"""
_BY_ACTOR = """
SELECT member_id, before, after, reason, sealed FROM member_changes
WHERE member_id = $1 AND actor = $2
"""


class Holder(msgspec.Struct, frozen=True):
    """A member behind a card; `name` is what they told the shop, if anything, `state` changes
    whenever anything on the card does."""

    id: UUID
    line_user_id: str | None
    status: str
    name: str | None
    state: str = ""


async def of_user(connection: Connection, user: str) -> Holder | None:
    """The member of a LINE user."""
    row = await connection.fetchrow(_BY_USER, user)
    return Holder(*row) if row else None


async def of_id(connection: Connection, id: UUID) -> Holder | None:
    """The member with this id."""
    row = await connection.fetchrow(_BY_ID, id)
    return Holder(*row) if row else None


async def entries(
    connection: Connection, member: UUID, before: UUID, kinds: Sequence[str], limit: int
) -> list[Any]:
    """Ledger rows of some kinds before an id, newest first."""
    return await connection.fetch(_ENTRIES, member, before, list(kinds), limit)


async def has_set(connection: Connection, member: UUID, actor: str, what: str) -> bool:
    """Whether somebody has ever told this of the member, also if it was taken away again."""
    rows = await connection.fetch(_BY_ACTOR, member, actor)
    changes = await member_changes.told(connection, rows)
    return any(each["after"].get(what) is not None for each in changes)
