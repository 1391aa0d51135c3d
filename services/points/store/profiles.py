"""What the shop knows of members, searches through it, and who changed what."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.points.rules.profiles import Profile
from services.points.store import member_changes as changes_store
from services.points.store import phones, sealed
from services.points.store.members import _COLUMNS, Member
from shared import ids
from shared.bus.handling import Connection

COLUMN = "profiles.sealed"

_HIDDEN = ("id", "sealed", "phone_sealed")
_FIND = """
SELECT m.id, m.external_id, m.phone, m.birthday, p.gender, p.area, p.fields, p.consent, p.tags,
    p.sealed, n.sealed AS phone_sealed
FROM members m LEFT JOIN profiles p ON p.member_id = m.id
LEFT JOIN member_phones n ON n.member_id = m.id AND n.mark IS NOT NULL
WHERE m.id = ANY($1::uuid[])
"""
_LOCK = """
SELECT id, card, status, merged_into, line_user_id FROM members WHERE id = $1 FOR UPDATE
"""
_TAKEN = """
SELECT EXISTS (SELECT FROM members WHERE id <> $1 AND external_id = $2)
"""
_NAMES = "UPDATE members SET external_id = $2, birthday = $3 WHERE id = $1"
_SAVE = """
INSERT INTO profiles AS known (member_id, gender, area, fields, consent, tags, names, sealed)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (member_id) DO UPDATE SET gender = excluded.gender, area = excluded.area,
    fields = excluded.fields, consent = excluded.consent, tags = excluded.tags,
    names = excluded.names, sealed = excluded.sealed
"""
_STATUS = "UPDATE members SET status = $2 WHERE id = $1"
_NOTE = """
INSERT INTO member_changes (member_id, id, before, after, reason, actor, at, sealed)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_CHANGES = """
SELECT member_id, id, before, after, reason, actor, at, sealed FROM member_changes
WHERE member_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3
"""
_SEARCH = f"""
SELECT {_COLUMNS} FROM members WHERE id > $1 AND ($2::text IS NULL OR status = $2)
    AND ($4::text IS NULL OR id IN (SELECT member_id FROM profiles WHERE tags @> ARRAY[$4]))
    AND ($5::text IS NULL OR id IN (
        SELECT id FROM members WHERE card = $5 OR external_id = $5 OR id = $6
        UNION ALL SELECT member_id FROM lost_cards WHERE card = $5
        UNION ALL SELECT member_id FROM old_cards WHERE card = $5
        UNION ALL SELECT member_id FROM profiles WHERE strpos(names, $7) > 0))
ORDER BY id LIMIT $3
"""


class Row(msgspec.Struct, frozen=True):
    """A member as whoever changes one looks at it."""

    id: UUID
    card: str
    status: str
    merged_into: UUID | None
    line_user_id: str | None


class Change(msgspec.Struct, frozen=True):
    """Who changed what, when and why."""

    id: UUID
    before: dict[str, Any]
    after: dict[str, Any]
    reason: str | None
    actor: str
    at: datetime


async def lock(connection: Connection, member: UUID) -> Row | None:
    """The member, locked until the transaction ends; accounts are locked before this."""
    row = await connection.fetchrow(_LOCK, member)
    return Row(*row) if row else None


async def find(connection: Connection, member: UUID) -> Profile | None:
    """A member's profile; None if there is no such member."""
    return (await find_all(connection, [member])).get(member)


async def find_all(connection: Connection, members: Sequence[UUID]) -> dict[UUID, Profile]:
    """The profiles of members, as far as they are there."""
    rows = await connection.fetch(_FIND, list(members))
    hidden = [(COLUMN, row["id"], row["sealed"]) for row in rows]
    hidden += [(phones.COLUMN, row["id"], row["phone_sealed"]) for row in rows]
    found = await sealed.opened_all(connection, hidden)
    each = zip(rows, found[: len(rows)], found[len(rows) :], strict=True)
    return {row["id"]: _profile(row, fields or {}, phone) for row, fields, phone in each}


def _profile(row: Any, private: dict[str, Any], phone: str | None) -> Profile:
    known = {name: value for name, value in row.items() if name not in _HIDDEN}
    for name in ("fields", "consent"):
        known[name] = msgspec.json.decode(known[name] or "{}")
    known["fields"] = {**private, **known["fields"]}
    known["phone"] = phone or known["phone"]
    return msgspec.convert({**known, "tags": known["tags"] or []}, Profile)


async def locked_away(
    connection: Connection, people: Sequence[tuple[UUID, Profile]]
) -> list[tuple[dict[str, Any], bytes | None]]:
    """The free fields of profiles as they are kept: in clear, and locked away."""
    if not await sealed.begun(connection):
        return [(profile.fields, None) for _, profile in people]
    private = [(member, hidden) for member, each in people if (hidden := each.private_fields)]
    values = await sealed.shut(connection, COLUMN, private)
    shut = dict(zip([member for member, _ in private], values, strict=True))
    return [(profile.clear_fields, shut.get(member)) for member, profile in people]


async def taken(
    connection: Connection, member: UUID, phone: str | None, external_id: str | None
) -> bool:
    """Whether somebody else has one of these names, which must be locked."""
    holder = await phones.holder(connection, phone)
    found: bool = await connection.fetchval(_TAKEN, member, external_id)
    return found or holder not in (None, member)


async def save(connection: Connection, member: UUID, profile: Profile) -> None:
    """Write a profile. The member must be locked."""
    await connection.execute(_NAMES, member, profile.external_id, profile.birthday)
    await phones.keep(connection, {member: profile.phone})
    ((fields, private),) = await locked_away(connection, [(member, profile)])
    await connection.execute(
        _SAVE,
        member,
        profile.gender,
        profile.area,
        _json(fields),
        _json(profile.consent),
        profile.tags,
        profile.names,
        private,
    )


async def set_status(connection: Connection, member: UUID, status: str) -> None:
    """Write a status. The member must be locked."""
    await connection.execute(_STATUS, member, status)


async def note(
    connection: Connection,
    member: UUID,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    *,
    reason: str | None,
    actor: str,
    now: datetime,
) -> None:
    """Record a change."""
    (kept,) = await changes_store.kept(connection, [(member, before, after)], reason)
    await connection.execute(_NOTE, member, ids.new_id(), *kept[:3], actor, now, kept.sealed)


async def changes(connection: Connection, member: UUID, before: UUID, limit: int) -> list[Change]:
    """What was changed of a member before a cursor, newest first."""
    rows = await connection.fetch(_CHANGES, member, before, limit)
    return [
        Change(**{name: row[name] for name in Change.__struct_fields__})
        for row in await changes_store.told(connection, rows)
    ]


async def search(
    connection: Connection,
    after: UUID,
    status: str | None,
    limit: int,
    *,
    tag: str | None = None,
    text: str | None = None,
    phone: str | None = None,
    name: str | None = None,
) -> list[Member]:
    """Members in id order after a cursor. `text` is a card, also a replaced one, or the shop's own
    id, `phone` and `name` the same as their normal forms; each of them may match."""
    called = await phones.holder(connection, phone)
    rows = await connection.fetch(_SEARCH, after, status, limit, tag, text, called, name)
    return [Member(*row) for row in rows]


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
