"""A shop to try things with: a store `main`, the demo program, a till's and an owner's key."""

import hashlib

import msgspec

from services.points import program, publishing
from services.points.store import programs, terminals
from services.points.store.terminals import Terminal
from shared import clock, ids
from shared.bus.handling import Batch, Connection
from shared.events import StoreChanged, TerminalChanged, new_event

SOURCE = "/points/demo"


async def seed(connection: Connection, keys: dict[str, str]) -> Batch:
    """Set the shop up in the caller's transaction; again it only says once more what there is.

    `keys` are API keys by kind (pos, owner). A program that was published since stays.
    """
    batch = Batch(connection)
    shop = await terminals.put_store(connection, ids.new_id(), "main", "本店")
    batch.emit(
        new_event(SOURCE, StoreChanged(shop.id, shop.code, shop.name, shop.active, shop.revision))
    )
    for kind, key in keys.items():
        batch.emit(new_event(SOURCE, await _put_key(connection, kind, key)))
    if not await programs.newest(connection):
        await publishing.publish(batch, msgspec.json.encode(program.DEMO), "demo")
    return batch


async def _put_key(connection: Connection, kind: str, key: str) -> TerminalChanged:
    wanted = Terminal(
        id=ids.new_id(),
        name="Demo till" if kind == "pos" else "Demo owner",
        kind=kind,
        key_hash=hashlib.sha256(key.encode()).hexdigest(),
        active=True,
        revision=1,
        store="main" if kind == "pos" else None,
    )
    stored = await terminals.put_terminal(connection, wanted, clock.now())
    return TerminalChanged(
        stored.id,
        stored.name,
        stored.kind,
        stored.key_hash,
        stored.active,
        stored.revision,
        stored.store,
    )
