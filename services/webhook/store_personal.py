"""What the spool holds of somebody: read for a copy, deleted for good. Nothing here commits."""

from collections.abc import Sequence
from typing import Any

from shared.bus.handling import Connection

_SPOOLED = """
SELECT DISTINCT type, body, accepted_at, seq FROM spool, unnest($1::text[]) AS name
WHERE position(convert_to(name, 'UTF8') IN body) > 0 ORDER BY seq
"""
_DELETE = """
DELETE FROM spool USING unnest($1::text[]) AS name
WHERE type = 'line.event_received.v1' AND position(convert_to(name, 'UTF8') IN body) > 0
"""


async def spooled(connection: Connection, users: Sequence[str]) -> list[Any]:
    """Events in the spool that name one of these LINE users: type, body, accepted_at."""
    return await connection.fetch(_SPOOLED, list(users))


async def erase(connection: Connection, users: Sequence[str]) -> None:
    """Delete what LINE sent of these users; purchases were accepted and go their way."""
    await connection.execute(_DELETE, list(users))
