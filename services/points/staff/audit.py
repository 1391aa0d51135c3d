"""What people who were signed in, and owner keys, changed in any service, as it is told by
`staff.acted` and `key.acted`."""

from datetime import timedelta
from typing import Any

from services.points.store import audit as store
from services.points.store.audit import CommandActed
from shared import clock, ids
from shared.bus.handling import Batch, Connection
from shared.events import Event, KeyActed, StaffActed

KEPT = timedelta(days=730)
"""Two years, as the scheduler keeps its acts: last year's change of rules can be looked up. A month
goes as a whole, when the last of it is so old."""


async def keep(batch: Batch, events: list[Event[StaffActed | KeyActed]]) -> None:
    """Write down what was done; told twice it stands once."""
    await store.add(batch.connection, [(event.id, event.data) for event in events])


async def keep_command(
    connection: Connection, act: str, target: str, before: Any, after: Any
) -> None:
    """Write down what a command of the operator's did, in the transaction of the change."""
    acted = CommandActed("points", act, clock.now(), target, before, after)
    await store.add(connection, [(ids.new_id(), acted)])


def of_gone(
    was: str | None, status: str, lost: int
) -> tuple[dict[str, str | int | None], dict[str, str | int | None]]:
    """A member who left or was erased, before and after: who goes loses what points they have."""
    return {"status": was, "points": lost}, {"status": status, "points": 0}
