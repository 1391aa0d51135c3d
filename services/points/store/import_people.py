"""What an import writes of members, many at once. Names and accounts must be locked."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.points.rules.profiles import Profile
from services.points.store import member_changes, phones, profiles
from shared.bus.handling import Connection

_LOCK = "SELECT id FROM members WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE"
_MEMBERS = """
UPDATE members m SET external_id = w.external_id, birthday = w.birthday
FROM unnest($1::uuid[], $2::text[], $3::date[]) AS w (member_id, external_id, birthday)
WHERE m.id = w.member_id
"""
_SAVE = """
INSERT INTO profiles AS known (member_id, gender, area, fields, consent, tags, names, sealed)
SELECT member_id, gender, area, fields, consent, tags, names, decode(sealed, 'base64')
FROM json_to_recordset($1::json) AS w (member_id uuid, gender text, area text, fields jsonb,
    consent jsonb, tags text[], names text, sealed text)
ORDER BY member_id
ON CONFLICT (member_id) DO UPDATE SET gender = excluded.gender, area = excluded.area,
    fields = excluded.fields, consent = excluded.consent, tags = excluded.tags,
    names = excluded.names, sealed = excluded.sealed
"""
_NOTE = """
INSERT INTO member_changes (member_id, id, before, after, reason, actor, at, sealed)
SELECT member_id, id, before::jsonb, after::jsonb, reason, $7, $8, sealed
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::bytea[])
    AS w (member_id, id, before, after, reason, sealed)
"""
_FLOORS = """
WITH given AS (
    INSERT INTO ranks AS r (member_id, code, since, floor, floor_until)
    SELECT member_id, NULL, $6, code, until
    FROM unnest($1::uuid[], $3::text[], $4::timestamptz[]) AS f (member_id, code, until)
    ORDER BY member_id
    ON CONFLICT (member_id) DO UPDATE SET floor = excluded.floor, floor_until = excluded.floor_until
        WHERE r.floor IS NULL OR r.floor_until <= $6
    RETURNING member_id, floor, floor_until
)
INSERT INTO rank_floors (member_id, id, code, until, reason, actor, decided_at)
SELECT g.member_id, f.id, g.floor, g.floor_until, $5, $7, $6
FROM given g JOIN unnest($1::uuid[], $2::uuid[]) AS f (member_id, id) USING (member_id)
RETURNING member_id
"""
_LIFT = """
WITH lifted AS (
    UPDATE ranks r SET floor = NULL, floor_until = NULL
    FROM rank_floors f
    WHERE f.member_id = r.member_id AND f.reason = $2 AND r.member_id = ANY($1::uuid[])
        AND r.floor = f.code AND r.floor_until IS NOT DISTINCT FROM f.until
    RETURNING r.member_id
)
INSERT INTO rank_floors (member_id, id, code, until, reason, actor, decided_at)
SELECT DISTINCT ON (l.member_id) l.member_id, u.id, NULL, NULL::timestamptz, $2, $4, $5
FROM lifted l JOIN unnest($1::uuid[], $3::uuid[]) AS u (member_id, id) USING (member_id)
RETURNING member_id
"""
_DISSOLVE = """
WITH gone AS (
    UPDATE members SET status = 'left', left_at = $2, left_reason = $3, external_id = NULL,
        phone = NULL, birthday = NULL
    WHERE id = ANY($1::uuid[]) RETURNING id
), closed AS (
    UPDATE accounts SET left_at = $2 FROM gone WHERE member_id = gone.id
)
DELETE FROM profiles USING gone WHERE member_id = gone.id
"""
_LAST_VISIT = """
UPDATE accounts a SET last_visit_at = greatest(
    (SELECT max(occurred_at) FROM purchases p WHERE p.member_id = a.member_id), b.before)
