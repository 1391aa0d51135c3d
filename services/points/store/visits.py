"""Visits that were counted by scanning a store's code, and the codes that hang there."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from shared.bus.handling import Connection

SCREEN = "screen"
STAFF = "staff"
"""How a visit was counted, where it was no printed code: from the counter's screen, or by staff."""

_OF_MEMBER = """
SELECT count(*) AS all_of_them, count(*) FILTER (WHERE visit = $3) AS by_this
FROM purchases WHERE member_id = $1 AND occurred_at >= $2 AND visit IS NOT NULL AND visits > 0
"""
_OF_CODE = "SELECT count(*) FROM purchases WHERE visit = $1 AND occurred_at >= $2"
_FIND = "SELECT entry_id, store, points FROM purchases WHERE member_id = $1 AND id = $2"
_STORE_BY_ID = "SELECT code, name FROM stores WHERE id = $1 AND active"
_STORE_BY_CODE = "SELECT id, name FROM stores WHERE code = $1 AND active"
_COLUMNS = "id, store, label, per_member, per_day, made_at, revoked_at"
_ADD = f"""
INSERT INTO printed_codes ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, NULL)
ON CONFLICT (id) DO NOTHING
"""
_CODE = f"SELECT {_COLUMNS} FROM printed_codes WHERE id = $1"
_HOLD_CODE = f"{_CODE} FOR UPDATE"
_CODES = f"""
SELECT {_COLUMNS} FROM printed_codes WHERE store = $1 AND id > $2 ORDER BY id LIMIT $3
"""
_REVOKE = f"""
UPDATE printed_codes SET revoked_at = coalesce(revoked_at, $2) WHERE id = $1 AND store = $3
RETURNING {_COLUMNS}
"""


class PrintedCode(msgspec.Struct, frozen=True):
    """A code that hangs in a store: how often a day it counts for one member, and for everybody."""

    id: UUID
    store: str
    label: str
    per_member: int
    per_day: int
    made_at: datetime
    revoked_at: datetime | None = None


async def scanned(
    connection: Connection, member: UUID, way: str, since: datetime
) -> tuple[int, int]:
    """How many visits of the member were counted since then: in all, and this way; those that were
    undone do not count."""
    (row,) = await connection.fetch(_OF_MEMBER, member, since, way)
    return row["all_of_them"], row["by_this"]


async def counted(connection: Connection, way: str, since: datetime) -> int:
    """How many visits were counted this way since then. Hold the code first."""
    found: int = await connection.fetchval(_OF_CODE, way, since)
    return found


async def find(connection: Connection, member: UUID, id: UUID) -> Any:
    """A visit as it was counted, or None."""
    return await connection.fetchrow(_FIND, member, id)


async def store_of(connection: Connection, id: UUID) -> tuple[str, str] | None:
    """Code and name of the store with this id; None if there is none in use."""
    row = await connection.fetchrow(_STORE_BY_ID, id)
    return (row["code"], row["name"]) if row else None


async def store_named(connection: Connection, code: str) -> tuple[UUID, str] | None:
    """Id and name of the store with this code; None if there is none in use."""
    row = await connection.fetchrow(_STORE_BY_CODE, code)
    return (row["id"], row["name"]) if row else None


async def add(connection: Connection, code: PrintedCode) -> None:
    """Keep a new printed code; the same id again changes nothing."""
    await connection.execute(
        _ADD, code.id, code.store, code.label, code.per_member, code.per_day, code.made_at
    )


async def code(connection: Connection, id: UUID, *, hold: bool = False) -> PrintedCode | None:
    """A printed code; held, nobody else counts a visit by it until the transaction ends."""
    row = await connection.fetchrow(_HOLD_CODE if hold else _CODE, id)
    return PrintedCode(**row) if row else None


async def codes(connection: Connection, store: str, after: UUID, limit: int) -> list[PrintedCode]:
    """A page of a store's printed codes, oldest first."""
    return [PrintedCode(**row) for row in await connection.fetch(_CODES, store, after, limit)]


async def revoke(connection: Connection, store: str, id: UUID, now: datetime) -> PrintedCode | None:
    """Let a printed code count nothing any more; None if the store has no such code."""
    row = await connection.fetchrow(_REVOKE, id, now, store)
    return PrintedCode(**row) if row else None
