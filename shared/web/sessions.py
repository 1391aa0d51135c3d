"""Sessions of staff that were ended before their token ran out, as each service keeps them.

The service's schema has `ended_sessions (session_id uuid primary key, ended_at timestamptz)`, fed
by `staff.session_ended` (in points, by the ending itself). A token lives for minutes, so rows need
not live for long.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from shared.bus.handling import Batch, Connection, Handlers
from shared.events import Event, StaffSessionEnded

KEPT = timedelta(days=1)
"""Far longer than any token is good (`session_token.LIFE`), whatever a clock says."""

_END = """
INSERT INTO ended_sessions (session_id, ended_at)
SELECT session_id, $2 FROM unnest($1::uuid[]) AS session_id ORDER BY session_id
ON CONFLICT DO NOTHING
"""
_ENDED = "SELECT EXISTS (SELECT FROM ended_sessions WHERE session_id = $1)"
PRUNE = """
DELETE FROM ended_sessions WHERE session_id IN (
    SELECT session_id FROM ended_sessions WHERE ended_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


async def end(connection: Connection, sessions: Sequence[UUID], at: datetime) -> None:
    """Refuse what these sessions' tokens ask from now on."""
    await connection.execute(_END, list(sessions), at)


async def is_ended(connection: Connection, session: UUID) -> bool:
    """Whether a session was ended."""
    ended: bool = await connection.fetchval(_ENDED, session)
    return ended


async def _ended(batch: Batch, events: list[Event[StaffSessionEnded]]) -> None:
    for event in events:
        await end(batch.connection, [event.data.session_id], event.data.ended_at)


HANDLERS: Handlers = {"staff.session_ended.v1": _ended}
"""Of a service's queue for its copies; known twice changes nothing, so it needs no inbox."""
