"""What still stands in clear though it is to be locked away, and the locking of it. Indexes hold
what is in clear and nothing else. Members are locked meanwhile, so that nobody writes of them.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import msgspec

from services.points.store import import_effects, member_changes, phones, profiles, sealed
from services.points.store.exports import NAMES_COLUMN
from shared.bus.handling import Connection

_LOCK = "SELECT id FROM members WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE"
_PROFILES = """
SELECT member_id FROM profiles
WHERE fields - '{name,name_kana,nickname}'::text[] <> '{}'::jsonb LIMIT $1
"""
_KEEP_PROFILES = """
UPDATE profiles p SET fields = w.fields::jsonb, sealed = w.sealed
FROM unnest($1::uuid[], $2::text[], $3::bytea[]) AS w (member_id, fields, sealed)
WHERE p.member_id = w.member_id
"""
_CHANGES_OF = "SELECT DISTINCT member_id FROM member_changes WHERE sealed IS NULL LIMIT $1"
_CHANGES = """
SELECT member_id, id, before, after, reason FROM member_changes
WHERE member_id = ANY($1::uuid[]) AND sealed IS NULL LIMIT $2
"""
_KEEP_CHANGES = """
UPDATE member_changes c SET before = '{}', after = '{}', reason = NULL, sealed = w.sealed
FROM unnest($1::uuid[], $2::uuid[], $3::bytea[]) AS w (member_id, id, sealed)
WHERE c.member_id = w.member_id AND c.id = w.id
"""
_EFFECTS_OF = """
SELECT DISTINCT coalesce(merged_from, member_id) AS member_id FROM import_effects
WHERE before <> '{}'::jsonb OR after <> '{}'::jsonb LIMIT $1
"""
_EFFECTS = """
SELECT coalesce(merged_from, member_id) AS member_id, import_id, number, before, after
FROM import_effects
WHERE (before <> '{}'::jsonb OR after <> '{}'::jsonb)
    AND coalesce(merged_from, member_id) = ANY($1::uuid[]) LIMIT $2
"""
_KEEP_EFFECTS = """
UPDATE import_effects e SET before = '{}', after = '{}', sealed = w.sealed
FROM unnest($1::uuid[], $2::integer[], $3::bytea[]) AS w (import_id, number, sealed)
WHERE e.import_id = w.import_id AND e.number = w.number
"""
_FORMER_OF = "SELECT id AS member_id FROM members WHERE former_names IS NOT NULL LIMIT $1"
_FORMER = """
SELECT id AS member_id, former_names FROM members
WHERE id = ANY($1::uuid[]) AND former_names IS NOT NULL
"""
_KEEP_FORMER = """
UPDATE members m SET former_names = NULL, sealed = w.sealed
FROM unnest($1::uuid[], $2::bytea[]) AS w (member_id, sealed) WHERE m.id = w.member_id
"""
_PHONES_OF = "SELECT id AS member_id FROM members WHERE phone IS NOT NULL ORDER BY id LIMIT $1"
_PHONES = """
SELECT id, phone FROM members WHERE id = ANY($1::uuid[]) AND phone IS NOT NULL
"""
_MOVED_OF = """
SELECT absorbed AS member_id FROM merges WHERE coalesce(names ->> 'phone', '') <> ''
ORDER BY absorbed LIMIT $1 FOR UPDATE SKIP LOCKED
"""
_MOVED = """
SELECT id, absorbed, names ->> 'phone' AS phone, undone_at IS NULL AS lasts FROM merges
WHERE absorbed = ANY($1::uuid[]) AND coalesce(names ->> 'phone', '') <> ''
"""
_HIDE_MOVED = """
UPDATE merges SET names = (names::jsonb || '{"phone": ""}')::json WHERE id = ANY($1::uuid[])
"""
_PAGE_OF_MEMBERS = """
SELECT d.after_member, m.id FROM phones_due d LEFT JOIN LATERAL (
    SELECT id FROM members WHERE id > d.after_member ORDER BY id LIMIT $1) AS m ON true
ORDER BY m.id
"""
_FORGET_HOW_NAMED = """
UPDATE purchases SET purchase = (purchase::jsonb
    || jsonb_build_object('member', jsonb_build_object('id', member_id)))::json
WHERE member_id = ANY($1::uuid[]) AND purchase #>> '{member,phone}' IS NOT NULL
RETURNING id
"""
_HASHES = """
SELECT id, body_hash FROM requests WHERE length(body_hash) = 64
    AND (id = ANY($2::uuid[]) OR (member_id = ANY($1::uuid[]) AND kind <> 'purchase'))
