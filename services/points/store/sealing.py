"""What still stands in clear though it is to be locked away, and the locking of it. Indexes hold
what is in clear and nothing else. Members are locked meanwhile, so that nobody writes of them.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import msgspec

from services.points.store import import_effects, member_changes, profiles, sealed
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
_SEALED = "DELETE FROM sealing_waits"

Members = Sequence[UUID]


async def page(connection: Connection, size: int) -> int:
    """Lock the next so many values away, of one kind; how many there were."""
    for query, lock_away in _KINDS:
        members = sorted(row["member_id"] for row in await connection.fetch(query, size))
        if members:
            await connection.execute(_LOCK, members)
            return await lock_away(connection, members, size)
    await connection.execute(_SEALED)
    return 0


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


def _decoded(row: Any) -> dict[str, Any]:
    return {name: msgspec.json.decode(row[name]) for name in ("before", "after")}


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
