"""Tracked links and how often they were opened, in PostgreSQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from shared.bus.handling import Connection

_ADD = """
INSERT INTO links (id, code, address, name, broadcast_id, template, template_version, segment,
                   created_at)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::text[],
                     $7::integer[], $8::text[], $9::timestamptz[])
    AS l (id, code, address, name, broadcast_id, template, template_version, segment, created_at)
ORDER BY id
ON CONFLICT (id) DO NOTHING
"""
_CODES = "SELECT id, code FROM links WHERE id = ANY($1::uuid[])"
_BY_CODE = "SELECT code, id, address FROM links WHERE code = ANY($1::text[])"
_COUNTED = """
SELECT l.*, coalesce((SELECT sum(clicks) FROM link_clicks c WHERE c.link_id = l.id), 0)::bigint
    AS clicks
FROM links l
"""
_ONE = f"{_COUNTED} WHERE id = $1"
_PAGE = f"""
{_COUNTED}
WHERE ($1::uuid IS NULL OR broadcast_id = $1) AND ($2::text IS NULL OR template = $2)
    AND ($3::text IS NULL OR segment = $3)
    AND ($4::timestamptz IS NULL OR (created_at, id) < ($4, $5::uuid))
ORDER BY created_at DESC, id DESC LIMIT $6
"""
_COUNT = """
WITH batch AS (
    INSERT INTO click_batches (id, at) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING id
)
INSERT INTO link_clicks AS counted (link_id, hour, clicks)
SELECT c.link_id, c.hour, c.clicks
FROM batch, unnest($3::uuid[], $4::timestamptz[], $5::bigint[]) AS c (link_id, hour, clicks)
WHERE EXISTS (SELECT FROM links WHERE links.id = c.link_id)
ORDER BY c.link_id, c.hour
ON CONFLICT (link_id, hour) DO UPDATE SET clicks = counted.clicks + excluded.clicks
"""
_HOURS = """
SELECT hour AS at, clicks FROM link_clicks
WHERE link_id = $1 AND hour >= $2 AND hour < $3 ORDER BY hour
"""
_DAYS = """
SELECT date_trunc('day', hour AT TIME ZONE $4) AT TIME ZONE $4 AS at, sum(clicks)::bigint AS clicks
FROM link_clicks WHERE link_id = $1 AND hour >= $2 AND hour < $3 GROUP BY 1 ORDER BY 1
"""
_OF_BROADCAST = """
SELECT coalesce(sum(c.clicks), 0) FROM links l JOIN link_clicks c ON c.link_id = l.id
WHERE l.broadcast_id = $1
"""
_SUMS = {
    "broadcast": "l.broadcast_id::text AS of, NULL::integer AS version",
    "template": "l.template AS of, l.template_version AS version",
    "segment": "l.segment AS of, NULL::integer AS version",
    "name": "l.name AS of, NULL::integer AS version",
}
_SUM = """
SELECT {what}, count(DISTINCT l.id) AS links, sum(c.clicks)::bigint AS clicks
FROM link_clicks c JOIN links l ON l.id = c.link_id
WHERE c.hour >= $1 AND c.hour < $2 GROUP BY 1, 2 HAVING {of} IS NOT NULL
ORDER BY clicks DESC, 1, 2 LIMIT $3
"""
PRUNE_CLICKS = """
DELETE FROM link_clicks WHERE (link_id, hour) IN (
    SELECT link_id, hour FROM link_clicks WHERE hour < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""
PRUNE_BATCHES = """
DELETE FROM click_batches WHERE id IN (
    SELECT id FROM click_batches WHERE at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


class Link(NamedTuple):
    """A link: `address` is where its code leads, for good; `name` is an owner's own."""

    id: UUID
    code: str
    address: str
    name: str | None
    broadcast_id: UUID | None
    template: str | None
    template_version: int | None
    segment: str | None
    created_at: datetime


class Counted(NamedTuple):
    """A link and how often it was opened."""

    link: Link
    clicks: int


class Target(NamedTuple):
    """Where a code leads."""

    id: UUID
    address: str


class Sum(NamedTuple):
    """Clicks of all links of one broadcast, template version, segment or name."""

    of: str
    version: int | None
    links: int
    clicks: int


async def add(connection: Connection, links: Sequence[Link]) -> dict[UUID, str]:
    """Add links; those that are there already keep their codes. The code of each, by id."""
    columns = [list(column) for column in zip(*links, strict=True)]
    await connection.execute(_ADD, *columns)
    rows = await connection.fetch(_CODES, [link.id for link in links])
    return {row["id"]: row["code"] for row in rows}


async def targets(connection: Connection, codes: Sequence[str]) -> dict[str, Target]:
    """Where those of these codes that there are lead."""
    rows = await connection.fetch(_BY_CODE, list(codes))
    return {row["code"]: Target(row["id"], row["address"]) for row in rows}


async def find(connection: Connection, id: UUID) -> Counted | None:
    """A link by its id."""
    row = await connection.fetchrow(_ONE, id)
    return _counted(row) if row else None


async def page(
    connection: Connection,
    *,
    broadcast: UUID | None,
    template: str | None,
    segment: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Counted]:
    """Links, newest first, those made before `after`."""
    moment, id = after or (None, None)
    rows = await connection.fetch(_PAGE, broadcast, template, segment, moment, id, limit)
    return [_counted(row) for row in rows]


async def count(
    connection: Connection, batch: UUID, clicks: Mapping[tuple[UUID, datetime], int], now: datetime
) -> None:
    """Add clicks by link and hour; a batch that was added already changes nothing."""
    keys = list(clicks)
    await connection.execute(
        _COUNT,
        batch,
        now,
        [key[0] for key in keys],
        [key[1] for key in keys],
        list(clicks.values()),
    )


async def over_time(
    connection: Connection, id: UUID, since: datetime, until: datetime, zone: str | None
) -> list[tuple[datetime, int]]:
    """How often a link was opened, by days of `zone` or, without one, by the hour."""
    if zone is None:
        rows = await connection.fetch(_HOURS, id, since, until)
    else:
        rows = await connection.fetch(_DAYS, id, since, until, zone)
    return [(row["at"], row["clicks"]) for row in rows]


async def sums(
    connection: Connection, by: str, since: datetime, until: datetime, limit: int
) -> list[Sum]:
    """Clicks by broadcast, template (and version), segment or name, most first."""
    what = _SUMS[by]
    query = _SUM.format(what=what, of=what.partition(" AS ")[0])
    return [Sum(*row) for row in await connection.fetch(query, since, until, limit)]


def _counted(row: Any) -> Counted:
    return Counted(Link(*(row[name] for name in Link._fields)), row["clicks"])


async def clicks_of_broadcast(connection: Connection, broadcast_id: UUID) -> int:
    """How often the links of a broadcast were opened, in all."""
    return int(await connection.fetchval(_OF_BROADCAST, broadcast_id))
