"""The rows of imports: what they hold, and what the dry run says of each."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.points.rules.importing.fates import Fate
from services.points.rules.importing.rows import Fault
from shared.bus.handling import Connection

_CONTENTS = "INSERT INTO import_contents (import_id, changed_at) VALUES ($1, $2)"
_FIRST = (
    "SELECT number, cells, fault FROM import_rows WHERE import_id = $1 ORDER BY number LIMIT $2"
)
_PAGE = """
SELECT number, cells, fault FROM import_rows WHERE import_id = $1 AND number > $2
ORDER BY number LIMIT $3
"""
_GOOD_PAGE = """
SELECT r.number, r.cells, r.fault FROM import_rows r
JOIN import_verdicts v ON v.import_id = r.import_id AND v.number = r.number AND v.fate <> 'bad'
WHERE r.import_id = $1 AND r.number > $2 ORDER BY r.number LIMIT $3
"""
_CLAIM = """
WITH asked AS (
    SELECT name, min(number) AS number FROM unnest($2::text[], $3::integer[]) AS a (name, number)
    GROUP BY name
), added AS (
    INSERT INTO import_names (import_id, name, number)
    SELECT $1, name, number FROM asked ORDER BY name ON CONFLICT DO NOTHING RETURNING name, number
)
SELECT name, number FROM added
UNION ALL SELECT n.name, n.number FROM import_names n JOIN asked USING (name)
WHERE n.import_id = $1
"""
_KEEP = """
INSERT INTO import_verdicts (import_id, number, fate, member_id, matched_by, points, ranked, faults,
                             notes)
SELECT $1, number, fate, member_id, matched_by, points, ranked, faults, notes
FROM json_to_recordset($2::json) AS v (number integer, fate text, member_id uuid, matched_by text,
    points bigint, ranked boolean, faults json, notes json)
"""
_FORGET = (
    "DELETE FROM import_verdicts WHERE import_id = $1",
    "DELETE FROM import_names WHERE import_id = $1",
)
_TOTALS = """
SELECT count(*) FILTER (WHERE fate = 'new') AS new,
    count(*) FILTER (WHERE fate = 'matched') AS matched,
    count(*) FILTER (WHERE fate = 'skipped') AS skipped,
    count(*) FILTER (WHERE fate = 'bad') AS bad,
    coalesce(sum(points) FILTER (WHERE fate IN ('new', 'matched')), 0)::bigint AS points,
    count(*) FILTER (WHERE fate IN ('new', 'matched') AND points > 0) AS with_points,
    count(*) FILTER (WHERE fate IN ('new', 'matched') AND ranked) AS ranked,
    count(*) FILTER (WHERE fate IN ('new', 'matched') AND notes::text <> '[]') AS noted
FROM import_verdicts WHERE import_id = $1
"""
_SHOWN = """
SELECT v.number, v.fate, v.member_id, v.matched_by, v.points, v.faults, v.notes, r.cells
FROM import_verdicts v JOIN import_rows r USING (import_id, number)
WHERE v.import_id = $1 AND v.number > $2 AND ($3::text[] IS NULL OR v.fate = ANY($3))
    AND ($4 IS FALSE OR v.notes::text <> '[]')
ORDER BY v.number LIMIT $5
"""
_COUNT = "SELECT count(*) FROM import_rows WHERE import_id = $1"


class Stored(msgspec.Struct, frozen=True):
    """A row as it was read."""

    number: int
    cells: list[str]
    fault: str | None


class Verdict(msgspec.Struct, frozen=True):
    """What the dry run says of a row."""

    number: int
    fate: str
    points: int
    ranked: bool
    member_id: UUID | None = None
    matched_by: str | None = None
    faults: list[Fault] = []
    notes: list[Fault] = []

    @classmethod
    def of(cls, number: int, fate: Fate, *, points: int, ranked: bool) -> "Verdict":
        """The fate of a row that has this number."""
        return cls(
            number,
            fate.kind,
            points,
            ranked,
            fate.member_id,
            fate.matched_by,
            fate.faults,
            fate.notes,
        )


class Shown(msgspec.Struct, frozen=True):
    """A row with what the dry run says of it."""

    number: int
    fate: str
    member_id: UUID | None
    matched_by: str | None
    points: int
    faults: list[Fault]
    notes: list[Fault]
    cells: list[str]


async def add(
    connection: Connection,
    id: UUID,
    rows: Iterable[tuple[UUID, int, list[str], str | None]],
    now: datetime,
) -> None:
    """Begin to keep what an import's rows hold, with the first of them."""
    await connection.execute(_CONTENTS, id, now)
    await more(connection, rows)


async def more(
    connection: Connection, rows: Iterable[tuple[UUID, int, list[str], str | None]]
) -> None:
    """Keep rows, given as (import, number, cells, fault)."""
    columns = ["import_id", "number", "cells", "fault"]
    await connection.copy_records_to_table("import_rows", records=rows, columns=columns)


async def first(connection: Connection, id: UUID, limit: int) -> list[Stored]:
    """The first rows of an import."""
    return [Stored(*row) for row in await connection.fetch(_FIRST, id, limit)]


async def page(connection: Connection, id: UUID, after: int, limit: int) -> list[Stored]:
    """Rows after one, in order."""
    return [Stored(*row) for row in await connection.fetch(_PAGE, id, after, limit)]


async def good_page(connection: Connection, id: UUID, after: int, limit: int) -> list[Stored]:
    """The same without those that the dry run found bad."""
    return [Stored(*row) for row in await connection.fetch(_GOOD_PAGE, id, after, limit)]


async def count(connection: Connection, id: UUID) -> int:
    """How many rows are not empty, headings included."""
    return int(await connection.fetchval(_COUNT, id))


async def claim(
    connection: Connection, id: UUID, names: Sequence[tuple[str, int]]
) -> dict[str, int]:
    """For each name, given with a row, the first row of the import that bears it."""
    if not names:
        return {}
    texts, numbers = zip(*names, strict=True)
    rows = await connection.fetch(_CLAIM, id, list(texts), list(numbers))
    return {row["name"]: row["number"] for row in rows}


async def keep(connection: Connection, id: UUID, verdicts: Sequence[Verdict]) -> None:
    """Keep what is said of rows."""
    await connection.execute(_KEEP, id, msgspec.json.encode(verdicts).decode())


async def forget(connection: Connection, id: UUID) -> None:
    """Take back what an earlier dry run said."""
    for statement in _FORGET:
        await connection.execute(statement, id)


async def totals(connection: Connection, id: UUID) -> dict[str, int]:
    """What the dry run came to."""
    row = await connection.fetchrow(_TOTALS, id)
    return dict(row or {})


async def shown(
    connection: Connection,
    id: UUID,
    after: int,
    limit: int,
    *,
    fates: Sequence[str] | None = None,
    noted: bool = False,
) -> list[Shown]:
    """Rows after one with what the dry run says; `fates`: of these only, `noted`: only those of
    which something was noted."""
    rows: list[Any] = await connection.fetch(
        _SHOWN, id, after, list(fates) if fates else None, noted, limit
    )
    decode = msgspec.json.Decoder(list[Fault]).decode
    return [
        Shown(**{**row, "faults": decode(row["faults"]), "notes": decode(row["notes"])})
        for row in rows
    ]
