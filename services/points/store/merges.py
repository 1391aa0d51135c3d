"""Merges of two members into one, and what moves with them. Accounts must be locked."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.points.store import phones
from services.points.store.sealed import WrongKey
from shared import logs
from shared.bus.handling import Connection

_COLUMNS = """id, kept, absorbed, names, earned, spent, status_before, reason, actor, merged_at,
    undone_at, undone_by"""
_MEMBERS = """
SELECT id, status, merged_into, external_id, line_user_id FROM members
WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE
"""
_ADD = """
INSERT INTO merges (id, kept, absorbed, names, earned, spent, status_before, reason, actor,
                    merged_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
_FIND = f"SELECT {_COLUMNS} FROM merges WHERE id = $1 FOR UPDATE"
_OF = f"SELECT {_COLUMNS} FROM merges WHERE kept = $1 OR absorbed = $1 ORDER BY merged_at, id"
_UNDO = "UPDATE merges SET undone_at = $2, undone_by = $3 WHERE id = $1"
_ABSORB = """
UPDATE members SET status = 'merged', merged_into = $2,
    external_id = CASE WHEN $3::json ->> 'external_id' IS NULL THEN external_id END,
    phone = CASE WHEN $3::json ->> 'phone' IS NULL THEN phone END,
    line_user_id = CASE WHEN $3::json ->> 'line_user_id' IS NULL THEN line_user_id END
WHERE id = $1
"""
_MARK = "UPDATE accounts SET merged_into = $2 WHERE member_id = $1"
_TAKE_NAMES = """
UPDATE members SET external_id = coalesce(external_id, $2::json ->> 'external_id'),
    phone = coalesce(phone, nullif($2::json ->> 'phone', '')),
    line_user_id = coalesce(line_user_id, $2::json ->> 'line_user_id'),
    friend = friend OR $2::json ->> 'line_user_id' IS NOT NULL
WHERE id = $1
"""
_GIVE_NAMES = """
UPDATE members SET
    external_id = CASE WHEN $2::json ->> 'external_id' = external_id THEN NULL ELSE external_id END,
    phone = CASE WHEN $2::json ->> 'phone' = phone THEN NULL ELSE phone END,
    friend = friend AND ($2::json ->> 'line_user_id') IS DISTINCT FROM line_user_id,
    line_user_id =
        CASE WHEN $2::json ->> 'line_user_id' = line_user_id THEN NULL ELSE line_user_id END
WHERE id = $1
RETURNING id
"""
_RELEASE = """
UPDATE members SET status = $2, merged_into = NULL,
    external_id = coalesce(external_id, $3::json ->> 'external_id'),
    phone = coalesce(phone, $3::json ->> 'phone'),
    line_user_id = coalesce(line_user_id, $3::json ->> 'line_user_id')
WHERE id = $1
"""
_MOVE = (
    """
WITH moved AS (
    UPDATE purchases SET member_id = $2, merged_from = coalesce(merged_from, $1)
    WHERE member_id = $1
    RETURNING id, total, total - refunded AS amount, visits, occurred_at, visit
), requested AS (
    UPDATE requests SET member_id = $2 WHERE id IN (SELECT id FROM moved)
)
SELECT count(*) FILTER (WHERE visit IS NULL AND (total = 0 OR amount > 0)) AS purchases,
    coalesce(sum(amount), 0)::bigint AS amount_spent,
    coalesce(sum(visits), 0)::bigint AS visits, max(occurred_at) AS last_visit_at FROM moved
""",
    """
WITH moved AS (
    UPDATE redemptions SET member_id = $2, merged_from = coalesce(merged_from, $1)
    WHERE member_id = $1 RETURNING id
)
UPDATE requests SET member_id = $2 WHERE id IN (SELECT id FROM moved)
""",
    "UPDATE refunds SET member_id = $2 WHERE member_id = $1",
)
_MOVE_BACK = (
    """
WITH moved AS (
    UPDATE purchases SET member_id = $2, merged_from = NULL
    WHERE member_id = $1 AND merged_from = $2
    RETURNING id, total, total - refunded AS amount, visits, occurred_at, visit
), requested AS (
    UPDATE requests SET member_id = $2 WHERE id IN (SELECT id FROM moved)
), refunded AS (
    UPDATE refunds SET member_id = $2
    WHERE member_id = $1 AND purchase_id IN (SELECT id FROM moved)
)
SELECT count(*) FILTER (WHERE visit IS NULL AND (total = 0 OR amount > 0)) AS purchases,
    coalesce(sum(amount), 0)::bigint AS amount_spent,
    coalesce(sum(visits), 0)::bigint AS visits, max(occurred_at) AS last_visit_at FROM moved
""",
    """
WITH moved AS (
    UPDATE redemptions SET member_id = $2, merged_from = NULL
    WHERE member_id = $1 AND merged_from = $2 RETURNING id
)
UPDATE requests SET member_id = $2 WHERE id IN (SELECT id FROM moved)
""",
)
_MOVE_BEFORE = """
WITH moved AS (
    UPDATE import_effects SET member_id = $2, merged_from = coalesce(merged_from, $1)
    WHERE member_id = $1 AND (undone_at IS NULL OR kept IS NOT NULL) RETURNING spent
)
SELECT coalesce(sum(spent), 0)::bigint FROM moved
"""
_MOVE_BEFORE_BACK = """
WITH moved AS (
    UPDATE import_effects SET member_id = $2, merged_from = NULL
    WHERE member_id = $1 AND merged_from = $2 RETURNING spent
)
SELECT coalesce(sum(spent), 0)::bigint FROM moved
"""
_TAKE_ROUTE = """
UPDATE members SET route = other.route, route_at = other.route_at FROM members other
WHERE members.id = $2 AND other.id = $1 AND members.route IS NULL AND other.route IS NOT NULL
"""
_GIVE_ROUTE = """
UPDATE members SET route = NULL, route_at = NULL FROM members other
WHERE members.id = $1 AND other.id = $2
    AND (members.route, members.route_at) = (other.route, other.route_at)
"""
_TRANSFERRED = """
SELECT e.id FROM entries e JOIN lots l ON l.member_id = e.member_id AND l.entry_id = e.id
WHERE e.member_id = $1 AND e.kind = 'transfer' AND l.remaining > 0
    AND e.reverses IN (SELECT entry_id FROM lots WHERE member_id = $2)
"""
_KEEPS = "SELECT EXISTS (SELECT FROM merges WHERE kept = $1 AND undone_at IS NULL)"
_HOLDS = (
    "SELECT EXISTS (SELECT FROM redemptions WHERE member_id = ANY($1) AND status = 'authorised')"
)


log = logs.logger(__name__)

HIDDEN = ""
"""Instead of a phone among the names of a merge: it is locked away, beside that of the absorbed."""


class Merge(msgspec.Struct, frozen=True):
    """A merge. `names` are those that the kept member took over, `earned` and `spent` the lifetime
    sums that moved."""

    id: UUID
    kept: UUID
    absorbed: UUID
    names: dict[str, str]
    earned: int
    spent: int
    status_before: str
    reason: str
    actor: str
    merged_at: datetime
    undone_at: datetime | None = None
    undone_by: str | None = None


class Moved(msgspec.Struct, frozen=True):
    """What purchases that moved from one member to the other came to, and what was spent in the
    shop's earlier life."""

    purchases: int
    amount_spent: int
    visits: int
    last_visit_at: datetime | None


async def lock_members(connection: Connection, members: Sequence[UUID]) -> dict[UUID, Any]:
    """Members as merging looks at them, locked in member order."""
    rows = await connection.fetch(_MEMBERS, sorted(members))
    numbers = await phones.of(connection, members)
    return {row["id"]: {**row, "phone": numbers.get(row["id"])} for row in rows}


async def held(connection: Connection, members: Sequence[UUID]) -> bool:
    """Whether redemptions under way hold points of one of them."""
    found: bool = await connection.fetchval(_HOLDS, list(members))
    return found


async def move(connection: Connection, merge: Merge) -> Moved:
    """Record a merge: purchases, redemptions, refunds and names of the absorbed become those of the
    kept."""
    purchases, redemptions, refunds = _MOVE
    (row,) = await connection.fetch(purchases, merge.absorbed, merge.kept)
    await connection.execute(redemptions, merge.absorbed, merge.kept)
    await connection.execute(refunds, merge.absorbed, merge.kept)
    names = _json(await _move_phone(connection, merge))
    await connection.execute(_MARK, merge.absorbed, merge.kept)
    await connection.execute(_ABSORB, merge.absorbed, merge.kept, names)
    await connection.execute(_TAKE_NAMES, merge.kept, names)
    await connection.execute(_TAKE_ROUTE, merge.absorbed, merge.kept)
    before = await connection.fetchval(_MOVE_BEFORE, merge.absorbed, merge.kept)
    await _add(connection, merge, names)
    return _moved(row, before)


async def _move_phone(connection: Connection, merge: Merge) -> dict[str, str]:
    """The names to be written in clear, after the phone has moved if it is locked away."""
    phone = merge.names.get("phone")
    if not phone or not await phones.begun(connection):
        return merge.names
    await phones.move(connection, phone, merge.absorbed, merge.kept)
    return {**merge.names, "phone": HIDDEN}


async def move_back(connection: Connection, merge: Merge) -> Moved:
    """What the absorbed brought along is theirs again."""
    purchases, redemptions = _MOVE_BACK
    (row,) = await connection.fetch(purchases, merge.kept, merge.absorbed)
    await connection.execute(redemptions, merge.kept, merge.absorbed)
    names = _json(await _move_phone_back(connection, merge))
    await connection.execute(_MARK, merge.absorbed, None)
    await connection.execute(_GIVE_NAMES, merge.kept, names)
    await connection.execute(_GIVE_ROUTE, merge.kept, merge.absorbed)
    await connection.execute(_RELEASE, merge.absorbed, merge.status_before, names)
    before = await connection.fetchval(_MOVE_BEFORE_BACK, merge.kept, merge.absorbed)
    return _moved(row, before)


async def _move_phone_back(connection: Connection, merge: Merge) -> dict[str, str]:
    """The names that go back in clear: not a phone that is locked away, which has gone back, and
    not one in clear that has come to be somebody else's since."""
    phone = merge.names.get("phone")
    if phone is None:
        return merge.names
    names = {name: value for name, value in merge.names.items() if name != "phone"}
    if phone == HIDDEN:
        await phones.move_back(connection, merge.absorbed, merge.kept)
        return names
    holder = await phones.holder(connection, phone)
    if holder == merge.kept:
        await phones.drop(connection, [merge.kept])
    return merge.names if holder in (None, merge.kept) else names


async def _add(connection: Connection, merge: Merge, names: str) -> None:
    await connection.execute(
        _ADD,
        merge.id,
        merge.kept,
        merge.absorbed,
        names,
        merge.earned,
        merge.spent,
        merge.status_before,
        merge.reason,
        merge.actor,
        merge.merged_at,
    )


async def undo(connection: Connection, id: UUID, now: datetime, by: str) -> None:
    """Record that a merge was undone."""
    await connection.execute(_UNDO, id, now, by)


async def find(connection: Connection, id: UUID) -> Merge | None:
    """A merge, locked."""
    row = await connection.fetchrow(_FIND, id)
    return _merge(row) if row else None


async def of(connection: Connection, member: UUID) -> list[Merge]:
    """All merges that a member was part of, oldest first."""
    return [_merge(row) for row in await connection.fetch(_OF, member)]


async def transferred(connection: Connection, merge: Merge) -> set[UUID]:
    """The kept member's lots that hold what is left of the absorbed one's."""
    rows = await connection.fetch(_TRANSFERRED, merge.kept, merge.absorbed)
    return {row["id"] for row in rows}


async def keeps(connection: Connection, member: UUID) -> bool:
    """Whether the member has absorbed somebody."""
    found: bool = await connection.fetchval(_KEEPS, member)
    return found


async def told(connection: Connection, merges: Sequence[Merge]) -> list[Merge]:
    """Merges with the phones that moved; under a wrong key without them."""
    hidden = [each.absorbed for each in merges if each.names.get("phone") == HIDDEN]
    try:
        moved = await phones.moved_from(connection, hidden) if hidden else {}
    except WrongKey as problem:
        log.error("phones of merges are not told", problem=str(problem))
        moved = {}
    return [
        msgspec.structs.replace(each, names=whole(each.names, moved.get(each.absorbed)))
        for each in merges
    ]


def whole(names: dict[str, str], phone: str | None) -> dict[str, str]:
    """The names of a merge with the phone that the absorbed brought, if it is not said."""
    return {**names, "phone": phone or HIDDEN} if names.get("phone") == HIDDEN else names


def _moved(row: Any, before: int) -> Moved:
    return Moved(**{**row, "amount_spent": row["amount_spent"] + before})


def _merge(row: Any) -> Merge:
    names = msgspec.json.decode(row["names"], type=dict[str, str])
    return Merge(**{**row, "names": names})


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
