"""Imports: which there are, how far each is, and what was sent."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from shared.bus.handling import Connection

WORKING = ("reading", "checking", "running", "undoing")
"""What a process works on; everything else waits for the owner."""

_COLUMNS = """
id, file_name, size, sha256, preset, upload_id, state, encoding, delimiter, headings, settings,
rows, position, totals, problem, asked_by, asked_at, changed_at, finished_at
"""
_ADD = """
INSERT INTO imports (id, file_name, size, sha256, preset, upload_id, state, asked_by, asked_at,
                     changed_at)
VALUES ($1, $2, $3, $4, $5, $6, 'reading', $7, $8, $8)
"""
_ONE = f"SELECT {_COLUMNS} FROM imports WHERE id = $1"
_LOCK = f"{_ONE} FOR UPDATE"
_LATEST = f"""
SELECT {_COLUMNS} FROM imports WHERE (asked_at, id) < ($1, $2) ORDER BY asked_at DESC, id DESC
LIMIT $3
"""
_NEXT = f"""
SELECT {_COLUMNS} FROM imports WHERE state = ANY($1::text[])
ORDER BY changed_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
"""
_TWIN = """
SELECT id FROM imports
WHERE sha256 = $2 AND id <> $1 AND state IN ('running', 'paused', 'done')
ORDER BY asked_at DESC LIMIT 1
"""
_MOVE = """
UPDATE imports SET state = $2, position = $3, problem = $4, changed_at = $5, finished_at = $6
WHERE id = $1
"""
_ADVANCE = "UPDATE imports SET position = $2, changed_at = $3 WHERE id = $1"
_READ = """
UPDATE imports SET encoding = $2, delimiter = $3, headings = $4, rows = $5 WHERE id = $1
"""
_CHOOSE = "UPDATE imports SET settings = $2, totals = NULL WHERE id = $1"
_TOTAL = "UPDATE imports SET totals = $2 WHERE id = $1"
_TOUCH = "UPDATE import_contents SET changed_at = $2 WHERE import_id = $1"
_FORGET = "DELETE FROM import_contents WHERE import_id = $1"
_THERE = "SELECT EXISTS (SELECT FROM import_contents WHERE import_id = $1)"
_CHUNK = "INSERT INTO import_chunks (upload_id, number, body, at) VALUES ($1, $2, $3, $4)"
_CHUNKS = "SELECT body FROM import_chunks WHERE upload_id = $1 ORDER BY number"
_DROP_CHUNKS = "DELETE FROM import_chunks WHERE upload_id = $1"
PRUNE_CHUNKS = """
DELETE FROM import_chunks WHERE (upload_id, number) IN (
    SELECT upload_id, number FROM import_chunks WHERE at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""
PRUNE_CONTENTS = """
DELETE FROM import_contents WHERE import_id IN (
    SELECT import_id FROM import_contents WHERE changed_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


class Import(msgspec.Struct, frozen=True):
    """An import. `position` is the last row dealt with in this state, of `rows` in all (numbered as
    a spreadsheet does, so headings and empty rows count)."""

    id: UUID
    file_name: str
    size: int
    sha256: str
    preset: str
    upload_id: UUID
    state: str
    encoding: str | None
    delimiter: str | None
    headings: list[str] | None
    settings: dict[str, Any] | None
    rows: int
    position: int
    totals: dict[str, Any] | None
    problem: dict[str, str] | None
    asked_by: str
    asked_at: datetime
    changed_at: datetime
    finished_at: datetime | None


async def add(
    connection: Connection,
    id: UUID,
    *,
    upload: UUID,
    file_name: str,
    size: int,
    sha256: str,
    preset: str,
    by: str,
    now: datetime,
) -> None:
    """Note a file that was sent whole; it is to be read."""
    await connection.execute(_ADD, id, file_name, size, sha256, preset, upload, by, now)


async def one(connection: Connection, id: UUID) -> Import | None:
    """An import, however far it is."""
    row = await connection.fetchrow(_ONE, id)
    return _import(row) if row else None


async def lock(connection: Connection, id: UUID) -> Import | None:
    """The same, for whoever changes it: no page of it is under way until the transaction ends."""
    row = await connection.fetchrow(_LOCK, id)
    return _import(row) if row else None


async def latest(connection: Connection, before: tuple[datetime, UUID], limit: int) -> list[Import]:
    """Imports before one, newest first."""
    return [_import(row) for row in await connection.fetch(_LATEST, *before, limit)]


async def next_page(connection: Connection) -> Import | None:
    """The import that has waited longest for its next page, locked; nobody else is at it."""
    row = await connection.fetchrow(_NEXT, list(WORKING))
    return _import(row) if row else None


async def twin(connection: Connection, each: Import) -> UUID | None:
    """An import of the very same file that has been run."""
    found: UUID | None = await connection.fetchval(_TWIN, each.id, each.sha256)
    return found


async def move(
    connection: Connection,
    id: UUID,
    state: str,
    now: datetime,
    *,
    position: int = 0,
    problem: Mapping[str, str] | None = None,
    finished: bool = False,
) -> None:
    """Let an import, which is locked, be in another state."""
    told = _json(problem) if problem else None
    await connection.execute(_MOVE, id, state, position, told, now, now if finished else None)
    await connection.execute(_TOUCH, id, now)


async def advance(connection: Connection, id: UUID, position: int, now: datetime) -> None:
    """Note that rows up to this one are done."""
    await connection.execute(_ADVANCE, id, position, now)


async def note_read(
    connection: Connection,
    id: UUID,
    *,
    encoding: str,
    delimiter: str,
    headings: Sequence[str],
    rows: int,
) -> None:
    """Note what was read."""
    await connection.execute(_READ, id, encoding, delimiter, _json(headings), rows)


async def choose(connection: Connection, id: UUID, settings: Mapping[str, Any]) -> None:
    """Note what the owner chose; what an earlier dry run came to counts no more."""
    await connection.execute(_CHOOSE, id, _json(settings))


async def total(connection: Connection, id: UUID, totals: Mapping[str, Any]) -> None:
    """Note what the dry run came to."""
    await connection.execute(_TOTAL, id, _json(totals))


async def forget(connection: Connection, id: UUID) -> None:
    """Delete what the rows hold."""
    await connection.execute(_FORGET, id)


async def has_contents(connection: Connection, id: UUID) -> bool:
    """Whether what the rows hold is still kept."""
    found: bool = await connection.fetchval(_THERE, id)
    return found


async def keep_chunk(
    connection: Any, upload: UUID, number: int, body: bytes, now: datetime
) -> None:
    """Keep a part of a file that is being sent."""
    await connection.execute(_CHUNK, upload, number, body, now)


async def chunks(connection: Connection, upload: UUID) -> AsyncIterator[bytes]:
    """The parts of a file, in order, a few at a time. Within a transaction."""
    cursor = await connection.cursor(_CHUNKS, upload)
    while rows := await cursor.fetch(4):
        for row in rows:
            yield row["body"]


async def drop_chunks(connection: Any, upload: UUID) -> None:
    """Delete the parts of a file."""
    await connection.execute(_DROP_CHUNKS, upload)


def _import(row: Any) -> Import:
    fields = dict(row)
    for name in ("headings", "settings", "totals", "problem"):
        if fields[name] is not None:
            fields[name] = msgspec.json.decode(fields[name])
    return Import(**fields)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
