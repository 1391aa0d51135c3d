"""Service points: how often tills and staff have given some."""

from datetime import datetime
from uuid import UUID

from shared.bus.handling import Connection

_GIVEN = """
SELECT count(*) FROM entries e WHERE member_id = $1 AND unit = 'point' AND kind = 'earn'
    AND source = 'service' AND actor ~ '^(terminal|staff):'
    AND occurred_at >= $2 AND occurred_at < $3
    AND NOT EXISTS (SELECT FROM entries u WHERE u.member_id = $1 AND u.reverses = e.id
        AND u.kind = 'reverse')
"""


async def given_by_tills(
    connection: Connection, member: UUID, since: datetime, until: datetime
) -> int:
    """How often tills and staff gave the member service points from `since` until before `until`;
    what was undone does not count."""
    given: int = await connection.fetchval(_GIVEN, member, since, until)
    return given
