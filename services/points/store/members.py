"""Members, and how the world names them: card, LINE user, external id, phone (`phones`)."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from services.points.store import phones
from shared.bus.handling import Connection

REFERENCES = ("card", "id", "line_user_id", "external_id", "phone")
"""How a stored member can be named; a rotating QR is read to an id before it gets here."""

_COLUMNS = "id, card, line_user_id, external_id, status, friend, joined_at, merged_into"
_BY = {
    "id": f"SELECT {_COLUMNS} FROM members WHERE id = ANY($1::uuid[])",
    "card": f"SELECT {_COLUMNS} FROM members WHERE card = ANY($1)",
    "line_user_id": f"SELECT {_COLUMNS} FROM members WHERE line_user_id = ANY($1)",
    "external_id": f"SELECT {_COLUMNS} FROM members WHERE external_id = ANY($1)",
}
_BY_PHONE = f"""
SELECT h.key, h.number, {", ".join(f"m.{column}" for column in _COLUMNS.split(", "))}
FROM ({phones.HOLDERS}) AS h LEFT JOIN members m ON m.id = h.id
ORDER BY h.place
"""
_CARDS = "SELECT nextval('card_numbers') AS number FROM generate_series(1, $1)"
_CARD_KEY = "SELECT key FROM card_key"
_ADD = """
INSERT INTO members (id, card, line_user_id, external_id, phone, status, friend,
                     friend_changed_at, birthday, joined_at)
SELECT id, card, line_user_id, external_id, phone, 'active', line_user_id IS NOT NULL, friend_at,
    birthday, least(joined, $9)
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[],
    $7::date[], $8::timestamptz[])
    AS m (id, card, line_user_id, external_id, phone, friend_at, birthday, joined)
ORDER BY line_user_id
ON CONFLICT DO NOTHING RETURNING id
"""
_OPEN_ACCOUNTS = """
INSERT INTO accounts (member_id, unit, in_lots, pending, held, debt, earned, spent, amount_spent,
                      purchases, visits, remainder_numerator, remainder_denominator)
SELECT id, 'point', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 FROM unnest($1::uuid[]) AS m (id) ORDER BY id
"""
_FRIENDS = """
WITH news AS (
    SELECT * FROM unnest($1::text[], $2::boolean[], $3::timestamptz[])
        AS f (line_user_id, friend, at)
), old AS (
    SELECT m.id, m.friend AS was, news.friend, news.at
    FROM members m JOIN news ON news.line_user_id = m.line_user_id
    WHERE m.friend_changed_at IS NULL OR m.friend_changed_at < news.at
    ORDER BY m.id FOR UPDATE OF m
)
UPDATE members SET friend = old.friend, friend_changed_at = old.at FROM old
WHERE members.id = old.id
RETURNING members.id, members.line_user_id, members.card, members.friend,
    old.was <> old.friend AS changed
"""
_NOTE_DEPARTURES = """
INSERT INTO departures AS noted (line_user_id, at)
SELECT line_user_id, at FROM unnest($1::text[], $2::timestamptz[]) AS d (line_user_id, at)
WHERE NOT EXISTS (SELECT FROM members WHERE members.line_user_id = d.line_user_id)
ORDER BY line_user_id
ON CONFLICT (line_user_id) DO UPDATE SET at = greatest(noted.at, excluded.at)
"""
_APPLY_DEPARTURES = """
WITH noted AS (
    DELETE FROM departures WHERE line_user_id = ANY($1::text[]) RETURNING line_user_id, at
)
UPDATE members SET friend = false, friend_changed_at = noted.at FROM noted
WHERE members.line_user_id = noted.line_user_id
    AND (friend_changed_at IS NULL OR friend_changed_at < noted.at)
