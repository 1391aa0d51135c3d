"""What imports did, row by row: the key by which each is done once, and what undoing looks at."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.points.rules.importing.rows import Fault
from services.points.store import sealed
from shared.bus.handling import Connection

COLUMN = "import_effects.sealed"
"""Whose it is is who the row was about first, also after a merge."""

PARTS = ("before", "after")

_ADD = """
INSERT INTO import_effects (import_id, number, fate, member_id, entry_id, points, spent, before,
                            after, faults, sealed, done_at)
SELECT $1, number, fate, member_id, entry_id, points, spent, before, after, faults,
    decode(sealed, 'base64'), $3
FROM json_to_recordset($2::json) AS e (number integer, fate text, member_id uuid, entry_id uuid,
    points bigint, spent bigint, before jsonb, after jsonb, faults json, sealed text)
"""
_BROUGHT = """
SELECT DISTINCT ON (member_id) member_id, import_id, number FROM import_effects
WHERE member_id = ANY($1::uuid[]) AND points > 0 AND undone_at IS NULL
ORDER BY member_id, done_at DESC
"""
_COUNTS = """
SELECT count(*) FILTER (WHERE fate = 'new') AS new,
    count(*) FILTER (WHERE fate = 'matched') AS matched,
    count(*) FILTER (WHERE fate = 'skipped') AS skipped,
    count(*) FILTER (WHERE fate = 'bad') AS bad,
    coalesce(sum(points) FILTER (WHERE undone_at IS NULL), 0)::bigint AS points,
    count(*) FILTER (WHERE undone_at IS NOT NULL AND kept IS NULL) AS undone,
    count(*) FILTER (WHERE kept IS NOT NULL) AS kept,
    max(number) AS last
FROM import_effects WHERE import_id = $1
"""
_PAGE = """
SELECT e.number, e.fate, e.member_id, e.entry_id, e.points, e.spent, e.before, e.after,
    e.merged_from, e.sealed
FROM import_effects e
WHERE e.import_id = $1 AND e.number > $2 AND e.fate IN ('new', 'matched') AND e.undone_at IS NULL
ORDER BY e.number LIMIT $3
"""
_TOUCHED = """
SELECT count(*) FROM import_effects e
JOIN members m ON m.id = e.member_id AND m.status IN ('active', 'suspended')
LEFT JOIN lots l ON l.member_id = e.member_id AND l.entry_id = e.entry_id
WHERE e.import_id = $1 AND e.undone_at IS NULL AND (
    e.merged_from IS NOT NULL
    OR (e.entry_id IS NOT NULL AND (l.remaining IS DISTINCT FROM e.points OR l.held > 0)))
"""
_UNDO = """
UPDATE import_effects e SET undone_at = $3, kept = u.kept
FROM unnest($2::integer[], $4::text[]) AS u (number, kept)
WHERE e.import_id = $1 AND e.number = u.number
"""
_SHOWN = """
SELECT number, fate, member_id, entry_id, points, faults, undone_at, kept FROM import_effects
WHERE import_id = $1 AND number > $2 AND ($3::text[] IS NULL OR fate = ANY($3))
    AND ($4 IS FALSE OR kept IS NOT NULL)
ORDER BY number LIMIT $5
"""
_ALIVE = """
SELECT m.id FROM members m WHERE m.id = ANY($1::uuid[]) AND (
    m.line_user_id IS NOT NULL OR m.status NOT IN ('active', 'suspended')
    OR EXISTS (SELECT FROM purchases p WHERE p.member_id = m.id)
    OR EXISTS (SELECT FROM entries e WHERE e.member_id = m.id AND e.source <> 'import')
    OR EXISTS (SELECT FROM redemptions r WHERE r.member_id = m.id)
    OR EXISTS (SELECT FROM merges g WHERE g.kept = m.id OR g.absorbed = m.id)
    OR EXISTS (SELECT FROM member_changes c WHERE c.member_id = m.id))
