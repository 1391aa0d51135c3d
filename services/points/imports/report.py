"""The rows of an import that cannot be taken in, as a file: to correct and to send again."""

from collections.abc import AsyncIterator
from typing import Any

from services.points.imports import choices
from services.points.rules.importing import export, fates, words
from services.points.store import import_rows
from services.points.store.imports import Import
from shared.db import Pool

PAGE = 500
HEADINGS = ("行 / Row", "エラー", "Error")


async def errors(pool: "Pool[Any]", found: Import) -> AsyncIterator[bytes]:
    """The lines of the file; no connection is held while a slow reader is waited for."""
    titles = (found.headings or []) if choices.chosen(found).has_headings else []
    yield (export.BOM + export.csv_lines([[*HEADINGS, *titles]])).encode()
    after = 0
    while True:
        async with pool.acquire() as connection:
            page = await import_rows.shown(connection, found.id, after, PAGE, fates=[fates.BAD])
        if not page:
            return
        rows = []
        for row in page:
            said = words.sentences(row.faults)
            rows.append([row.number, said.ja, said.en, *row.cells])
        yield export.csv_lines(rows).encode()
        after = page[-1].number
