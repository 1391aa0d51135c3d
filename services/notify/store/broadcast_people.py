"""A segment on its way in: pages and people by stream, until they are planned. Commits nothing.

Whoever was erased is not taken in, and leaves with `personal.erase`; so people who are missing
beside what the pages say are those.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.notify.broadcasts.planning import Candidate
from services.notify.templates.wording import DEFAULT_LANGUAGE
from shared.bus.handling import Connection


class Arrived(NamedTuple):
    """A page, without its people."""

    request_id: UUID
    stream_id: UUID
    number: int
    last: bool
    taken_at: datetime
    people: int
    no_line: int


class Staged(NamedTuple):
    """Somebody of a page, who has LINE."""

    stream_id: UUID
    line_user_id: str
    person: str | None
    taken_at: datetime


class Complete(NamedTuple):
    """A stream of which every page is there, from one moment."""

    stream_id: UUID
    taken_at: datetime
    people: int
    no_line: int


_PAGES = """
INSERT INTO broadcast_pages (request_id, stream_id, number, last, taken_at, people, no_line)
SELECT * FROM unnest(
    $1::uuid[], $2::uuid[], $3::integer[], $4::boolean[], $5::timestamptz[], $6::integer[],
    $7::integer[]
) ON CONFLICT DO NOTHING
"""
_PEOPLE = """
INSERT INTO broadcast_people (stream_id, language, line_user_id, person, taken_at)
SELECT p.stream_id, coalesce(r.language, $5), p.line_user_id, p.person, p.taken_at
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[])
    AS p (stream_id, line_user_id, person, taken_at)
LEFT JOIN recipients r ON r.line_user_id = p.line_user_id
ON CONFLICT DO NOTHING
"""
_COMPLETE = """
SELECT stream_id, max(taken_at) AS taken_at, sum(people) AS people, sum(no_line) AS no_line
FROM broadcast_pages WHERE request_id = $1
GROUP BY stream_id HAVING max(number) FILTER (WHERE last) + 1 = count(*)
ORDER BY 2, 1 LIMIT 1
"""
STANDING = """
LEFT JOIN recipients r ON r.line_user_id = p.line_user_id
LEFT JOIN preferences o ON o.line_user_id = p.line_user_id AND o.category = 'campaign'
"""
"""Joined to anything that has a `line_user_id` as `p`: what `LEFT_OUT` asks."""

LEFT_OUT = "CASE WHEN r.blocked THEN 'blocked' WHEN o.stopped THEN 'opted_out' END"
"""Why somebody is not sent a broadcast; NULL when they are."""

_COUNT = f"""
SELECT p.language, {LEFT_OUT} AS left_out, count(*) FROM broadcast_people p {STANDING}
WHERE p.stream_id = $1 GROUP BY 1, 2
"""
_CANDIDATES = f"""
SELECT p.language, p.line_user_id, {LEFT_OUT} AS left_out, p.person, r.display_name
FROM broadcast_people p {STANDING}
WHERE p.stream_id = $1 AND (p.language, p.line_user_id) > ($2, $3)
ORDER BY p.language, p.line_user_id LIMIT $4
"""
_FORGET_PEOPLE = """
DELETE FROM broadcast_people WHERE stream_id IN (
    SELECT DISTINCT stream_id FROM broadcast_pages WHERE request_id = $1
) AND stream_id IS DISTINCT FROM $2
"""
_FORGET_PAGES = """
DELETE FROM broadcast_pages WHERE request_id = $1 AND stream_id IS DISTINCT FROM $2
"""
PRUNE_PAGES = """
DELETE FROM broadcast_pages WHERE (request_id, stream_id, number) IN (
    SELECT request_id, stream_id, number FROM broadcast_pages WHERE taken_at < $1
    LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""
PRUNE_PEOPLE = """
DELETE FROM broadcast_people WHERE (stream_id, language, line_user_id) IN (
    SELECT stream_id, language, line_user_id FROM broadcast_people WHERE taken_at < $1
    LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


async def stage(connection: Connection, pages: Sequence[Arrived], people: Sequence[Staged]) -> None:
    """Keep pages with their people; what is there already stays as it is."""
    await connection.execute(_PAGES, *map(list, zip(*pages, strict=True)))
    if people:
        columns = map(list, zip(*people, strict=True))
        await connection.execute(_PEOPLE, *columns, DEFAULT_LANGUAGE)


async def complete(connection: Connection, request_id: UUID) -> Complete | None:
    """The first stream that is whole, if any is."""
    row = await connection.fetchrow(_COMPLETE, request_id)
    return Complete(*row) if row else None


async def count(connection: Connection, stream_id: UUID) -> list[tuple[str, str | None, int]]:
    """How many people there are by language and by why they are left out (None: they are not)."""
    return [tuple(row) for row in await connection.fetch(_COUNT, stream_id)]


async def candidates(
    connection: Connection, stream_id: UUID, after: tuple[str, str], limit: int
) -> list[Candidate]:
    """The next people in the order of language and user."""
    rows = await connection.fetch(_CANDIDATES, stream_id, *after, limit)
    return [Candidate(*row) for row in rows]


async def forget(connection: Connection, request_id: UUID, but: UUID | None = None) -> None:
    """Drop what came in for a request, except for the stream `but`."""
    await connection.execute(_FORGET_PEOPLE, request_id, but)
    await connection.execute(_FORGET_PAGES, request_id, but)
