"""What owners say, in PostgreSQL: versions that are added and never changed. Nothing commits here.

Whoever saves takes the `lock` first, so that what they read before is still so.
"""

from datetime import datetime
from typing import Any, NamedTuple

import asyncpg

from shared.bus.handling import Connection

_VERSION = "kind, language, version, messages, note, created_at, created_by"
_SAVE = f"""
INSERT INTO templates ({_VERSION})
SELECT $1, $2, coalesce(max(version), 0) + 1, $3, $4, $5, $6
FROM templates WHERE kind = $1 AND language = $2
RETURNING {_VERSION}
"""
_IN_FORCE = f"""
SELECT DISTINCT ON (kind, language) {_VERSION} FROM templates
ORDER BY kind, language, version DESC
"""
_PAGE = f"""
SELECT {_VERSION} FROM templates
WHERE kind = $1 AND language = $2 AND version < $3 ORDER BY version DESC LIMIT $4
"""
_THEME = "SELECT version, brand, created_at, created_by FROM themes ORDER BY version DESC LIMIT 1"
_SAVE_THEME = """
INSERT INTO themes (version, brand, created_at, created_by)
SELECT coalesce(max(version), 0) + 1, $1, $2, $3 FROM themes
RETURNING version, brand, created_at, created_by
"""
_MARKS = "SELECT (SELECT count(*) FROM templates), (SELECT count(*) FROM themes)"

_LOCK = "LOCK TABLE templates, themes IN SHARE ROW EXCLUSIVE MODE"

LATEST = 2**31 - 1
"""Above every version."""


class Version(NamedTuple):
    """A version of a kind in a language. `messages` is JSON as it was put; None is the default."""

    kind: str
    language: str
    version: int
    messages: str | None
    note: str | None
    created_at: datetime
    created_by: str


class Theme(NamedTuple):
    """A brand colour as #RRGGBB, and who chose it when."""

    version: int
    brand: str
    created_at: datetime
    created_by: str


async def lock(connection: Connection) -> None:
    """Let nobody else save until the end of the transaction; everybody can read."""
    await connection.execute(_LOCK)


async def save(
    connection: Connection,
    kind: str,
    language: str,
    messages: str | None,
    *,
    note: str | None,
    by: str,
    now: datetime,
) -> Version:
    """Add the next version, in force from the commit on."""
    row = await connection.fetchrow(_SAVE, kind, language, messages, note, now, by)
    assert row is not None  # noqa: S101 - an INSERT … RETURNING without conflict clause
    return Version(**row)


async def in_force(connection: "Connection | asyncpg.Pool[Any]") -> list[Version]:
    """The newest version of each kind and language that ever had one."""
    return [Version(**row) for row in await connection.fetch(_IN_FORCE)]


async def page(
    connection: Connection, kind: str, language: str, *, before: int = LATEST, limit: int = 1
) -> list[Version]:
    """Versions below a number, newest first."""
    rows = await connection.fetch(_PAGE, kind, language, before, limit)
    return [Version(**row) for row in rows]


async def theme(connection: "Connection | asyncpg.Pool[Any]") -> Theme | None:
    """The theme in force; None until one was chosen."""
    row = await connection.fetchrow(_THEME)
    return Theme(**row) if row else None


async def save_theme(connection: Connection, brand: str, by: str, now: datetime) -> Theme:
    """Add the next theme, in force from the commit on."""
    row = await connection.fetchrow(_SAVE_THEME, brand, now, by)
    assert row is not None  # noqa: S101 - as above
    return Theme(**row)


async def marks(connection: "Connection | asyncpg.Pool[Any]") -> tuple[int, int]:
    """Numbers that change with everything that is saved: rows are only ever added, so counting them
    misses nothing, whatever order transactions end in."""
    row = await connection.fetchrow(_MARKS)
    assert row is not None  # noqa: S101 - it selects without a table
    return row[0], row[1]
