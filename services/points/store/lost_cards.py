"""Cards that were replaced, and new numbers on members."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from shared.bus.handling import Connection

_ADD = """
WITH kept AS (
    INSERT INTO lost_cards (card, member_id, replaced_at, reason, actor)
    VALUES ($2, $1, $4, $5, $6)
)
UPDATE members SET card = $3 WHERE id = $1
"""
_FIND = "SELECT card, member_id, replaced_at FROM lost_cards WHERE card = ANY($1)"


class LostCard(msgspec.Struct, frozen=True):
    """A card that counts no more for what happened since `replaced_at`."""

    card: str
    member_id: UUID
    replaced_at: datetime


async def replace(
    connection: Connection, lost: LostCard, card: str, *, reason: str, actor: str
) -> None:
    """Give the member another card. The member must be locked."""
    await connection.execute(_ADD, lost.member_id, lost.card, card, lost.replaced_at, reason, actor)


async def find(connection: Connection, cards: Sequence[str]) -> dict[str, LostCard]:
    """Those of these cards that were replaced."""
    rows = await connection.fetch(_FIND, list(cards))
    return {row["card"]: LostCard(**row) for row in rows}