FROM unnest($1::uuid[], $2::timestamptz[]) AS b (member_id, before)
WHERE a.member_id = b.member_id AND a.unit = 'point'
"""
_VISITS = """
SELECT member_id, last_visit_at FROM accounts WHERE member_id = ANY($1::uuid[]) AND unit = 'point'
"""


class Person(msgspec.Struct, frozen=True):
    """A member as they are to be stored; `itself`: with their names and birthday, which who was
    added just now has already."""

    member_id: UUID
    profile: Profile
    itself: bool = True


class Changed(msgspec.Struct, frozen=True):
    """What a change did to a member: the parts that differ."""

    member_id: UUID
    id: UUID
    before: dict[str, Any]
    after: dict[str, Any]


async def lock(connection: Connection, members: Sequence[UUID]) -> None:
    """Lock members, in order; their accounts are locked before."""
    await connection.execute(_LOCK, list(members))


async def save(connection: Connection, people: Sequence[Person]) -> None:
    """Store members and what is known of them. The members must be locked."""
    if not people:
        return
    themselves = {each.member_id: each.profile for each in people if each.itself}
    if themselves:
        names = [each.external_id for each in themselves.values()]
        birthdays = [each.birthday for each in themselves.values()]
        await connection.execute(_MEMBERS, list(themselves), names, birthdays)
        await phones.keep(connection, {id: each.phone for id, each in themselves.items()})
    members = [(each.member_id, each.profile) for each in people]
    kept = await profiles.locked_away(connection, members)
    told = _json([_row(each, *hidden) for each, hidden in zip(people, kept, strict=True)])
    await connection.execute(_SAVE, told)


def _row(person: Person, fields: dict[str, Any], sealed: bytes | None) -> dict[str, Any]:
    known = msgspec.to_builtins(person.profile)
    return {
        **known,
        "member_id": person.member_id,
        "names": person.profile.names,
        "fields": fields,
        "sealed": sealed,
    }


async def note(
    connection: Connection, changes: Sequence[Changed], *, reason: str, actor: str, now: datetime
) -> None:
    """Record changes."""
    if changes:
        given = [(each.member_id, each.before, each.after) for each in changes]
        kept = await member_changes.kept(connection, given, reason)
        named = [(each.member_id, each.id) for each in changes]
        columns = zip(*(each + row for each, row in zip(named, kept, strict=True)), strict=True)
        await connection.execute(_NOTE, *map(list, columns), actor, now)


async def put_floors(
    connection: Connection,
    floors: Sequence[tuple[UUID, UUID, str, datetime | None]],
    *,
    reason: str,
    actor: str,
    now: datetime,
) -> list[UUID]:
    """Put floors, given as (member, id, code, until), under ranks of members who have none in
    force; returns who got one."""
    if not floors:
        return []
    members, ids, codes, until = map(list, zip(*floors, strict=True))
    rows = await connection.fetch(_FLOORS, members, ids, codes, until, reason, now, actor)
    return [row["member_id"] for row in rows]


async def lift_floors(
    connection: Connection,
    members: Sequence[tuple[UUID, UUID]],
    *,
    reason: str,
    actor: str,
    now: datetime,
) -> list[UUID]:
    """Take away floors that were put with this reason and are still there; members come with the
    id of the note. Returns who lost one."""
    if not members:
        return []
    who, ids = map(list, zip(*members, strict=True))
    rows = await connection.fetch(_LIFT, who, reason, ids, actor, now)
    return [row["member_id"] for row in rows]


async def dissolve(
    connection: Connection, members: Sequence[UUID], reason: str, now: datetime
) -> None:
    """Let members who came by an import, and did nothing since, be no members any more."""
    await connection.execute(_DISSOLVE, list(members), now, reason)
    await phones.drop(connection, members)


async def last_visits(
    connection: Connection, members: Sequence[UUID]
) -> dict[UUID, datetime | None]:
    """When members were last seen."""
    rows = await connection.fetch(_VISITS, list(members))
    return {row["member_id"]: row["last_visit_at"] for row in rows}


async def put_back_visits(
    connection: Connection, before: Sequence[tuple[UUID, datetime | None]]
) -> None:
    """Let members have been last seen as their purchases say, or when they were before."""
    if before:
        members, visits = map(list, zip(*before, strict=True))
        await connection.execute(_LAST_VISIT, members, visits)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
