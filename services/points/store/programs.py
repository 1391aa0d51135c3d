"""Versions of the program. A version never changes once published."""

from datetime import datetime

import msgspec

from shared.bus.handling import Connection

_PUBLISH = """
INSERT INTO programs (version, document, effective_from, published_at, published_by)
VALUES ($1, $2, $3, $4, $5)
"""
_ALL = """
SELECT version, document, effective_from, published_at, published_by
FROM programs WHERE version > $1 ORDER BY version
"""
_NEWEST = "SELECT max(version) FROM programs"
_LOCK = "LOCK TABLE programs IN EXCLUSIVE MODE"


class Version(msgspec.Struct, frozen=True):
    """A published version; `document` is the JSON text as it was put."""

    version: int
    document: str
    effective_from: datetime
    published_at: datetime
    published_by: str


async def newest(connection: Connection) -> int:
    """The number of the newest version, 0 when there is none."""
    return await connection.fetchval(_NEWEST) or 0


async def after(connection: Connection, version: int) -> list[Version]:
    """Versions newer than `version`, oldest first."""
    return [Version(**row) for row in await connection.fetch(_ALL, version)]


async def lock(connection: Connection) -> int:
    """Keep other publications out until the transaction ends; returns the newest version."""
    await connection.execute(_LOCK)
    return await newest(connection)


async def publish(connection: Connection, version: Version) -> None:
    """Add a version."""
    await connection.execute(
        _PUBLISH,
        version.version,
        version.document,
        version.effective_from,
        version.published_at,
        version.published_by,
    )