"""
PRUNE_DEPARTURES = """
DELETE FROM departures WHERE line_user_id IN (
    SELECT line_user_id FROM departures WHERE at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


class Member(msgspec.Struct, frozen=True):
    """A member. `friend`: whether the LINE account has us as a friend now; `merged_into`: who took
    over everything that was theirs.

    The fields stand in the order of `_COLUMNS`: made by place, a member costs an eighth.
    """

    id: UUID
    card: str
    line_user_id: str | None
    external_id: str | None
    status: str
    friend: bool
    joined_at: datetime
    merged_into: UUID | None = None


class NewMember(msgspec.Struct, frozen=True, kw_only=True):
    """A member to add. `friend_at`: LINE's time of the follow, None if something else enrols;
    `joined`: since when, if that was before today."""

    id: UUID
    card: str = ""
    line_user_id: str | None = None
    external_id: str | None = None
    phone: str | None = None
    friend_at: datetime | None = None
    birthday: date | None = None
    joined: datetime | None = None

    def names(self) -> list[tuple[str, str]]:
        """All the ways in which a till may name this member, as (way, value)."""
        ways = ((way, getattr(self, way)) for way in REFERENCES)
        return [(way, str(value)) for way, value in ways if value is not None]


async def by(connection: Connection, name: str, values: Sequence[object]) -> list[Member]:
    """Members whose `name` (one of REFERENCES but the phone) is among `values`."""
    return [Member(*row) for row in await connection.fetch(_BY[name], list(values))]


async def by_phone(connection: Connection, numbers: Sequence[str]) -> dict[str, Member]:
    """Members by their phone numbers, in the one form."""
    rows = await phones.rows(connection, _BY_PHONE, numbers)
    return {number: Member(*row) for _, number, *row in rows}


async def card_numbers(connection: Connection, count: int) -> list[int]:
    """Fresh numbers for cards, never given twice."""
    return [row["number"] for row in await connection.fetch(_CARDS, count)]


async def card_key(connection: Connection) -> bytes:
    """What permutes card numbers in this installation."""
    key: UUID = await connection.fetchval(_CARD_KEY)
    return key.bytes


async def add(connection: Connection, new: Sequence[NewMember], now: datetime) -> set[UUID]:
    """Add members with empty accounts; those whose name is taken are left out of the result. The
    names must be locked."""
    added: set[UUID] = set()
    left = list(new)
    while left:
        taken = await phones.find(connection, [each.phone for each in left if each.phone])
        free = [each for each in left if each.phone not in taken]
        firsts = {each.phone or each.id: each for each in reversed(free)}
        added |= await _add(connection, list(firsts.values()), now)
        left = [each for each in free if firsts[each.phone or each.id] is not each]
    await connection.execute(_OPEN_ACCOUNTS, sorted(added))
    return added


async def _add(connection: Connection, new: Sequence[NewMember], now: datetime) -> set[UUID]:
    """The same, without accounts, for members of whom no two have one phone."""
    numbers = {each.id: each.phone for each in new if each.phone}
    clear = numbers if numbers and not await phones.begun(connection) else {}
    rows = await connection.fetch(
        _ADD,
        [each.id for each in new],
        [each.card for each in new],
        [each.line_user_id for each in new],
        [each.external_id for each in new],
        [clear.get(each.id) for each in new],
        [each.friend_at for each in new],
        [each.birthday for each in new],
        [each.joined for each in new],
        now,
    )
    added = {row["id"] for row in rows}
    if not clear:
        await phones.add(connection, {id: numbers[id] for id in numbers.keys() & added})
    return added


async def set_friends(
    connection: Connection, users: Sequence[str], friend: Sequence[bool], at: Sequence[datetime]
) -> list[tuple[UUID, str, str, bool]]:
    """Follow or unfollow, unless something later is known; returns who really changed, as
    (member, LINE user, card, friend)."""
    rows = await connection.fetch(_FRIENDS, list(users), list(friend), list(at))
    return [
        (row["id"], row["line_user_id"], row["card"], row["friend"])
        for row in rows
        if row["changed"]
    ]


async def note_departures(
    connection: Connection, users: Sequence[str], at: Sequence[datetime]
) -> None:
    """Remember who left, by LINE's time, among users that are no members; the others are told
    with `set_friends`. Their names are to be locked, so that nobody enrols them meanwhile."""
    await connection.execute(_NOTE_DEPARTURES, list(users), list(at))


async def apply_departures(connection: Connection, users: Sequence[str]) -> None:
    """Let what was noted of these new members count, if it is later than their follow."""
    await connection.execute(_APPLY_DEPARTURES, list(users))
