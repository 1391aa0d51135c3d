"""What people did to schedules and items, and who it was. Nobody here commits."""

from datetime import datetime
from uuid import UUID

import msgspec

from shared.bus.handling import Connection

_NOTE = "INSERT INTO acts (id, act, target, actor, at) VALUES ($1, $2, $3, $4, $5)"
_NEWEST = "SELECT id, act, target, actor, at FROM acts WHERE id < $1 ORDER BY id DESC LIMIT $2"
PRUNE = """
DELETE FROM acts WHERE id IN (
    SELECT id FROM acts WHERE at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


class Act(msgspec.Struct, frozen=True):
    """`act` is pause, resume, run, change or cancel; `target` is `schedule:` or `item:` and its
    name or key; `actor` the API key."""

    id: UUID
    act: str
    target: str
    actor: str
    at: datetime


async def note(connection: Connection, act: Act) -> None:
    """Keep it."""
    await connection.execute(_NOTE, act.id, act.act, act.target, act.actor, act.at)


async def newest(connection: Connection, before: UUID, limit: int) -> list[Act]:
    """The newest acts before one of them."""
    return [Act(**row) for row in await connection.fetch(_NEWEST, before, limit)]
