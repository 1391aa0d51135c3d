"""Streams of segments that were asked for, and how far each is."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from shared.bus.handling import Connection

_ADD = """
INSERT INTO segment_requests (id, definition, segment, single, attempts, members, asked_at)
VALUES ($1, $2, $3, $4, 0, 0, $5) ON CONFLICT (id) DO NOTHING
"""
_OPEN = """
SELECT id FROM segment_requests WHERE finished_at IS NULL AND (single OR NOT $1)
ORDER BY asked_at, id LIMIT $2
"""
_MINE = "SELECT pg_try_advisory_xact_lock(hashtextextended('segment ' || $1::text, 0))"
_BEGIN = """
UPDATE segment_requests SET attempts = attempts + 1, stream_id = $2, members = 0
WHERE id = $1 AND finished_at IS NULL RETURNING id, definition, segment, attempts
"""
_FINISH = """
UPDATE segment_requests SET members = $2, finished_at = $3 WHERE id = $1 AND finished_at IS NULL
"""
PRUNE = """
DELETE FROM segment_requests WHERE id IN (
    SELECT id FROM segment_requests WHERE finished_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


class Asked(msgspec.Struct, frozen=True):
    """A stream that was asked for; `definition` is JSON text. `attempts` counts this one too."""

    id: UUID
    definition: str
    segment: str | None
    attempts: int


async def add(
    connection: Connection,
    id: UUID,
    definition: bytes,
    segment: str | None,
    *,
    single: bool,
    now: datetime,
) -> None:
    """Ask for a stream, of one member (`single`) or many; the same id asks once."""
    await connection.execute(_ADD, id, definition.decode(), segment, single, now)


async def unfinished(connection: Connection, limit: int, *, single: bool) -> list[UUID]:
    """What to work on, oldest first (only what is `single`); somebody may be at it."""
    return [row["id"] for row in await connection.fetch(_OPEN, single, limit)]


async def claim(connection: Connection, id: UUID) -> bool:
    """Have a request to oneself until the transaction ends; False when somebody else has it."""
    return bool(await connection.fetchval(_MINE, str(id)))


async def begin(connection: Any, id: UUID, stream: UUID) -> Asked | None:
    """Note that a claimed request is streamed; None when it is over meanwhile."""
    row = await connection.fetchrow(_BEGIN, id, stream)
    return Asked(*row) if row else None


async def finish(connection: Any, id: UUID, members: int, now: datetime) -> None:
    """Note that a stream has ended with so many members."""
    await connection.execute(_FINISH, id, members, now)