"""
_COVER = """
UPDATE requests r SET body_hash = w.covered
FROM unnest($1::uuid[], $2::text[]) AS w (id, covered) WHERE r.id = w.id
"""
_GO_ON = "UPDATE phones_due SET after_member = $1"
_DONE = "DELETE FROM phones_due"
_SEALED = "DELETE FROM sealing_waits"

Members = Sequence[UUID]


async def page(connection: Connection, size: int) -> int:
    """Lock the next so many values away, of one kind; how many there were."""
    phones_too = await phones.begun(connection)
    for query, lock_away in _KINDS + _PHONE_KINDS if phones_too else _KINDS:
        members = sorted(row["member_id"] for row in await connection.fetch(query, size))
        if members:
            await connection.execute(_LOCK, members)
            done: int = await lock_away(connection, members, size)
            if done:
                return done
    await connection.execute(_SEALED)
    return await _purchases(connection, size) if phones_too else 0


async def _profiles(connection: Connection, members: Members, size: int) -> int:
    known = await profiles.find_all(connection, members)
    kept = await profiles.locked_away(connection, list(known.items()))
    fields, values = [_json(clear) for clear, _ in kept], [value for _, value in kept]
    await connection.execute(_KEEP_PROFILES, list(known), fields, values)
    return len(known)


async def _changes(connection: Connection, members: Members, size: int) -> int:
    rows = await connection.fetch(_CHANGES, members, size)
    values = await sealed.shut(
        connection,
        member_changes.COLUMN,
        [(r["member_id"], {**_decoded(r), "reason": r["reason"]}) for r in rows],
    )
    who, ids = [row["member_id"] for row in rows], [row["id"] for row in rows]
    shut = [value or member_changes.NOTHING for value in values]
    await connection.execute(_KEEP_CHANGES, who, ids, shut)
    return len(rows)


async def _effects(connection: Connection, members: Members, size: int) -> int:
    rows = await connection.fetch(_EFFECTS, members, size)
    told = [(row["member_id"], _decoded(row)) for row in rows]
    values = await sealed.shut(connection, import_effects.COLUMN, told)
    imports, numbers = [row["import_id"] for row in rows], [row["number"] for row in rows]
    await connection.execute(_KEEP_EFFECTS, imports, numbers, values)
    return len(rows)


async def _former_names(connection: Connection, members: Members, size: int) -> int:
    rows = await connection.fetch(_FORMER, members)
    told = [(row["member_id"], msgspec.json.decode(row["former_names"])) for row in rows]
    values = await sealed.shut(connection, NAMES_COLUMN, told)
    await connection.execute(_KEEP_FORMER, [row["member_id"] for row in rows], values)
    return len(rows)


_KINDS: tuple[tuple[str, Callable[[Connection, Members, int], Awaitable[int]]], ...] = (
    (_PROFILES, _profiles),
    (_CHANGES_OF, _changes),
    (_EFFECTS_OF, _effects),
    (_FORMER_OF, _former_names),
)
"""How members with something in clear are found, and how it is locked away."""


async def _phones(connection: Connection, members: Members, size: int) -> int:
    rows = await connection.fetch(_PHONES, members)
    return await phones.lock_away(connection, {row["id"]: row["phone"] for row in rows})


async def _moved_phones(connection: Connection, members: Members, size: int) -> int:
    """Of merges that were undone the number is with its member again, or was given up."""
    rows = await connection.fetch(_MOVED, members)
    there = await phones.of(connection, members)
    away = {r["absorbed"]: r["phone"] for r in rows if r["lasts"] and r["absorbed"] not in there}
    await phones.keep_moved(connection, away)
    await connection.execute(_HIDE_MOVED, [row["id"] for row in rows])
    return len(rows)


async def _purchases(connection: Connection, size: int) -> int:
    """How tills named the members of the next page, and what is kept of the calls that may have
    named them; the number of members, 0 at the end."""
    rows = await connection.fetch(_PAGE_OF_MEMBERS, size)
    members = [row["id"] for row in rows if row["id"]]
    if members:
        await connection.execute(_LOCK, members)
        named = [row["id"] for row in await connection.fetch(_FORGET_HOW_NAMED, members)]
        calls = await connection.fetch(_HASHES, members, named)
        hashes = await phones.covered(connection, [row["body_hash"] for row in calls])
        await connection.execute(_COVER, [row["id"] for row in calls], hashes)
        await connection.execute(_GO_ON, members[-1])
    elif rows:
        await connection.execute(_DONE)
    return len(members)


_PHONE_KINDS: tuple[tuple[str, Callable[[Connection, Members, int], Awaitable[int]]], ...] = (
    (_MOVED_OF, _moved_phones),
    (_PHONES_OF, _phones),
)
"""The same of phones, which begin at a time of their own."""


def _decoded(row: Any) -> dict[str, Any]:
    return {name: msgspec.json.decode(row[name]) for name in ("before", "after")}


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
