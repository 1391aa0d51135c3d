"""What people who were signed in, and owner keys, changed in any service, as it is told by
`staff.acted` and `key.acted`."""

from datetime import timedelta

from services.points.store import audit as store
from shared.bus.handling import Batch
from shared.events import Event, KeyActed, StaffActed

KEPT = timedelta(days=730)
"""Two years, as the scheduler keeps its acts: last year's change of rules can be looked up. A month
goes as a whole, when the last of it is so old."""


async def keep(batch: Batch, events: list[Event[StaffActed | KeyActed]]) -> None:
    """Write down what was done; told twice it stands once."""
    await store.add(batch.connection, [(event.id, event.data) for event in events])
