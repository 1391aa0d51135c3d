"""Stores and API keys. points owns them; others learn of changes by events."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from shared import clock
from shared.api_keys import Key
from shared.bus.handling import Connection

_TOLD = "id, name, kind, key_hash, active, revision, store, old_key_hash, old_until"
_KEY = """
SELECT id, kind, store FROM terminals
WHERE active AND (key_hash = $1 OR old_key_hash = $1 AND old_until > $2)
"""
_STORE = "id, code, name, active, revision, address, note"
_PUT_STORE = f"""
INSERT INTO stores (id, code, name, active, revision) VALUES ($1, $2, $3, true, 1)
ON CONFLICT (code) DO UPDATE SET name = excluded.name, revision = stores.revision + 1
RETURNING {_STORE}
"""
_ADD_STORE = f"""
INSERT INTO stores (id, code, name, active, revision, address, note)
VALUES ($1, $2, $3, true, 1, $4, $5) ON CONFLICT (code) DO NOTHING RETURNING {_STORE}
"""
_CHANGE_STORE = f"""
UPDATE stores SET name = $2, active = $3, address = $4, note = $5, revision = revision + 1
WHERE code = $1 RETURNING {_STORE}
"""
_STORES = f"SELECT {_STORE} FROM stores ORDER BY code"
_FIND_STORE = f"SELECT {_STORE} FROM stores WHERE code = $1 FOR UPDATE"
_HAS_STORE = "SELECT EXISTS (SELECT FROM stores WHERE code = $1 AND active)"
_KNOWS_STORE = "SELECT EXISTS (SELECT FROM stores WHERE code = $1)"
_PUT_TERMINAL = f"""
INSERT INTO terminals (id, name, kind, store, key_hash, active, revision, created_at)
VALUES ($1, $2, $3, $4, $5, true, 1, $6)
ON CONFLICT (key_hash) DO UPDATE SET revision = terminals.revision + 1
RETURNING {_TOLD}
"""
_CHANGE = f"""
UPDATE terminals SET name = $2, store = $3, revision = revision + 1 WHERE id = $1 RETURNING {_TOLD}
"""
_ROTATE = f"""
UPDATE terminals SET key_hash = $2, old_until = $3, rotated_at = $4, revision = revision + 1,
    old_key_hash = CASE WHEN $3::timestamptz IS NOT NULL THEN key_hash END
WHERE id = $1 AND active RETURNING {_TOLD}
"""
_REVOKE = f"""
UPDATE terminals SET active = false, revoked_at = $2, revision = revision + 1,
    old_key_hash = NULL, old_until = NULL
WHERE (name = $1 OR id = $3) AND active RETURNING {_TOLD}
"""
_ALL = f"SELECT {_TOLD} FROM terminals ORDER BY created_at"
_LISTED = """
SELECT id, name, kind, store, active, created_at, last_used_at, rotated_at, revoked_at,
    CASE WHEN old_until > $1 THEN old_until END AS old_until
