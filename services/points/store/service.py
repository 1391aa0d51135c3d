"""Service points: how often tills have given some."""

from datetime import datetime
from uuid import UUID

from shared.bus.handling import Connection

_GIVEN = """
SELECT count(*) FROM entries WHERE member_id = $1 AND unit = 'point' AND kind = 'earn'
    AND source = 'service' AND actor ~ '^(terminal|staff):'
    AND occurred_at >= $2 AND occurred_at < $3
"""


async def given_by_tills(
    connection: Connection, member: UUID, since: datetime, until: datetime
) -> int:
    """How often tills gave the member service points from `since` until before `until`."""
    given: int = await connection.fetchval(_GIVEN, member, since, until)
    return given