"""


class Effect(msgspec.Struct, frozen=True):
    """What was done for a row. `before` and `after` are the parts of a member that changed."""

    number: int
    fate: str
    member_id: UUID | None = None
    entry_id: UUID | None = None
    points: int = 0
    spent: int = 0
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    faults: list[Fault] = []


class Done(msgspec.Struct, frozen=True):
    """An effect that may be undone. `merged_from`: whose it was before a merge."""

    number: int
    fate: str
    member_id: UUID
    entry_id: UUID | None
    points: int
    spent: int
    before: dict[str, Any]
    after: dict[str, Any]
    merged_from: UUID | None


class Shown(msgspec.Struct, frozen=True):
    """An effect as it is shown. `kept` says why undoing left it."""

    number: int
    fate: str
    member_id: UUID | None
    entry_id: UUID | None
    points: int
    faults: list[Fault]
    undone_at: datetime | None
    kept: str | None


async def add(connection: Connection, id: UUID, effects: Sequence[Effect], now: datetime) -> None:
    """Note what was done; a row that was done before makes the transaction fail."""
    kept = await _kept(connection, effects)
    await connection.execute(_ADD, id, msgspec.json.encode(kept).decode(), now)


async def _kept(connection: Connection, effects: Sequence[Effect]) -> list[dict[str, Any]]:
    """Effects as they are stored: what changed of somebody is locked away."""
    rows = [msgspec.to_builtins(each) for each in effects]
    if await sealed.begun(connection):
        changed = [row for row in rows if row["member_id"] and (row["before"] or row["after"])]
        values = [(UUID(r["member_id"]), {n: r[n] for n in PARTS}) for r in changed]
        shut = await sealed.shut(connection, COLUMN, values)
        for row, value in zip(changed, shut, strict=True):
            row.update({"before": {}, "after": {}, "sealed": value})
    return rows


async def brought(connection: Connection, members: Sequence[UUID]) -> dict[UUID, tuple[UUID, int]]:
    """Of these members those who had points brought along, with the last such row."""
    rows = await connection.fetch(_BROUGHT, list(members))
    return {row["member_id"]: (row["import_id"], row["number"]) for row in rows}


async def counts(connection: Connection, id: UUID) -> dict[str, int]:
    """What an import has done so far; `last` is the last row, `undone` and `kept` of an undoing."""
    row = await connection.fetchrow(_COUNTS, id)
    return {name: value or 0 for name, value in dict(row or {}).items()}


async def to_undo(connection: Connection, id: UUID, after: int, limit: int) -> list[Done]:
    """Effects after a row that may be undone, in order."""
    rows = await connection.fetch(_PAGE, id, after, limit)
    values = [(row["merged_from"] or row["member_id"], row["sealed"]) for row in rows]
    found = await sealed.opened(connection, COLUMN, values)
    return [_done(dict(row), secret) for row, secret in zip(rows, found, strict=True)]


def _done(row: dict[str, Any], secret: dict[str, Any] | None) -> Done:
    del row["sealed"]
    decoded = secret or {name: msgspec.json.decode(row[name]) for name in PARTS}
    return Done(**{**row, **decoded})


async def touched(connection: Connection, id: UUID) -> int:
    """How many rows of an import cannot be undone: points that were spent, held or have expired,
    members who were merged since."""
    return int(await connection.fetchval(_TOUCHED, id))


async def undo(
    connection: Connection, id: UUID, undone: Mapping[int, str | None], now: datetime
) -> None:
    """Note which rows were undone (None), or why they were left."""
    await connection.execute(_UNDO, id, list(undone), now, list(undone.values()))


async def shown(
    connection: Connection,
    id: UUID,
    after: int,
    limit: int,
    *,
    fates: Sequence[str] | None = None,
    kept: bool = False,
) -> list[Shown]:
    """What was done for rows after one; `kept`: of those only that an undoing left."""
    rows: list[Any] = await connection.fetch(
        _SHOWN, id, after, list(fates) if fates else None, kept, limit
    )
    decode = msgspec.json.Decoder(list[Fault]).decode
    return [Shown(**{**row, "faults": decode(row["faults"])}) for row in rows]


async def alive(connection: Connection, members: Sequence[UUID]) -> set[UUID]:
    """Of these members those with whom something else happened than an import."""
    return {row["id"] for row in await connection.fetch(_ALIVE, list(members))}
