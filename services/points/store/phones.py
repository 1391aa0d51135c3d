"""Members' phone numbers: locked away (`sealed`), and found by marks of the whole number and of its
last digits, which the database keeps as search terms (migration 41).

In a shop that was there before they stand in `members.phone` in clear for a day, as the version
before reads them, and until they have been locked away; readers take either. Who writes a number
has locked it as a name (`lock_references`), and has asked `find` whose it is: that nobody else has
it, in clear or locked away, holds by this, and by an index of each.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from services.points.rules import phones as rules
from services.points.store import sealed
from shared import logs, sealing
from shared.bus.handling import Connection

COLUMN = "member_phones.sealed"
_WHOLE, _END = 16, 8
"""Bytes of marks: of the whole number, that none is another's; of last digits, where one in a
trillion finds somebody too many."""

_MIGRATED = """
SELECT applied_at FROM migrations WHERE version = 41 AND EXISTS (SELECT FROM phones_due)
"""
HOLDERS = """
SELECT 0 AS place, (SELECT k.id FROM mark_key k) AS key, NULL::text AS number, NULL::uuid AS id
UNION ALL SELECT 1, NULL, phone, id FROM members WHERE phone = ANY($1::text[])
UNION ALL SELECT 2, NULL, w.number, p.member_id
FROM unnest($1::text[], $2::bytea[]) AS w (number, mark) JOIN member_phones p USING (mark)
"""
"""Who has numbers, given with their marks. The first row says which key the marks should be of."""

_OF = """
SELECT m.id, m.phone, p.sealed AS phone_sealed
FROM members m LEFT JOIN member_phones p ON p.member_id = m.id AND p.mark IS NOT NULL
WHERE m.id = ANY($1::uuid[]) AND (m.phone IS NOT NULL OR p.mark IS NOT NULL)
"""
_MOVED = "SELECT member_id, sealed FROM member_phones WHERE member_id = ANY($1::uuid[])"
_SET_CLEAR = """
UPDATE members m SET phone = w.phone FROM unnest($1::uuid[], $2::text[]) AS w (id, phone)
WHERE m.id = w.id AND m.phone IS DISTINCT FROM w.phone
"""
_CLEAR_NONE = "UPDATE members SET phone = NULL WHERE id = ANY($1::uuid[]) AND phone IS NOT NULL"
_DROP = "DELETE FROM member_phones WHERE member_id = ANY($1::uuid[])"
_MARKS = "SELECT member_id, mark FROM member_phones WHERE member_id = ANY($1::uuid[])"
_KEEP = """
INSERT INTO member_phones (member_id, mark, ends, sealed)
SELECT member_id, mark, string_to_array(ends, ' '), sealed
FROM unnest($1::uuid[], $2::bytea[], $3::text[], $4::bytea[])
    AS w (member_id, mark, ends, sealed)
WHERE sealed IS NOT NULL ORDER BY mark
"""
_MOVE = """
INSERT INTO member_phones AS known (member_id, moved, ends, sealed)
SELECT member_id, moved, string_to_array(ends, ' '), sealed
FROM unnest($1::uuid[], $2::bytea[], $3::text[], $4::bytea[])
    AS w (member_id, moved, ends, sealed)
WHERE sealed IS NOT NULL ORDER BY member_id
ON CONFLICT (member_id) DO UPDATE
SET mark = NULL, moved = excluded.moved, ends = excluded.ends, sealed = excluded.sealed
"""
_MOVE_BACK = (
    """
DELETE FROM member_phones k USING member_phones a
WHERE k.member_id = $2 AND a.member_id = $1 AND k.mark = a.moved
""",
    """
UPDATE member_phones a SET mark = a.moved, moved = NULL
WHERE a.member_id = $1 AND a.moved IS NOT NULL
    AND NOT EXISTS (SELECT FROM member_phones o WHERE o.mark = a.moved)
