"""Who should have which rich menu, and who has, in PostgreSQL. Nothing here commits.

Facts keep the time of what they were heard of, so events may come in any order. Rows are touched
in order, members before LINE users, so that two who learn of the same person wait for each other
and the second one sees what the first one wrote.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

import asyncpg

from services.notify.menus.wanted import Person
from services.notify.templates.wording import DEFAULT_LANGUAGE
from shared.bus.handling import Connection

AnyConnection: TypeAlias = "Connection | asyncpg.Pool[Any]"
MOST_IN_A_CALL = 500


class Fact(NamedTuple):
    """What was heard of a LINE user at a moment; None: nothing about that."""

    line_user_id: str
    member_id: UUID
    at: datetime
    has_card: bool | None = None
    has_left: bool | None = None


class Standing(NamedTuple):
    """A member's rank, or whether they are suspended, at a moment."""

    member_id: UUID
    at: datetime
    value: str | bool | None


class Linked(NamedTuple):
    """What LINE was told of somebody: the menu's id at LINE."""

    line_user_id: str
    linked: str


class Counts(NamedTuple):
    """People of one wanted menu: linked as they should be, waiting for it, refused by LINE."""

    linked: int
    waiting: int
    refused: int


_TOUCH = """
INSERT INTO menu_members (member_id) SELECT unnest($1::uuid[]) AS id ORDER BY id
ON CONFLICT (member_id) DO UPDATE SET member_id = excluded.member_id
"""
_NOTE = """
INSERT INTO menu_links AS known (line_user_id, member_id, member_at)
SELECT * FROM unnest($1::text[], $2::uuid[], $3::timestamptz[]) AS f (u, m, at) ORDER BY u
ON CONFLICT (line_user_id) DO UPDATE SET
    member_id = CASE WHEN known.member_at <= excluded.member_at
        THEN excluded.member_id ELSE known.member_id END,
    member_at = greatest(known.member_at, excluded.member_at),
    forgotten = false
"""
_NOTE_FLAG = """
UPDATE menu_links AS known SET {flag} = f.value, {at} = f.at
FROM unnest($1::text[], $2::boolean[], $3::timestamptz[]) AS f (u, value, at)
WHERE line_user_id = f.u AND known.{at} <= f.at
"""
_NOTE_CARDS = _NOTE_FLAG.format(flag="has_card", at="card_at")
_NOTE_LEAVING = _NOTE_FLAG.format(flag="has_left", at="left_at")
_NOTE_STANDING = """
INSERT INTO menu_members AS known (member_id, {value}, {at})
SELECT * FROM unnest($1::uuid[], $2::{type}[], $3::timestamptz[]) AS f (m, value, at) ORDER BY m
ON CONFLICT (member_id) DO UPDATE SET {value} = excluded.{value}, {at} = excluded.{at}
WHERE known.{at} <= excluded.{at}
"""
_NOTE_RANKS = _NOTE_STANDING.format(value="rank", at="rank_at", type="text")
_NOTE_SUSPENSIONS = _NOTE_STANDING.format(value="suspended", at="suspended_at", type="boolean")
_PEOPLE = f"""
SELECT l.line_user_id, coalesce(r.language, '{DEFAULT_LANGUAGE}'), m.rank, l.has_card,
    coalesce(m.suspended, false), l.has_left
FROM menu_links l
LEFT JOIN menu_members m ON m.member_id = l.member_id
LEFT JOIN recipients r ON r.line_user_id = l.line_user_id
WHERE {{}} AND NOT l.forgotten ORDER BY l.line_user_id {{}} FOR UPDATE OF l
"""
_PEOPLE_NAMED = _PEOPLE.format("l.line_user_id = ANY($1::text[])", "")
_PEOPLE_OF_MEMBERS = _PEOPLE.format("l.member_id = ANY($1::uuid[])", "")
_PEOPLE_AFTER = _PEOPLE.format("l.line_user_id > $1", "LIMIT $2")
_WANT = """
UPDATE menu_links AS l SET wanted = w.wanted, due_at = greatest(l.leased_until, $3), tries = 0,
    problem = NULL
FROM unnest($1::text[], $2::text[]) AS w (u, wanted)
WHERE l.line_user_id = w.u AND l.wanted <> w.wanted
"""
_AGAIN = """
UPDATE menu_links SET due_at = greatest(leased_until, $2)
WHERE line_user_id = ANY($1::text[]) AND (wanted <> '' OR linked <> '')
"""
_CLAIM = """
WITH due AS (
    SELECT line_user_id FROM menu_links
    WHERE wanted = $1 AND due_at <= $2 AND (leased_until IS NULL OR leased_until <= $2)
    ORDER BY due_at LIMIT $4 FOR UPDATE SKIP LOCKED
)
UPDATE menu_links AS l SET leased_until = $3 FROM due WHERE l.line_user_id = due.line_user_id
RETURNING l.line_user_id
"""
_DONE = """
UPDATE menu_links SET linked = $2, leased_until = NULL, tries = 0, problem = NULL,
    due_at = CASE WHEN wanted = $3 THEN NULL ELSE $4::timestamptz END
WHERE line_user_id = ANY($1::text[])
"""
_LATER = """
UPDATE menu_links SET leased_until = NULL, tries = tries + 1, due_at = $2, problem = NULL
WHERE line_user_id = ANY($1::text[])
"""
_REFUSED = """
UPDATE menu_links SET leased_until = NULL, due_at = NULL, problem = $2
WHERE line_user_id = ANY($1::text[]) AND NOT forgotten
"""
_FORGOTTEN = """
DELETE FROM menu_links
WHERE line_user_id = ANY($1::text[]) AND forgotten AND (linked = '' OR $2)
"""
_ASTRAY = """
UPDATE menu_links SET due_at = $1, tries = 0 WHERE line_user_id IN (
    SELECT line_user_id FROM menu_links l LEFT JOIN menus m ON m.name = l.wanted
    WHERE l.due_at IS NULL AND l.problem IS NULL
        AND CASE WHEN l.wanted = '' THEN l.linked <> ''
            ELSE m.line_id IS NOT NULL AND l.linked <> m.line_id END
    LIMIT $2
)
"""
_UNCHECKED = """
SELECT line_user_id, linked FROM menu_links
WHERE linked <> '' AND due_at IS NULL AND NOT forgotten ORDER BY checked_at LIMIT $1
"""
_CHECKED = """
UPDATE menu_links AS l SET checked_at = $3, linked = c.found,
    due_at = CASE WHEN l.linked <> c.found THEN coalesce(l.due_at, $3) ELSE l.due_at END
FROM unnest($1::text[], $2::text[]) AS c (u, found) WHERE l.line_user_id = c.u
"""
_COUNTS = """
SELECT l.wanted, count(*) FILTER (WHERE l.linked = coalesce(m.line_id, '') AND l.due_at IS NULL),
    count(*) FILTER (WHERE l.due_at IS NOT NULL), count(*) FILTER (WHERE l.problem IS NOT NULL)
FROM menu_links l LEFT JOIN menus m ON m.name = l.wanted GROUP BY l.wanted
"""
_ERASE = (
    """UPDATE menu_links SET forgotten = true, member_id = NULL, wanted = '', due_at = $2,
        has_card = false, has_left = false, problem = NULL
    WHERE line_user_id = $1 AND member_at <= $2 AND (linked <> '' OR leased_until IS NOT NULL)""",
    """DELETE FROM menu_links WHERE line_user_id = $1 AND member_at <= $2 AND NOT forgotten""",
)
PRUNE_FORGOTTEN = """
DELETE FROM menu_links WHERE line_user_id IN (
    SELECT line_user_id FROM menu_links WHERE forgotten AND due_at < $1 LIMIT $2
    FOR UPDATE SKIP LOCKED
)
"""


