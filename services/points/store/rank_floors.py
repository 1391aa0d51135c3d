"""Floors under ranks: the one in force, and all that were ever given or lifted by hand."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from shared.bus.handling import Connection

_SET = """
INSERT INTO ranks AS r (member_id, code, since, floor, floor_until) VALUES ($1, NULL, $4, $2, $3)
ON CONFLICT (member_id) DO UPDATE SET floor = excluded.floor, floor_until = excluded.floor_until
"""
_NOTE = """
INSERT INTO rank_floors (member_id, id, code, until, reason, actor, decided_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
_HISTORY = """
SELECT code, until, reason, actor, decided_at FROM rank_floors
WHERE member_id = $1 ORDER BY id DESC LIMIT $2
"""


class Floor(msgspec.Struct, frozen=True):
    """A floor as it was decided, by whom and why; `code` None lifts the one before."""

    code: str | None
    until: datetime | None
    reason: str
    actor: str
    decided_at: datetime


async def history(connection: Connection, member: UUID, limit: int) -> list[Floor]:
    """What was decided about a member's floor, newest first."""
    rows: list[Any] = await connection.fetch(_HISTORY, member, limit)
    return [Floor(**row) for row in rows]


async def decide(connection: Connection, member: UUID, id: UUID, floor: Floor) -> None:
    """Put a floor under a member's rank, or lift it. The member's account must be locked."""
    await connection.execute(_SET, member, floor.code, floor.until, floor.decided_at)
    await connection.execute(
        _NOTE, member, id, floor.code, floor.until, floor.reason, floor.actor, floor.decided_at
    )
