"""A shop to try things with: a store `main`, the demo program, a till's and an owner's key."""

import msgspec

from services.points import shopkeeping
from services.points.programs import publishing
from services.points.rules import program
from services.points.store import programs
from shared.bus.handling import Batch


async def seed(batch: Batch, keys: dict[str, str]) -> None:
    """Set the shop up in the caller's transaction; again it only says once more what there is.

    `keys` are API keys by kind (pos, owner). A program that was published since stays.
    """
    await shopkeeping.put_store(batch, "main", "本店")
    for kind, key in keys.items():
        store = "main" if kind == "pos" else None
        await shopkeeping.put_key(batch, key, kind, f"demo {kind}", store)
    if not await programs.newest(batch.connection):
        await publishing.publish(batch, msgspec.json.encode(program.DEMO), "demo")
