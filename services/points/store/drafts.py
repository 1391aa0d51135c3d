"""The draft of the program: the one that is being written, or none."""

from datetime import datetime
from typing import Any

import msgspec

from shared.bus.handling import Connection

_COLUMNS = "document::text, base, revision, saved_by, saved_at"
_READ = f"SELECT {_COLUMNS} FROM program_drafts"
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('program draft', 0))"
_SAVE = f"""
INSERT INTO program_drafts AS known (id, document, base, revision, saved_by, saved_at)
VALUES (true, $1, $2, 1, $3, $4)
ON CONFLICT (id) DO UPDATE SET document = excluded.document, base = excluded.base,
    revision = known.revision + 1, saved_by = excluded.saved_by, saved_at = excluded.saved_at
RETURNING {_COLUMNS}
"""
_REMOVE = "DELETE FROM program_drafts"


class Draft(msgspec.Struct, frozen=True):
    """The rules as far as they are written. `document` is JSON text; `base` is the version that the
    writing began from, 0 for none."""

    document: str
    base: int
    revision: int
    saved_by: str
    saved_at: datetime


async def read(connection: Connection) -> Draft | None:
    """The draft, if there is one."""
    row: Any = await connection.fetchrow(_READ)
    return Draft(*row) if row else None


async def lock(connection: Connection) -> None:
    """Let nobody else save the draft until the transaction ends."""
    await connection.execute(_LOCK)


async def save(connection: Connection, document: str, base: int, by: str, now: datetime) -> Draft:
    """Write the draft, new or instead of what was there."""
    row: Any = await connection.fetchrow(_SAVE, document, base, by, now)
    return Draft(*row)


async def remove(connection: Connection) -> None:
    """Throw the draft away; none is no matter."""
    await connection.execute(_REMOVE)