FROM terminals
"""
_PAGE = f"""{_LISTED}
WHERE id > $2 AND ($3::text IS NULL OR store = $3) AND (active OR $4) ORDER BY id LIMIT $5
"""
_FIND = f"{_LISTED} WHERE id = $2 FOR UPDATE"
_OTHERS = "SELECT count(*) FROM terminals WHERE active AND kind = $1 AND id <> $2"
_USED = """
UPDATE terminals SET last_used_at = u.at
FROM (SELECT * FROM unnest($1::uuid[], $2::timestamptz[]) AS u (id, at) ORDER BY id) AS u
WHERE terminals.id = u.id AND (last_used_at IS NULL OR last_used_at < u.at - $3::interval)
"""


class Store(msgspec.Struct, frozen=True):
    """A store as stored."""

    id: UUID
    code: str
    name: str
    active: bool
    revision: int
    address: str | None = None
    note: str | None = None


class Terminal(msgspec.Struct, frozen=True):
    """An API key as others are told of it."""

    id: UUID
    name: str
    kind: str
    key_hash: str
    active: bool
    revision: int
    store: str | None
    old_key_hash: str | None = None
    old_until: datetime | None = None


class Listed(NamedTuple):
    """An API key as its owner sees it. `old_until`: the key before it is good until then."""

    id: UUID
    name: str
    kind: str
    store: str | None
    active: bool
    created_at: datetime
    last_used_at: datetime | None
    rotated_at: datetime | None
    revoked_at: datetime | None
    old_until: datetime | None


async def key(connection: Connection, key_hash: str) -> Key | None:
    """The holder of an active key."""
    row = await connection.fetchrow(_KEY, key_hash, clock.now())
    return Key(**row) if row else None


async def put_store(connection: Connection, id: UUID, code: str, name: str) -> Store:
    """Add a store, or rename the one with this code."""
    rows = await connection.fetch(_PUT_STORE, id, code, name)
    return Store(**rows[0])


async def add_store(connection: Connection, store: Store) -> Store | None:
    """Add a store; None when there is one with this code."""
    row = await connection.fetchrow(
        _ADD_STORE, store.id, store.code, store.name, store.address, store.note
    )
    return Store(**row) if row else None


async def change_store(connection: Connection, store: Store) -> Store:
    """Store what is different; its revision grows."""
    (row,) = await connection.fetch(
        _CHANGE_STORE, store.code, store.name, store.active, store.address, store.note
    )
    return Store(**row)


async def find_store(connection: Connection, code: str) -> Store | None:
    """A store, locked."""
    row = await connection.fetchrow(_FIND_STORE, code)
    return Store(**row) if row else None


async def every_store(connection: Connection) -> list[Store]:
    """All stores, by code."""
    return [Store(**row) for row in await connection.fetch(_STORES)]


async def knows_store(connection: Connection, code: str) -> bool:
    """Whether there is or was a store with this code."""
    found: bool = await connection.fetchval(_KNOWS_STORE, code)
    return found


async def has_store(connection: Connection, code: str) -> bool:
    """Whether an active store has this code."""
    found: bool = await connection.fetchval(_HAS_STORE, code)
    return found


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


async def change(connection: Connection, id: UUID, name: str, store: str | None) -> Terminal:
    """Another name, or another store."""
    (row,) = await connection.fetch(_CHANGE, id, name, store)
    return Terminal(**row)


async def rotate(
    connection: Connection, id: UUID, key_hash: str, old_until: datetime | None, now: datetime
) -> Terminal | None:
    """Give an active key a new secret; None for one that was revoked. The old secret is good until
    `old_until` (None: no more), the one before that is not."""
    row = await connection.fetchrow(_ROTATE, id, key_hash, old_until, now)
    return Terminal(**row) if row else None


async def revoke(
    connection: Connection, now: datetime, *, name: str | None = None, id: UUID | None = None
) -> list[Terminal]:
    """Make the keys with this name, or this one, useless; returns those that changed."""
    return [Terminal(**row) for row in await connection.fetch(_REVOKE, name, now, id)]


async def every(connection: Connection) -> list[Terminal]:
    """All keys, the oldest first."""
    return [Terminal(**row) for row in await connection.fetch(_ALL)]


async def page(
    connection: Connection, now: datetime, after: UUID, store: str | None, revoked: bool, limit: int
) -> list[Listed]:
    """Keys in the order of their making, those after one; of a store, or all; `revoked` ones too
    or not."""
    rows = await connection.fetch(_PAGE, now, after, store, revoked, limit)
    return [Listed(*row) for row in rows]


async def find(connection: Connection, id: UUID, now: datetime) -> Listed | None:
    """A key, locked."""
    row = await connection.fetchrow(_FIND, now, id)
    return Listed(*row) if row else None


async def others_of(connection: Connection, kind: str, id: UUID) -> int:
    """How many other keys of a kind are good."""
    found: int = await connection.fetchval(_OTHERS, kind, id)
    return found


async def note_used(
    connection: Connection, used: Mapping[UUID, datetime], at_least: object
) -> None:
    """Note when keys were used last; within `at_least` of what is noted it stays."""
    await connection.execute(_USED, list(used), list(used.values()), at_least)
