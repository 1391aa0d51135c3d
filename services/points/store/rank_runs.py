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
SELECT r.id, r.reason, r.evaluation, r.after_member, (
    SELECT l.id FROM rank_runs l
    WHERE l.finished_at IS NULL AND (l.started_at, l.id) > (r.started_at, r.id)
        AND (l.evaluation OR NOT r.evaluation)
    ORDER BY l.started_at DESC LIMIT 1) AS superseded_by
FROM rank_runs r
WHERE r.finished_at IS NULL ORDER BY r.started_at, r.id LIMIT 1 FOR UPDATE SKIP LOCKED
"""
_ADVANCE = """
UPDATE rank_runs SET after_member = $2, members = members + $3, finished_at = $4 WHERE id = $1
"""
_FINISHED = "SELECT finished_at IS NOT NULL FROM rank_runs WHERE id = $1"
_SUPERSEDE = "UPDATE rank_runs SET superseded_by = $2, finished_at = $3 WHERE id = $1"
_LATEST = """
SELECT reason, evaluation, members, started_at, finished_at, superseded_by IS NOT NULL AS superseded
FROM rank_runs ORDER BY started_at DESC, id DESC LIMIT $1
"""
PRUNE = """
DELETE FROM rank_runs WHERE id IN (
    SELECT id FROM rank_runs WHERE finished_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


class Run(msgspec.Struct, frozen=True):
    """An unfinished run; members up to `after_member` are done.

    `superseded_by`: a later run that will do all that is left of this one.
    """

    id: UUID
    reason: str
    evaluation: bool
    after_member: UUID
    superseded_by: UUID | None


class Stand(msgspec.Struct, frozen=True):
    """How a run stands: so many members are done, `finished_at` None while it goes on."""

    reason: str
    evaluation: bool
    members: int
    started_at: datetime
    finished_at: datetime | None
    superseded: bool


async def latest(connection: Connection, limit: int = 3) -> list[Stand]:
    """The last runs, newest first."""
    return [Stand(**row) for row in await connection.fetch(_LATEST, limit)]


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
    connection: Connection,
    run: Run,
    after_member: UUID,
    members: int,
    finished_at: datetime | None,
) -> None:
    """Note how far the run has come with so many members more."""
    await connection.execute(_ADVANCE, run.id, after_member, members, finished_at)


async def finished(connection: Connection, id: UUID) -> bool | None:
    """Whether a run is finished; None when there is none."""
    found: bool | None = await connection.fetchval(_FINISHED, id)
    return found


async def supersede(connection: Connection, run: Run, now: datetime) -> None:
    """End a run in favour of the later one that it names."""
    await connection.execute(_SUPERSEDE, run.id, run.superseded_by, now)
