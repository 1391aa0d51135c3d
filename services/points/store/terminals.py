"""Stores and API keys. points owns them; others learn of changes by events."""

from uuid import UUID

import msgspec

from shared.api_keys import Key
from shared.bus.handling import Connection

_KEY = "SELECT id, kind, store FROM terminals WHERE key_hash = $1 AND active"
_PUT_STORE = """
INSERT INTO stores (id, code, name, active, revision) VALUES ($1, $2, $3, true, 1)
ON CONFLICT (code) DO UPDATE SET name = excluded.name, revision = stores.revision + 1
RETURNING id, code, name, active, revision
"""
_PUT_TERMINAL = """
INSERT INTO terminals (id, name, kind, store, key_hash, active, revision, created_at)
VALUES ($1, $2, $3, $4, $5, true, 1, $6)
ON CONFLICT (key_hash) DO UPDATE SET revision = terminals.revision + 1
RETURNING id, name, kind, key_hash, active, revision, store
"""
_HAS_STORE = "SELECT EXISTS (SELECT FROM stores WHERE code = $1 AND active)"
_KNOWS_STORE = "SELECT EXISTS (SELECT FROM stores WHERE code = $1)"
_REVOKE = """
UPDATE terminals SET active = false, revision = revision + 1 WHERE name = $1 AND active
RETURNING id, name, kind, key_hash, active, revision, store
"""
_ALL = """
SELECT id, name, kind, key_hash, active, revision, store FROM terminals ORDER BY created_at
"""


_STORES = "SELECT id, code, name, active, revision FROM stores ORDER BY code"


class Store(msgspec.Struct, frozen=True):
    """A store as stored."""

    id: UUID
    code: str
    name: str
    active: bool
    revision: int


class Terminal(msgspec.Struct, frozen=True):
    """An API key as stored."""

    id: UUID
    name: str
    kind: str
    key_hash: str
    active: bool
    revision: int
    store: str | None


async def key(connection: Connection, key_hash: str) -> Key | None:
    """The holder of an active key."""
    row = await connection.fetchrow(_KEY, key_hash)
    return Key(**row) if row else None


async def put_store(connection: Connection, id: UUID, code: str, name: str) -> Store:
    """Add a store, or rename the one with this code."""
    rows = await connection.fetch(_PUT_STORE, id, code, name)
    return Store(**rows[0])


async def put_terminal(connection: Connection, terminal: Terminal, created_at: object) -> Terminal:
    """Add an API key by its hash; the same key again only grows its revision."""
    rows = await connection.fetch(
        _PUT_TERMINAL,
        terminal.id,
        terminal.name,
        terminal.kind,
        terminal.store,
        terminal.key_hash,
        created_at,
    )
    return Terminal(**rows[0])


async def knows_store(connection: Connection, code: str) -> bool:
    """Whether there is or was a store with this code."""
    found: bool = await connection.fetchval(_KNOWS_STORE, code)
    return found


async def has_store(connection: Connection, code: str) -> bool:
    """Whether an active store has this code."""
    found: bool = await connection.fetchval(_HAS_STORE, code)
    return found


async def revoke(connection: Connection, name: str) -> list[Terminal]:
    """Make keys with this name useless; returns those that changed."""
    return [Terminal(**row) for row in await connection.fetch(_REVOKE, name)]


async def every_store(connection: Connection) -> list[Store]:
    """All stores, by code."""
    return [Store(**row) for row in await connection.fetch(_STORES)]


async def every(connection: Connection) -> list[Terminal]:
    """All keys, the oldest first."""
    return [Terminal(**row) for row in await connection.fetch(_ALL)]
