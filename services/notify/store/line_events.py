"""LINE's events as they came, for as long as `retention` says; without what was unsent."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from shared.bus.handling import Connection

UNSEND = "unsend"


class Kept(NamedTuple):
    """An event to keep. `message_id` names the message it brings, or takes back."""

    id: UUID
    kind: str
    line_user_id: str | None
    message_id: str | None
    raw: bytes
    received_at: datetime


_KEEP = """
INSERT INTO line_events (id, kind, line_user_id, message_id, raw, received_at)
SELECT id, kind, line_user_id, message_id, raw, received_at
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::timestamptz[])
    AS r (id, kind, line_user_id, message_id, raw, received_at)
ORDER BY id
ON CONFLICT DO NOTHING
RETURNING id
"""

# Whichever of the two came first, and in one batch too: both are stored by now.
_FORGET_UNSENT = """
UPDATE line_events AS said SET raw = NULL
FROM line_events AS unsent
WHERE said.message_id = ANY($1::text[]) AND said.kind = 'message' AND said.raw IS NOT NULL
    AND unsent.message_id = said.message_id AND unsent.kind = 'unsend'
"""

PRUNE = """
DELETE FROM line_events WHERE id IN (
    SELECT id FROM line_events WHERE received_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


async def keep(connection: Connection, events: Sequence[Kept]) -> set[UUID]:
    """Store events; the ids of those that were not there yet. Texts that were unsent go."""
    columns: list[list[Any]] = [list(column) for column in zip(*events, strict=True)]
    rows = await connection.fetch(_KEEP, *columns)
    message_ids = [event.message_id for event in events if event.message_id]
    if message_ids:
        await connection.execute(_FORGET_UNSENT, message_ids)
    return {row[0] for row in rows}
