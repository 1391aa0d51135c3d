"""The inbox: which events a reader has already let take effect.

Recorded in the transaction of the effect, so an event that is delivered again has none.
Each service's schema has a table `inbox (reader text, event_id uuid, seen_at timestamptz)` with the
primary key (reader, event_id).
"""

from datetime import timedelta
from typing import Any

from shared import clock
from shared.bus.handling import Connection
from shared.events import Event

KEPT = timedelta(days=30)
"""Longer than an event can come again. The bus repeats it within minutes (the delay queues together
take 13) or when a broker that was away is back; what may take longer is a person: a message of many
events, some of them done, that lies among the dead letters until it is replayed. Letters older than
this are better dropped than replayed."""

_CLAIM = """
INSERT INTO inbox (reader, event_id, seen_at)
SELECT $1, event_id, $3 FROM unnest($2::uuid[]) AS event_id ORDER BY event_id
ON CONFLICT DO NOTHING RETURNING event_id
"""

PRUNE = """
DELETE FROM inbox WHERE (reader, event_id) IN (
    SELECT reader, event_id FROM inbox WHERE seen_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


async def fresh(connection: Connection, reader: str, events: list[Event[Any]]) -> list[Event[Any]]:
    """The events that `reader` sees for the first time, without repeats, in their order."""
    unique = {event.id: event for event in events}
    rows = await connection.fetch(_CLAIM, reader, list(unique), clock.now())
    new = {row["event_id"] for row in rows}
    return [event for event_id, event in unique.items() if event_id in new]
