"""Cards of the shop's earlier life, and whose they are now."""

from collections.abc import Sequence
from uuid import UUID

from shared.bus.handling import Connection

_FIND = "SELECT card, member_id FROM old_cards WHERE card = ANY($1)"
_ADD = """
INSERT INTO old_cards (card, member_id, import_id)
SELECT card, member_id, $3 FROM unnest($1::text[], $2::uuid[]) AS c (card, member_id)
ORDER BY card ON CONFLICT DO NOTHING
"""
_DROP = "DELETE FROM old_cards WHERE import_id = $1 AND member_id = ANY($2::uuid[])"


async def find(connection: Connection, numbers: Sequence[str]) -> dict[str, UUID]:
    """Those of these numbers that are somebody's old card, with the member."""
    rows = await connection.fetch(_FIND, list(numbers))
    return {row["card"]: row["member_id"] for row in rows}


async def add(connection: Connection, import_id: UUID, cards: Sequence[tuple[str, UUID]]) -> None:
    """Let these numbers lead to these members. The names must be locked."""
    if cards:
        numbers, members = zip(*cards, strict=True)
        await connection.execute(_ADD, list(numbers), list(members), import_id)


async def drop(connection: Connection, import_id: UUID, members: Sequence[UUID]) -> None:
    """Take back what an import let lead to these members."""
    await connection.execute(_DROP, import_id, list(members))
