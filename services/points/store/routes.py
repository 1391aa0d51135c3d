"""Routes of joining: who came by, who joined, and what it came to."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from shared.bus.handling import Connection

_COLUMNS = "code, name, kind, store, active, created_at, changed_at"
_PUT = f"""
INSERT INTO routes AS known ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $6)
ON CONFLICT (code) DO UPDATE SET name = $2, kind = $3, store = $4, active = $5, changed_at = $6
RETURNING {_COLUMNS}
"""
_FIND = f"SELECT {_COLUMNS} FROM routes WHERE code = $1"
_PAGE = f"SELECT {_COLUMNS} FROM routes WHERE code > $1 ORDER BY code LIMIT $2"
_OF_STORE = f"SELECT {_COLUMNS} FROM routes WHERE store = $1 AND active ORDER BY code"
_ACTIVE = "SELECT EXISTS (SELECT FROM routes WHERE code = $1 AND active)"
_JOINED = "SELECT id, route, joined_at FROM members WHERE line_user_id = $1"
_NOTE = """
INSERT INTO route_visits AS known (user_hash, route, at) VALUES ($1, $2, $3)
ON CONFLICT (user_hash) DO UPDATE SET route = excluded.route, at = excluded.at
WHERE known.at <= $4
RETURNING route
"""
_COUNT = """
INSERT INTO route_counts AS counted (route, hour, visits) VALUES ($1, $2, 1)
ON CONFLICT (route, hour) DO UPDATE SET visits = counted.visits + 1
"""
_KEEP = "UPDATE members SET route = $2, route_at = $3 WHERE id = $1 AND route IS NULL"
_ATTRIBUTE = """
WITH came AS (
    DELETE FROM route_visits v
    USING unnest($1::text[], $2::uuid[]) AS m (user_hash, member_id)
    WHERE v.user_hash = m.user_hash RETURNING m.member_id, v.route, v.at
)
UPDATE members SET route = came.route, route_at = $3 FROM came
WHERE members.id = came.member_id AND came.at > $4
RETURNING members.id, members.route
"""
_VISITS = """
SELECT date_trunc('day', hour AT TIME ZONE $2)::date AS day, sum(visits)::bigint
FROM route_counts WHERE route = $1 GROUP BY 1
"""
_JOINS = """
SELECT date_trunc('day', route_at AT TIME ZONE $2)::date AS day, count(*)
FROM members WHERE route = $1 AND merged_into IS NULL GROUP BY 1
"""
_FIRST_PURCHASES = """
SELECT date_trunc('day', p.occurred_at AT TIME ZONE $2)::date AS day, count(*),
    sum(p.amount)::bigint
FROM members m CROSS JOIN LATERAL (
    SELECT occurred_at, total - refunded AS amount FROM purchases
    WHERE member_id = m.id AND refunded < total ORDER BY occurred_at, id LIMIT 1
) AS p
WHERE m.route = $1 AND m.merged_into IS NULL AND p.occurred_at >= m.route_at GROUP BY 1
"""
_OF_USERS = """
SELECT route, at FROM route_visits WHERE user_hash = ANY($1::text[]) ORDER BY at
"""
PRUNE_VISITS = """
DELETE FROM route_visits WHERE user_hash IN (
    SELECT user_hash FROM route_visits WHERE at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


class Route(NamedTuple):
    """A route; `store` is the code of the store where it hangs or which it advertises."""

    code: str
    name: str
    kind: str
    store: str | None
    active: bool
    created_at: datetime
    changed_at: datetime


class Joined(NamedTuple):
    """A LINE user who is a member."""

    id: UUID
    route: str | None
    joined_at: datetime


class Day(NamedTuple):
    """What became of a route on a day: `amount` (minor units) is of the first purchases."""

    day: date
    visits: int = 0
    joins: int = 0
    first_purchases: int = 0
    amount: int = 0


async def put(
    connection: Connection,
    code: str,
    *,
    name: str,
    kind: str,
    store: str | None,
    active: bool,
    now: datetime,
) -> Route:
    """Add a route or change the one that there is."""
    (row,) = await connection.fetch(_PUT, code, name, kind, store, active, now)
    return Route(*row)


async def find(connection: Connection, code: str) -> Route | None:
    """A route by its code."""
    row = await connection.fetchrow(_FIND, code)
    return Route(*row) if row else None


async def page(connection: Connection, after: str, limit: int) -> list[Route]:
    """Routes by code, those after one."""
    return [Route(*row) for row in await connection.fetch(_PAGE, after, limit)]


async def of_store(connection: Connection, store: str) -> list[Route]:
    """A store's routes that are in use, by code."""
    return [Route(*row) for row in await connection.fetch(_OF_STORE, store)]


async def is_active(connection: Connection, code: str) -> bool:
    """Whether who comes by this route is noted."""
    return bool(await connection.fetchval(_ACTIVE, code))


async def joined(connection: Connection, user: str) -> Joined | None:
    """The member that a LINE user is."""
    row = await connection.fetchrow(_JOINED, user)
    return Joined(*row) if row else None


async def note(
    connection: Connection, user_hash: str, route: str, now: datetime, forgotten: datetime
) -> bool:
    """Note a visit unless an earlier one counts, one since `forgotten`; whether it was noted."""
    return await connection.fetchval(_NOTE, user_hash, route, now, forgotten) is not None


async def count(connection: Connection, route: str, hour: datetime) -> None:
    """Count one visit."""
    await connection.execute(_COUNT, route, hour)


async def keep(connection: Connection, member: UUID, route: str, at: datetime) -> None:
    """Note by which route a member joined, unless one is known."""
    await connection.execute(_KEEP, member, route, at)


async def attribute(
    connection: Connection, members: Mapping[str, UUID], now: datetime, forgotten: datetime
) -> dict[UUID, str]:
    """Turn visits of these users (by hash) into routes of these members; older ones than
    `forgotten` only go. The route of each member who has one."""
    rows = await connection.fetch(_ATTRIBUTE, list(members), list(members.values()), now, forgotten)
    return {row["id"]: row["route"] for row in rows}


async def report(connection: Connection, code: str, zone: str) -> list[Day]:
    """What became of a route, by days of `zone`, oldest first; days without anything are left out.

    A join counts once a person: who was merged into another counts with them. A first purchase is
    the first of all that a member's purchases have left after refunds, if it came with or after
    the joining.
    """
    days: dict[date, Day] = {}
    for row in await connection.fetch(_VISITS, code, zone):
        days[row[0]] = days.get(row[0], Day(row[0]))._replace(visits=row[1])
    for row in await connection.fetch(_JOINS, code, zone):
        days[row[0]] = days.get(row[0], Day(row[0]))._replace(joins=row[1])
    for row in await connection.fetch(_FIRST_PURCHASES, code, zone):
        first = days.get(row[0], Day(row[0]))
        days[row[0]] = first._replace(first_purchases=row[1], amount=row[2])
    return [days[day] for day in sorted(days)]


async def of_users(connection: Connection, hashes: Sequence[str]) -> list[dict[str, object]]:
    """What is noted of these users' visits, for a copy."""
    return [dict(row) for row in await connection.fetch(_OF_USERS, list(hashes))]
