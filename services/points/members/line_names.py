"""What LINE calls people, as notify tells it: kept by LINE account, so that it goes wherever the
account goes, and members are found by it."""

from services.points.store import leaving as leaving_store
from services.points.store import line_names as store
from shared.bus.handling import Batch
from shared.events import Event, RecipientNamed


async def named(batch: Batch, events: list[Event[RecipientNamed]]) -> None:
    """Keep the newest name of each; none from before somebody left for good or was erased."""
    newest: dict[str, RecipientNamed] = {}
    for event in events:
        known = newest.setdefault(event.data.line_user_id, event.data)
        if known.named_at < event.data.named_at:
            newest[event.data.line_user_id] = event.data
    gone = await leaving_store.farewells(batch.connection, list(newest))
    kept = [each for user, each in newest.items() if user not in gone or gone[user] < each.named_at]
    await store.keep(batch.connection, kept)
