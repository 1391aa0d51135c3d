"""Runs that rank everybody again, with how far each has come."""

from datetime import datetime
from uuid import UUID

import msgspec

from shared.bus.handling import Connection

FROM_THE_START = UUID(int=0)

_START = """
INSERT INTO rank_runs (id, reason, evaluation, after_member, started_at)
VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING
"""
_NEXT = """
SELECT id, reason, evaluation, after_member FROM rank_runs
WHERE finished_at IS NULL ORDER BY started_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""
_ADVANCE = "UPDATE rank_runs SET after_member = $2, finished_at = $3 WHERE id = $1"


class Run(msgspec.Struct, frozen=True):
    """An unfinished run; members up to `after_member` are done."""

    id: UUID
    reason: str
    evaluation: bool
    after_member: UUID


async def start(
    connection: Connection, id: UUID, reason: str, evaluation: bool, now: datetime
) -> None:
    """Note a run; the same id starts once."""
    await connection.execute(_START, id, reason, evaluation, FROM_THE_START, now)


async def next_page(connection: Connection) -> Run | None:
    """The oldest unfinished run that nobody else is working on, locked."""
    row = await connection.fetchrow(_NEXT)
    return Run(**row) if row else None


async def advance(
    connection: Connection, run: Run, after_member: UUID, finished_at: datetime | None
) -> None:
    """Note how far the run has come."""
    await connection.execute(_ADVANCE, run.id, after_member, finished_at)
