"""What LINE tells of people: name and language. Nothing here commits."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg

from shared.bus.handling import Connection


class Told(NamedTuple):
    """A profile; `language` is ja or en, None where LINE does not say."""

    line_user_id: str
    name: str | None
    language: str | None


class Named(NamedTuple):
    """What LINE calls somebody (None: nothing), since it was last asked."""

    line_user_id: str
    at: datetime
    name: str | None


_TAKE = """
UPDATE recipients SET profile_due_at = $2 WHERE line_user_id IN (
    SELECT line_user_id FROM recipients
    WHERE profile_due_at <= $1 AND profile_due_at IS NOT NULL AND NOT blocked
    ORDER BY profile_due_at LIMIT $3 FOR UPDATE SKIP LOCKED
)
RETURNING line_user_id
"""
_NOTE = """
UPDATE recipients AS r
SET display_name = told.name,
    name_told = r.name_told AND r.display_name IS NOT DISTINCT FROM told.name,
    language = coalesce(told.language, r.language), profile_at = $1, profile_due_at = $2
FROM unnest($3::text[], $4::text[], $5::text[]) AS told (line_user_id, name, language)
WHERE r.line_user_id = told.line_user_id
"""
_TAKE_UNTOLD = """
UPDATE recipients SET name_told = true WHERE line_user_id IN (
    SELECT line_user_id FROM recipients
    WHERE NOT name_told AND (display_name IS NOT NULL OR profile_at IS NOT NULL)
    LIMIT $1 FOR UPDATE SKIP LOCKED
)
RETURNING line_user_id, coalesce(profile_at, changed_at), display_name
"""
_FORGO = "UPDATE recipients SET profile_due_at = NULL WHERE line_user_id = ANY($1::text[])"


async def take(
    pool: "asyncpg.Pool[Any]", now: datetime, again_at: datetime, limit: int
) -> list[str]:
    """Whose profile is to be read, longest due first; each again at `again_at` unless something is
    noted before."""
    return [row[0] for row in await pool.fetch(_TAKE, now, again_at, limit)]


async def note(
    connection: Connection, told: Sequence[Told], now: datetime, next_at: datetime
) -> None:
    """Keep what LINE told; of who was erased meanwhile nothing is kept."""
    columns = [list(column) for column in zip(*told, strict=True)]
    await connection.execute(_NOTE, now, next_at, *columns)


async def take_untold(connection: Connection, limit: int) -> list[Named]:
    """Names that the shop has not been told, from now on told."""
    return [Named(*row) for row in await connection.fetch(_TAKE_UNTOLD, limit)]


async def forgo(connection: Connection, line_user_ids: Sequence[str]) -> None:
    """LINE tells nothing of these; not asked again before they follow anew."""
    await connection.execute(_FORGO, list(line_user_ids))
