"""Takeouts: which there are, how far each is, and the ZIP in chunks."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from shared.bus.handling import Connection

_COLUMNS = """
id, status, attempts, section, rows, size, taken_at, asked_by, asked_at, finished_at
"""
_ADD = "INSERT INTO takeouts (id, status, asked_by, asked_at) VALUES ($1, 'waiting', $2, $3)"
_ONE = f"SELECT {_COLUMNS} FROM takeouts WHERE id = $1"
_LATEST = f"SELECT {_COLUMNS} FROM takeouts ORDER BY asked_at DESC LIMIT $1"
_OPEN = "SELECT id FROM takeouts WHERE finished_at IS NULL ORDER BY asked_at LIMIT $1"
_MINE = "SELECT pg_try_advisory_xact_lock(hashtextextended('takeout ' || $1::text, 0))"
_BEGIN = f"""
WITH emptied AS (DELETE FROM takeout_chunks WHERE takeout_id = $1)
UPDATE takeouts SET status = 'writing', attempts = attempts + 1, section = NULL, rows = 0,
    size = 0, taken_at = $2
WHERE id = $1 AND finished_at IS NULL RETURNING {_COLUMNS}
"""
_KEEP = """
WITH there AS (
    UPDATE takeouts SET section = $4, rows = $5, size = size + length($3::bytea)
    WHERE id = $1 AND finished_at IS NULL RETURNING id
)
INSERT INTO takeout_chunks (takeout_id, number, body) SELECT id, $2, $3::bytea FROM there
RETURNING true
"""
_FINISH = """
UPDATE takeouts SET status = $2, finished_at = $3, section = NULL
WHERE id = $1 AND finished_at IS NULL
"""
_CANCEL = """
UPDATE takeouts SET status = 'cancelled', finished_at = coalesce(finished_at, $2), section = NULL,
    size = 0
WHERE id = $1
"""
_EMPTY = "DELETE FROM takeout_chunks WHERE takeout_id = $1"
_CHUNK = "SELECT body FROM takeout_chunks WHERE takeout_id = $1 AND number = $2"
PRUNE = """
DELETE FROM takeouts WHERE id IN (
    SELECT id FROM takeouts WHERE asked_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


class Takeout(msgspec.Struct, frozen=True):
    """A copy of everything. `section` is what is being written, `rows` how many are, `size` the
    bytes of the ZIP so far, `taken_at` the moment that it shows."""

    id: UUID
    status: str
    attempts: int
    section: str | None
    rows: int
    size: int
    taken_at: datetime | None
    asked_by: str
    asked_at: datetime
    finished_at: datetime | None


async def add(connection: Connection, id: UUID, by: str, now: datetime) -> None:
    """Ask for a copy."""
    await connection.execute(_ADD, id, by, now)


async def one(connection: Any, id: UUID) -> Takeout | None:
    """A copy, however far it is."""
    row = await connection.fetchrow(_ONE, id)
    return Takeout(*row) if row else None


async def latest(connection: Connection, limit: int) -> list[Takeout]:
    """The last copies that were asked for, newest first."""
    return [Takeout(*row) for row in await connection.fetch(_LATEST, limit)]


async def unfinished(connection: Connection, limit: int) -> list[UUID]:
    """Copies to work on, oldest first; somebody may be at it."""
    return [row["id"] for row in await connection.fetch(_OPEN, limit)]


async def claim(connection: Connection, id: UUID) -> bool:
    """Have a copy to oneself until the transaction ends; False when somebody else has it."""
    return bool(await connection.fetchval(_MINE, str(id)))


async def begin(connection: Any, id: UUID, now: datetime) -> Takeout | None:
    """Note that a claimed copy is written, from the start; None when it is over meanwhile."""
    row = await connection.fetchrow(_BEGIN, id, now)
    return Takeout(*row) if row else None


async def keep(
    connection: Any, id: UUID, number: int, body: bytes, section: str, rows: int
) -> bool:
    """Keep a part of the ZIP; False when the copy was cancelled."""
    return bool(await connection.fetchval(_KEEP, id, number, body, section, rows))


async def finish(connection: Any, id: UUID, status: str, now: datetime) -> None:
    """End a copy as done, failed or cancelled; one that is over stays as it is."""
    await connection.execute(_FINISH, id, status, now)


async def cancel(connection: Connection, id: UUID, now: datetime) -> None:
    """Take a copy back, finished or not, and delete what there is of it."""
    await connection.execute(_CANCEL, id, now)
    await empty(connection, id)


async def empty(connection: Any, id: UUID) -> None:
    """Delete the parts of the ZIP."""
    await connection.execute(_EMPTY, id)


async def parts(pool: Any, id: UUID) -> AsyncIterator[bytes]:
    """The ZIP, part by part; no connection is held while a slow reader is waited for."""
    number = 0
    while (body := await pool.fetchval(_CHUNK, id, number)) is not None:
        yield body
        number += 1