async def note(connection: Connection, facts: Sequence[Fact]) -> None:
    """Keep what was heard of LINE users; what is older than what is known changes nothing."""
    latest = {each.line_user_id: each for each in sorted(facts, key=lambda each: each.at)}
    await connection.execute(_TOUCH, sorted({each.member_id for each in latest.values()}))
    await connection.execute(
        _NOTE,
        list(latest),
        [each.member_id for each in latest.values()],
        [each.at for each in latest.values()],
    )
    for statement, flag in ((_NOTE_CARDS, "has_card"), (_NOTE_LEAVING, "has_left")):
        told = [each for each in latest.values() if getattr(each, flag) is not None]
        if told:
            users, ats = [each.line_user_id for each in told], [each.at for each in told]
            await connection.execute(statement, users, [getattr(each, flag) for each in told], ats)


async def note_ranks(connection: Connection, ranks: Sequence[Standing]) -> None:
    """Keep members' ranks, by code; None is no rank."""
    await _stand(connection, _NOTE_RANKS, ranks)


async def note_suspensions(connection: Connection, standings: Sequence[Standing]) -> None:
    """Keep who is suspended."""
    await _stand(connection, _NOTE_SUSPENSIONS, standings)


async def _stand(connection: Connection, statement: str, standings: Sequence[Standing]) -> None:
    latest = {each.member_id: each for each in sorted(standings, key=lambda each: each.at)}
    values, ats = [each.value for each in latest.values()], [each.at for each in latest.values()]
    await connection.execute(statement, list(latest), values, ats)


