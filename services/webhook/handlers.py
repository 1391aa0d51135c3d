"""What webhook keeps of others' facts: stores and API keys, which points owns.

Repeats and stale revisions are ignored by the store, so these queues need no inbox.
"""

from services.webhook import store
from services.webhook.personal import PERSONAL
from shared.bus.handling import Batch, Handlers
from shared.events import Event, StoreChanged, TerminalChanged


async def stores_changed(batch: Batch, events: list[Event[StoreChanged]]) -> None:
    """Keep stores as they now are."""
    await store.keep_stores(batch.connection, [event.data for event in events])


async def terminals_changed(batch: Batch, events: list[Event[TerminalChanged]]) -> None:
    """Keep API keys as they now are."""
    await store.keep_keys(batch.connection, [event.data for event in events])


PROJECTIONS: Handlers = {
    "store.changed.v1": stores_changed,
    "terminal.changed.v1": terminals_changed,
}

HANDLERS: dict[str, Handlers] = {
    "webhook.projections": PROJECTIONS,
    "webhook.personal": PERSONAL,
}
