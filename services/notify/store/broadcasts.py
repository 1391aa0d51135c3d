"""Broadcasts in PostgreSQL: their rows, their texts, and who did what. Nothing here commits."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.notify.broadcasts.broadcast import FIELDS, Broadcast, from_row, to_column
from shared.bus.handling import Connection

_FIELDS = ", ".join(FIELDS)
_VALUES = ", ".join(f"${number + 1}" for number in range(len(FIELDS)))
_INSERT = f"INSERT INTO broadcasts ({_FIELDS}) VALUES ({_VALUES})"
_ONE = f"SELECT {_FIELDS} FROM broadcasts WHERE id = $1"
_OF_REQUEST = (
    f"SELECT {_FIELDS} FROM broadcasts WHERE request_id = ANY($1::uuid[]) ORDER BY id FOR UPDATE"
)
_PAGE = f"""
SELECT {_FIELDS} FROM broadcasts
WHERE ($1::text IS NULL OR state = $1) AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3))
ORDER BY created_at DESC, id DESC LIMIT $4
"""
_USING = f"""
SELECT {_FIELDS} FROM broadcasts
WHERE segment = $1 AND state = ANY($2::text[]) AND settled_at IS NULL
ORDER BY created_at DESC, id DESC LIMIT $3
"""
_SOME = f"""
SELECT {_FIELDS} FROM broadcasts WHERE settled_at IS NULL AND state = $1
    AND (planned_at IS NOT NULL) = $2
ORDER BY id LIMIT 1 OFFSET $3 FOR UPDATE SKIP LOCKED
"""
_ACT = """
INSERT INTO broadcast_acts (broadcast_id, act, at, actor, detail) VALUES ($1, $2, $3, $4, $5)
"""
_ACTS = """
SELECT act, at, actor, detail FROM broadcast_acts WHERE broadcast_id = $1 ORDER BY number
"""
_FORGET_TEXTS = "DELETE FROM broadcast_texts WHERE broadcast_id = $1"
_TEXT = "INSERT INTO broadcast_texts (broadcast_id, language, messages) VALUES ($1, $2, $3)"
_TEXTS = "SELECT language, messages FROM broadcast_texts WHERE broadcast_id = $1"
_UNITS = "SELECT count(*) FROM broadcasts WHERE unit IS NOT NULL AND started_at >= $1"
_DROP_UNIT = "UPDATE broadcasts SET unit = NULL WHERE id = $1"
PRUNE = """
DELETE FROM broadcasts WHERE id IN (
    SELECT id FROM broadcasts WHERE created_at < $1 AND settled_at IS NOT NULL
    LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


async def add(connection: Connection, broadcast: Broadcast) -> None:
    """Store a new one."""
    await connection.execute(
        _INSERT, *(to_column(name, getattr(broadcast, name)) for name in FIELDS)
    )


async def one(connection: Connection, id: UUID, *, lock: bool = False) -> Broadcast | None:
    """The broadcast; with `lock`, nobody else changes it until the transaction ends."""
    row = await connection.fetchrow(_ONE + " FOR UPDATE" * lock, id)
    return from_row(row) if row else None


async def of_requests(connection: Connection, request_ids: Sequence[UUID]) -> list[Broadcast]:
    """Those that wait for these segments, locked."""
    rows = await connection.fetch(_OF_REQUEST, list(request_ids))
    return [from_row(row) for row in rows]


async def page(
    connection: Connection,
    state: str | None,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Broadcast]:
    """Newest first, those before a place in that order."""
    at, id = before or (None, None)
    return [from_row(row) for row in await connection.fetch(_PAGE, state, at, id, limit)]


async def using(
    connection: Connection, segment: str, states: Iterable[str], limit: int
) -> list[Broadcast]:
    """Those in one of these states that were made for this segment, newest first."""
    rows = await connection.fetch(_USING, segment, list(states), limit)
    return [from_row(row) for row in rows]


async def to_tend(
    connection: Connection, state: str, *, planned: bool, skip: int = 0
) -> Broadcast | None:
    """A broadcast in this state that is not over and that nobody else is tending, locked."""
    row = await connection.fetchrow(_SOME, state, planned, skip)
    return from_row(row) if row else None


async def change(connection: Connection, broadcast: Broadcast, **fields: Any) -> Broadcast:
    """Write these fields; the broadcast as it is then."""
    names = list(fields)
    places = ", ".join(f"{name} = ${index + 2}" for index, name in enumerate(names))
    values = [to_column(name, fields[name]) for name in names]
    query = f"UPDATE broadcasts SET {places} WHERE id = $1 RETURNING {_FIELDS}"
    row = await connection.fetchrow(query, broadcast.id, *values)
    return from_row(row)


async def note(
    connection: Connection,
    id: UUID,
    act: str,
    at: datetime,
    actor: UUID | None = None,
    detail: str | None = None,
) -> None:
    """Keep who did what."""
    await connection.execute(_ACT, id, act, at, actor, detail)


async def acts(connection: Connection, id: UUID) -> list[asyncpg.Record]:
    """All that was done, in order."""
    return await connection.fetch(_ACTS, id)


async def put_texts(connection: Connection, id: UUID, texts: Mapping[str, str]) -> None:
    """Fix what is said, by language (JSON arrays)."""
    await connection.execute(_FORGET_TEXTS, id)
    await connection.executemany(_TEXT, [(id, *each) for each in texts.items()])


async def texts(connection: Connection, id: UUID) -> dict[str, str]:
    """What is said, by language."""
    return {row[0]: row[1] for row in await connection.fetch(_TEXTS, id)}


async def units_since(connection: Connection, moment: datetime) -> int:
    """How many names for statistics broadcasts have used since."""
    return int(await connection.fetchval(_UNITS, moment))


async def drop_unit(pool: "asyncpg.Pool[Any]", id: UUID) -> None:
    """Send without a name for statistics from now on: LINE takes no more of them."""
    await pool.execute(_DROP_UNIT, id)