RETURNING $2::uuid
""",
)

log = logs.logger(__name__)


class Sought(msgspec.Struct, frozen=True):
    """Terms by which searches find a number that was typed whole, and those with its last four
    digits; `also`: the mark of all its digits, where there are more."""

    whole: str
    end: str
    also: str | None


async def begun(connection: Connection) -> bool:
    """Whether a number that is written now is locked away; not while the version before may still
    run."""
    return await sealed.begun(connection, _MIGRATED)


async def find(connection: Connection, numbers: Iterable[str]) -> dict[str, UUID]:
    """Whose these numbers are, in the one form; those of nobody are left out. Raises WrongKey."""
    holders = await rows(connection, f"{HOLDERS} ORDER BY place", numbers)
    return {row["number"]: row["id"] for row in holders}


async def holder(connection: Connection, number: str | None) -> UUID | None:
    """Whose this one number is. Raises WrongKey."""
    return (await find(connection, [number])).get(number) if number else None


async def rows(connection: Connection, query: str, numbers: Iterable[str]) -> Sequence[Any]:
    """The rows of a query over `HOLDERS` in the order of `place`, but the first: a number in clear
    comes before the same locked away. Raises WrongKey."""
    wanted = sorted(set(numbers))
    if not wanted:
        return []
    known = sealed.last_mark_key()
    found: Sequence[Any] = await connection.fetch(query, wanted, _marks(known, wanted))
    if found[0]["key"] != (known.id if known else None):
        await sealed.mark_key(connection)
        known = sealed.last_mark_key()
        found = await connection.fetch(query, wanted, _marks(known, wanted))
    return found[1:]


def _marks(known: sealed.MarkKey | None, numbers: Sequence[str]) -> list[bytes | None]:
    return [_whole(known.key, number) if known else None for number in numbers]


async def sought(connection: Connection, digits: str) -> Sought | None:
    """How searches find who has a number that ends with these digits; None for too few, while none
    is locked away, and under a wrong key, where searches go on without phones."""
    if len(digits) < rules.FEWEST_LAST:
        return None
    try:
        key = await sealed.mark_key(connection)
    except sealed.WrongKey as problem:
        log.error("members are not found by phones", problem=str(problem))
        return None
    if key is None:
        return None
    last = digits.lstrip("+")
    also = _end(key, last) if len(last) > rules.FEWEST_LAST else None
    return Sought(_whole(key, digits).hex(), _end(key, last[-rules.FEWEST_LAST :]), also)


async def of(connection: Connection, members: Iterable[UUID]) -> dict[UUID, str]:
    """The numbers of those of these members who have one. Raises WrongKey."""
    return await opened(connection, await connection.fetch(_OF, list(members)))


async def opened(connection: Connection, rows: Sequence[Any]) -> dict[UUID, str]:
    """The numbers in rows that have `id`, `phone` and `phone_sealed`, of one query or another."""
    found = await sealed.opened(connection, COLUMN, [(r["id"], r["phone_sealed"]) for r in rows])
    both = zip(rows, found, strict=True)
    return {row["id"]: number for row, hidden in both if (number := hidden or row["phone"])}


async def moved_from(connection: Connection, members: Iterable[UUID]) -> dict[UUID, str]:
    """The numbers that these members brought into a merge, or have again."""
    rows = await connection.fetch(_MOVED, list(members))
    values = [(row["member_id"], row["sealed"]) for row in rows]
    found = await sealed.opened(connection, COLUMN, values)
    return {row["member_id"]: each for row, each in zip(rows, found, strict=True) if each}


async def keep(connection: Connection, given: Mapping[UUID, str | None]) -> None:
    """Write the numbers of members, who must be locked; nobody else may have them."""
    if not given:
        return
    if not await begun(connection):
        await connection.execute(_SET_CLEAR, list(given), list(given.values()))
        await drop(connection, [member for member, number in given.items() if not number])
        return
    await connection.execute(_CLEAR_NONE, list(given))
    numbers = {member: number for member, number in given.items() if number}
    there = {row["member_id"]: row["mark"] for row in await connection.fetch(_MARKS, list(given))}
    both = there.keys() & numbers.keys()
    key = await sealed.made_mark_key(connection) if both else b""
    same = {member for member in both if there[member] == _whole(key, numbers[member])}
    if gone := there.keys() - same:
        await drop(connection, gone)
    await add(connection, {member: numbers[member] for member in numbers.keys() - same})


async def add(connection: Connection, numbers: Mapping[UUID, str]) -> None:
    """Lock numbers away for members who have none; nobody else may have them."""
    if numbers:
        key = await sealed.made_mark_key(connection)
        await connection.execute(_KEEP, *await _columns(connection, key, numbers))


async def drop(connection: Connection, members: Iterable[UUID]) -> None:
    """Take numbers that are locked away from members, who must be locked."""
    await connection.execute(_DROP, list(members))


async def move(connection: Connection, number: str, absorbed: UUID, kept: UUID) -> None:
    """A number goes to who absorbs its member; both must be locked. So that it can go back without
    a key, the absorbed one keeps it in a way that nobody finds."""
    await connection.execute(_CLEAR_NONE, [absorbed])
    await keep_moved(connection, {absorbed: number})
    await keep(connection, {kept: number})


async def keep_moved(connection: Connection, given: Mapping[UUID, str]) -> None:
    """Note the numbers that members brought into merges."""
    if not given:
        return
    key = await sealed.made_mark_key(connection)
    await connection.execute(_MOVE, *await _columns(connection, key, given))


async def move_back(connection: Connection, absorbed: UUID, kept: UUID) -> None:
    """What `move` moved goes back, unless somebody else has come to it since."""
    for statement in _MOVE_BACK:
        await connection.execute(statement, absorbed, kept)


async def lock_away(connection: Connection, clear: Mapping[UUID, str]) -> int:
    """Lock numbers away that stand in clear; how many. One that is somebody else's too, whom a
    process of the version before did not see, stays where it is, and is told."""
    key = await sealed.made_mark_key(connection)
    holders = await find_locked(connection, key, clear.values())
    free = {}
    for member, number in clear.items():
        if (holder := holders.get(number, member)) == member:
            free[member] = number
        else:
            log.error("two members have one phone", locked=str(holder), clear=str(member))
    await keep(connection, free)
    return len(free)


async def find_locked(
    connection: Connection, key: bytes, numbers: Iterable[str]
) -> dict[str, UUID]:
    """Who has these numbers locked away."""
    marks = {_whole(key, number): number for number in numbers}
    rows = await connection.fetch(
        "SELECT mark, member_id FROM member_phones WHERE mark = ANY($1::bytea[])", list(marks)
    )
    return {marks[row["mark"]]: row["member_id"] for row in rows}


async def covered(connection: Connection, hashes: Sequence[str]) -> list[str]:
    """What is kept of the hashes of bodies that named a phone, which could be tried out otherwise;
    the hashes themselves until locking away has begun. Raises WrongKey."""
    if not hashes or not await begun(connection):
        return list(hashes)
    key = await sealed.made_mark_key(connection)
    return [sealing.mark(key, each, "hash of a body", _WHOLE).hex() for each in hashes]


async def _columns(
    connection: Connection, key: bytes, given: Mapping[UUID, str]
) -> tuple[list[UUID], list[bytes], list[str], list[bytes | None]]:
    """Members, marks, ends in one text each, and what is locked away."""
    values = await sealed.shut(connection, COLUMN, list(given.items()))
    ends = [" ".join(_end(key, each) for each in rules.ends(number)) for number in given.values()]
    return list(given), [_whole(key, number) for number in given.values()], ends, values


def _whole(key: bytes, number: str) -> bytes:
    return sealing.mark(key, number, "phone", _WHOLE)


def _end(key: bytes, digits: str) -> str:
    return sealing.mark(key, digits, "last digits", _END).hex()
