"""A file becomes rows, in one transaction: what a kill leaves half-read is read again.

Twice through the parts, which are fetched a few at a time: once to know the encoding, once to read.
"""

import asyncio
from collections.abc import Iterator
from itertools import islice
from uuid import UUID

from services.points.rules.importing import tables, texts
from services.points.rules.importing.tables import Row, TooManyRows
from services.points.store import import_rows
from services.points.store import imports as store
from services.points.store.imports import Import
from shared import clock
from shared.bus.handling import Connection

TOGETHER = 2_000
_EMPTY = {
    "ja": "ファイルに行がありません。",
    "en": "The file has no rows.",
}
_TOO_MANY = {
    "ja": f"行が多すぎます。{tables.MOST_ROWS:,}行ごとに分けてください。",
    "en": f"There are too many rows. Send {tables.MOST_ROWS:,} rows at a time.",
}


class _Unreadable(Exception):
    def __init__(self, problem: dict[str, str]) -> None:
        self.problem = problem


async def read(connection: Connection, found: Import) -> None:
    """Read the file of an import, which is locked; it then waits for the owner's choices."""
    now = clock.now()
    try:
        async with connection.transaction():
            await _read(connection, found)
    except _Unreadable as unreadable:
        await store.move(
            connection, found.id, "failed", now, problem=unreadable.problem, finished=True
        )
    else:
        await store.move(connection, found.id, "mapping", now)
    await store.drop_chunks(connection, found.upload_id)


async def _read(connection: Connection, found: Import) -> None:
    parts = [part async for part in store.chunks(connection, found.upload_id)]
    encoding = await asyncio.to_thread(texts.encoding_of, parts)
    first = next((line for line in texts.lines(iter(parts), encoding) if line.strip()), "")
    delimiter = tables.delimiter_of(first)
    rows = tables.rows(texts.lines(iter(parts), encoding), delimiter)
    headings: list[str] = []
    last = 0
    await import_rows.add(connection, found.id, [], clock.now())
    try:
        while page := await asyncio.to_thread(_some, rows):
            if not headings:
                headings = page[0].cells[: tables.MOST_CELLS]
            last = page[-1].number
            await import_rows.more(connection, _records(found.id, page))
    except TooManyRows:
        raise _Unreadable(_TOO_MANY) from None
    if not headings:
        raise _Unreadable(_EMPTY)
    await store.note_read(
        connection,
        found.id,
        encoding=encoding,
        delimiter=delimiter,
        headings=headings,
        rows=last,
    )


def _some(rows: Iterator[Row]) -> list[Row]:
    return list(islice(rows, TOGETHER))


def _records(id: UUID, rows: list[Row]) -> list[tuple[UUID, int, list[str], str | None]]:
    return [(id, row.number, row.cells, row.fault) for row in rows]
