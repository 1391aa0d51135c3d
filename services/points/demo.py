"""A shop to try things with: a store `main`, the demo program, a till's and an owner's key."""

import msgspec

from services.points import shopkeeping
from services.points.programs import publishing
from services.points.rules import program
from services.points.staff.joining import add_owner
from services.points.store import programs
from services.points.store import staff as people
from shared.bus.handling import Batch


async def seed(batch: Batch, keys: dict[str, str], owner: tuple[str, str] | None = None) -> None:
    """Set the shop up in the caller's transaction; again it only says once more what there is.

    `keys` are API keys by kind (pos, owner), `owner` the login and password of whoever signs in
    first. A program that was published since stays, and so does an owner.
    """
    await shopkeeping.put_store(batch, "main", "本店")
    for kind, key in keys.items():
        store = "main" if kind == "pos" else None
        await shopkeeping.put_key(batch, key, kind, f"demo {kind}", store)
    if owner is not None and not await people.by_login(batch.connection, owner[0]):
        await add_owner(batch, owner[0], owner[1], "オーナー")
    if not await programs.newest(batch.connection):
        await publishing.publish(batch, msgspec.json.encode(program.DEMO), "demo")
