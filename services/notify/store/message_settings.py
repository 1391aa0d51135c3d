"""The owner's settings of messages: every revision as it was put. Nothing here commits."""

from datetime import datetime
from typing import Any, NamedTuple

import asyncpg

from shared.bus.handling import Connection

_LATEST = """
SELECT revision, document, changed_at FROM message_settings ORDER BY revision DESC LIMIT 1
"""
_LOCK = "LOCK TABLE message_settings IN SHARE ROW EXCLUSIVE MODE"
_PUT = """
INSERT INTO message_settings (revision, document, changed_at, changed_by)
VALUES ($1, $2, $3, $4)
"""


class Revision(NamedTuple):
    """A revision (from 1) and its document as JSON."""

    revision: int
    document: str
    changed_at: datetime


async def latest(connection: "Connection | asyncpg.Pool[Any]") -> Revision | None:
    """What counts; None until something was put."""
    row = await connection.fetchrow(_LATEST)
    return Revision(*row) if row else None


async def latest_locked(connection: Connection) -> Revision | None:
    """The same, and nobody else puts another before this transaction ends."""
    await connection.execute(_LOCK)
    return await latest(connection)


async def put(connection: Connection, revision: Revision, changed_by: str) -> None:
    """Let this revision count from now on."""
    await connection.execute(
        _PUT, revision.revision, revision.document, revision.changed_at, changed_by
    )
