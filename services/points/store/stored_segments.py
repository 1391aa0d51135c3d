"""Segments that the owner named."""

from datetime import datetime
from typing import Any

import msgspec

from shared.bus.handling import Connection

_COLUMNS = "code, name, definition::text, revision, changed_by, changed_at"
_EVERY = f"SELECT {_COLUMNS} FROM segments ORDER BY code"
_ONE = f"SELECT {_COLUMNS} FROM segments WHERE code = $1"
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('segments', 0))"
_SAVE = f"""
INSERT INTO segments AS known (code, name, definition, revision, changed_by, changed_at)
VALUES ($1, $2, $3, 1, $4, $5)
ON CONFLICT (code) DO UPDATE SET name = excluded.name, definition = excluded.definition,
    revision = known.revision + 1, changed_by = excluded.changed_by,
    changed_at = excluded.changed_at
RETURNING {_COLUMNS}
"""
_REMOVE = "DELETE FROM segments WHERE code = $1 RETURNING true"
_COUNT = "SELECT count(*) FROM segments"


class Stored(msgspec.Struct, frozen=True):
    """A segment as it was last written; `definition` is JSON text."""

    code: str
    name: str
    definition: str
    revision: int
    changed_by: str
    changed_at: datetime


async def every(connection: Connection) -> list[Stored]:
    """All of them, by code."""
    return [Stored(*row) for row in await connection.fetch(_EVERY)]


async def one(connection: Connection, code: str) -> Stored | None:
    """The one of this code."""
    row: Any = await connection.fetchrow(_ONE, code)
    return Stored(*row) if row else None


async def lock(connection: Connection) -> None:
    """Let nobody else change segments until the transaction ends."""
    await connection.execute(_LOCK)


async def save(
    connection: Connection, code: str, name: str, definition: str, by: str, now: datetime
) -> Stored:
    """Write one, new or instead of what was there."""
    row: Any = await connection.fetchrow(_SAVE, code, name, definition, by, now)
    return Stored(*row)


async def remove(connection: Connection, code: str) -> bool:
    """Forget one; False when there was none."""
    return bool(await connection.fetchval(_REMOVE, code))


async def count(connection: Connection) -> int:
    """How many there are."""
    return int(await connection.fetchval(_COUNT))
