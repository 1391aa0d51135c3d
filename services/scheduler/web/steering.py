"""What the calls that steer have in common: who did it is kept, in the same transaction."""

from services.scheduler.store import acts
from services.scheduler.store.acts import Act
from shared import clock, ids
from shared.api_keys import Key
from shared.bus.handling import Connection


async def noted(connection: Connection, act: str, target: str, key: Key) -> None:
    """Keep that the holder of `key` did this."""
    await acts.note(connection, Act(ids.new_id(), act, target, key.actor, clock.now()))