async def people(connection: Connection, users: Sequence[str]) -> dict[str, Person]:
    """What decides on these LINE users' menus; their rows are locked."""
    return _people(await connection.fetch(_PEOPLE_NAMED, list(users)))


async def people_of(connection: Connection, members: Sequence[UUID]) -> dict[str, Person]:
    """The same, of members."""
    return _people(await connection.fetch(_PEOPLE_OF_MEMBERS, list(members)))


async def people_after(connection: Connection, user: str, limit: int) -> dict[str, Person]:
    """The same, of the next `limit` LINE users after this one."""
    return _people(await connection.fetch(_PEOPLE_AFTER, user, limit))


async def want(connection: Connection, menus: Mapping[str, str], now: datetime) -> None:
    """Which menu each LINE user should have; those for whom that is new are due."""
    await connection.execute(_WANT, list(menus), list(menus.values()), now)


async def again(connection: Connection, users: Sequence[str], now: datetime) -> None:
    """Tell LINE once more what these users should have."""
    await connection.execute(_AGAIN, list(users), now)


async def claim(
    pool: AnyConnection, wanted: str, now: datetime, lease_until: datetime
) -> list[str]:
    """Take up to 500 LINE users who are due for this menu, in a transaction of its own. What other
    processes have taken is passed over until their lease ends."""
    rows = await pool.fetch(_CLAIM, wanted, now, lease_until, MOST_IN_A_CALL)
    return [row[0] for row in rows]


async def done(
    connection: Connection, users: Sequence[str], linked: str, wanted: str, now: datetime
) -> None:
    """LINE was told; who should have another one meanwhile is due again."""
    await connection.execute(_DONE, list(users), linked, wanted, now)
    await connection.execute(_FORGOTTEN, list(users), False)


async def later(pool: AnyConnection, users: Sequence[str], due_at: datetime) -> None:
    """LINE did not take it, or who knows: the same again at that moment."""
    await pool.execute(_LATER, list(users), due_at)


async def refused(connection: Connection, users: Sequence[str], problem: str) -> None:
    """LINE will not have it."""
    await connection.execute(_REFUSED, list(users), problem)
    await connection.execute(_FORGOTTEN, list(users), True)


async def astray(pool: AnyConnection, now: datetime, limit: int) -> int:
    """Make up to `limit` people due who are linked to another menu than they should; how many."""
    status = await pool.execute(_ASTRAY, now, limit)
    return int(status.rpartition(" ")[2])


async def unchecked(pool: AnyConnection, limit: int) -> list[Linked]:
    """Those who were looked at longest ago."""
    return [Linked(*row) for row in await pool.fetch(_UNCHECKED, limit)]


async def checked(connection: Connection, found: Sequence[Linked], now: datetime) -> None:
    """What LINE says that they have; who has another one than was thought is due."""
    users, menus = [each.line_user_id for each in found], [each.linked for each in found]
    await connection.execute(_CHECKED, users, menus, now)


async def counts(connection: AnyConnection) -> dict[str, Counts]:
    """How many people, by the menu that they should have ('': the default)."""
    return {row[0]: Counts(*row[1:]) for row in await connection.fetch(_COUNTS)}


async def erase(connection: Connection, user: str, at: datetime) -> None:
    """Forget a LINE user, up to a moment. Who has a menu of a rank at LINE is kept by id alone
    until LINE has taken it back."""
    for statement in _ERASE:
        await connection.execute(statement, user, at)


async def erase_members(connection: Connection, members: Sequence[UUID]) -> None:
    """Forget members' ranks."""
    await connection.execute(
        "DELETE FROM menu_members WHERE member_id = ANY($1::uuid[])", sorted(members)
    )


def _people(rows: Sequence[asyncpg.Record]) -> dict[str, Person]:
    return {row[0]: Person(*tuple(row)[1:]) for row in rows}
