"""What the shop knows of members, searches through it, and who changed what."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.points.rules.profiles import Profile
from services.points.store.members import _COLUMNS, Member
from shared import ids
from shared.bus.handling import Connection

_FIND = """
SELECT m.external_id, m.phone, m.birthday, p.gender, p.area, p.fields, p.consent, p.tags
FROM members m LEFT JOIN profiles p ON p.member_id = m.id WHERE m.id = $1
"""
_LOCK = """
SELECT id, card, status, merged_into, line_user_id FROM members WHERE id = $1 FOR UPDATE
"""
_TAKEN = """
SELECT EXISTS (SELECT FROM members WHERE id <> $1 AND (phone = $2 OR external_id = $3))
"""
_NAMES = "UPDATE members SET external_id = $2, phone = $3, birthday = $4 WHERE id = $1"
_SAVE = """
INSERT INTO profiles AS known (member_id, gender, area, fields, consent, tags, names)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (member_id) DO UPDATE SET gender = excluded.gender, area = excluded.area,
    fields = excluded.fields, consent = excluded.consent, tags = excluded.tags,
    names = excluded.names
"""
_STATUS = "UPDATE members SET status = $2 WHERE id = $1"
_NOTE = """
INSERT INTO member_changes (member_id, id, before, after, reason, actor, at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
_CHANGES = """
SELECT id, before, after, reason, actor, at FROM member_changes
WHERE member_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3
"""
_SEARCH = f"""
SELECT {_COLUMNS} FROM members WHERE id > $1 AND ($2::text IS NULL OR status = $2)
    AND ($4::text IS NULL OR id IN (SELECT member_id FROM profiles WHERE tags @> ARRAY[$4]))
    AND ($5::text IS NULL OR id IN (
        SELECT id FROM members WHERE card = $5 OR external_id = $5 OR phone = $6
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
    row = await connection.fetchrow(_FIND, member)
    if row is None:
        return None
    known = dict(row)
    for name in ("fields", "consent"):
        known[name] = msgspec.json.decode(known[name] or "{}")
    return msgspec.convert({**known, "tags": known["tags"] or []}, Profile)


async def taken(
    connection: Connection, member: UUID, phone: str | None, external_id: str | None
) -> bool:
    """Whether somebody else has one of these names."""
    found: bool = await connection.fetchval(_TAKEN, member, phone, external_id)
    return found


async def save(connection: Connection, member: UUID, profile: Profile) -> None:
    """Write a profile. The member must be locked."""
    await connection.execute(_NAMES, member, profile.external_id, profile.phone, profile.birthday)
    await connection.execute(
        _SAVE,
        member,
        profile.gender,
        profile.area,
        _json(profile.fields),
        _json(profile.consent),
        profile.tags,
        profile.names,
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
    await connection.execute(
        _NOTE, member, ids.new_id(), _json(before), _json(after), reason, actor, now
    )


async def changes(connection: Connection, member: UUID, before: UUID, limit: int) -> list[Change]:
    """What was changed of a member before a cursor, newest first."""
    rows = await connection.fetch(_CHANGES, member, before, limit)
    decode = msgspec.json.decode
    return [
        Change(**{**row, "before": decode(row["before"]), "after": decode(row["after"])})
        for row in rows
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
    rows = await connection.fetch(_SEARCH, after, status, limit, tag, text, phone, name)
    return [Member(*row) for row in rows]


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
