"""Versions of the program. A version never changes once published: rows are only added.

Numbers grow with what was said (versions and withdrawals alike), starts need not.
"""

from datetime import datetime

import msgspec

from shared.bus.handling import Connection

_ADD = """
INSERT INTO programs (version, document, effective_from, published_at, published_by, withdraws)
VALUES ($1, $2, $3, $4, $5, $6)
"""
_COLUMNS = "version, document, effective_from, published_at, published_by, withdraws"
_AFTER = f"SELECT {_COLUMNS} FROM programs WHERE version > $1 ORDER BY version"
_ONE = f"SELECT {_COLUMNS} FROM programs WHERE version = $1"
_IN_FORCE = f"""
SELECT {_COLUMNS} FROM programs p
WHERE effective_from <= $1 AND withdraws IS NULL
    AND NOT EXISTS (SELECT FROM programs w WHERE w.withdraws = p.version)
ORDER BY effective_from DESC, version DESC LIMIT 1
"""
_NEWEST = "SELECT max(version) FROM programs"
_LOCK = "LOCK TABLE programs IN EXCLUSIVE MODE"


class Version(msgspec.Struct, frozen=True):
    """A published version; `document` is the JSON text as it was put.

    With `withdraws` it is no version but the word that takes that one back.
    """

    version: int
    document: str
    effective_from: datetime
    published_at: datetime
    published_by: str
    withdraws: int | None = None


async def newest(connection: Connection) -> int:
    """The highest number so far, 0 when nothing was ever published."""
    return await connection.fetchval(_NEWEST) or 0


async def after(connection: Connection, version: int) -> list[Version]:
    """All that was said since `version`, oldest first; withdrawals too."""
    return [Version(**row) for row in await connection.fetch(_AFTER, version)]


async def one(connection: Connection, version: int) -> Version | None:
    """What has this number; a withdrawal too."""
    row = await connection.fetchrow(_ONE, version)
    return Version(**row) if row else None


async def in_force(connection: Connection, at: datetime) -> Version | None:
    """The version in force at a moment; None before the first one."""
    row = await connection.fetchrow(_IN_FORCE, at)
    return Version(**row) if row else None


async def lock(connection: Connection) -> int:
    """Keep other publications out until the transaction ends; returns the highest number."""
    await connection.execute(_LOCK)
    return await newest(connection)


async def add(connection: Connection, version: Version) -> None:
    """Add a version or a withdrawal."""
    await connection.execute(_ADD, *msgspec.structs.astuple(version))
