"""Stores and API keys, kept by the owner. A key is made here, shown once, and stored as a hash."""

import hashlib
import secrets
from datetime import datetime
from typing import Any
from uuid import UUID

from services.points.errors import KeyRevoked, StoreExists, UnknownStore
from services.points.store import terminals
from services.points.store.terminals import Store, Terminal
from shared import clock, ids, outbox
from shared.bus.handling import Batch
from shared.db import Pool
from shared.events import StoreChanged, TerminalChanged, new_event
from shared.outbox import Relay

SOURCE = "/points/shop"


def new_key(kind: str) -> str:
    """A fresh API key; nobody can make it out again from what is stored."""
    return f"tmr_{kind}_{secrets.token_urlsafe(24)}"


async def put_store(batch: Batch, code: str, name: str) -> Store:
    """Add a store, or rename the one with this code."""
    store = await terminals.put_store(batch.connection, ids.new_id(), code, name)
    _tell_store(batch, store)
    return store


async def put_key(batch: Batch, key: str, kind: str, name: str, store: str | None) -> Terminal:
    """Admit a key of a terminal (pos), the owner's systems (owner) or a reader (read).

    Raises UnknownStore when `store` is no store's code.
    """
    await _require_store(batch, store)
    wanted = Terminal(
        id=ids.new_id(),
        name=name,
        kind=kind,
        key_hash=hash_of(key),
        active=True,
        revision=1,
        store=store,
    )
    stored = await terminals.put_terminal(batch.connection, wanted, clock.now())
    _tell(batch, stored)
    return stored


async def revoke_key(batch: Batch, name: str) -> list[Terminal]:
    """Refuse all keys with this name from now on; returns those that were good."""
    return await _revoke(batch, name=name)


async def open_store(batch: Batch, store: Store) -> Store:
    """Add a store. Raises StoreExists when its code is another's."""
    added = await terminals.add_store(batch.connection, store)
    if added is None:
        raise StoreExists(f"there is a store with the code {store.code!r}")
    _tell_store(batch, added)
    return added


async def change_store(batch: Batch, store: Store) -> Store:
    """Store a store as it is to be; out of use, tills can post nothing for it any more."""
    changed = await terminals.change_store(batch.connection, store)
    _tell_store(batch, changed)
    return changed


async def change_key(batch: Batch, id: UUID, name: str, store: str | None) -> None:
    """Another name or store for a key. Raises UnknownStore."""
    await _require_store(batch, store)
    _tell(batch, await terminals.change(batch.connection, id, name, store))


async def rotate_key(batch: Batch, id: UUID, key: str, old_until: datetime | None) -> None:
    """Replace a key by a new one, under the same id: what either names is named once. The old one
    is good until `old_until`, None: no more. Raises KeyRevoked."""
    rotated = await terminals.rotate(batch.connection, id, hash_of(key), old_until, clock.now())
    if rotated is None:
        raise KeyRevoked("this key was revoked; make a new one")
    _tell(batch, rotated)


async def revoke_one(batch: Batch, id: UUID) -> None:
    """Refuse a key from now on."""
    await _revoke(batch, id=id)


async def _revoke(batch: Batch, name: str | None = None, id: UUID | None = None) -> list[Terminal]:
    revoked = await terminals.revoke(batch.connection, clock.now(), name=name, id=id)
    for terminal in revoked:
        _tell(batch, terminal)
    return revoked


async def _require_store(batch: Batch, store: str | None) -> None:
    if store is not None and not await terminals.has_store(batch.connection, store):
        raise UnknownStore(f"there is no store {store!r}; add it first")


def hash_of(key: str) -> str:
    """What is kept of a key."""
    return hashlib.sha256(key.encode()).hexdigest()


async def announce(pool: "Pool[Any]", relay: Relay) -> None:
    """Tell all stores and keys as they are, for readers that are new. Old news changes nothing."""
    async with pool.acquire() as connection, connection.transaction():
        batch = Batch(connection)
        for store in await terminals.every_store(connection):
            _tell_store(batch, store)
        for terminal in await terminals.every(connection):
            _tell(batch, terminal)
        rows = await outbox.write(connection, batch.emitted)
    await relay.hand_over(rows)


def _tell_store(batch: Batch, store: Store) -> None:
    data = StoreChanged(store.id, store.code, store.name, store.active, store.revision)
    batch.emit(new_event(SOURCE, data))


def _tell(batch: Batch, terminal: Terminal) -> None:
    data = TerminalChanged(
        terminal.id,
        terminal.name,
        terminal.kind,
        terminal.key_hash,
        terminal.active,
        terminal.revision,
        terminal.store,
        terminal.old_key_hash,
        terminal.old_until,
    )
    batch.emit(new_event(SOURCE, data))
