"""Copies of all that is known of a member: what was asked for, the parts, and points' own part."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.points.store import member_changes, merges, phones, profiles, sealed
from shared.bus.handling import Connection

_ADD = "INSERT INTO member_exports (id, member_id, actor, asked_at) VALUES ($1, $2, $3, $4)"
_FIND = """
SELECT id, member_id, asked_at FROM member_exports WHERE id = $1 AND member_id = $2
"""
_PARTS = "SELECT service, part, sealed FROM member_export_parts WHERE export_id = $1"
_ASKED_OF = "SELECT id, member_id FROM member_exports WHERE id = ANY($1::uuid[])"
_LATEST = """
SELECT id FROM member_exports WHERE member_id = $1 AND asked_at > $2 ORDER BY asked_at DESC LIMIT 1
"""
_KEEP = """
INSERT INTO member_export_parts (export_id, service, part, sealed, received_at)
SELECT export_id, service, part, sealed, $5
FROM unnest($1::uuid[], $2::text[], $3::json[], $4::bytea[])
    AS p (export_id, service, part, sealed)
WHERE EXISTS (SELECT FROM member_exports e WHERE e.id = p.export_id)
ORDER BY export_id, service
ON CONFLICT DO NOTHING
"""
_LINEAGE = """
SELECT m.id, m.line_user_id, m.card, m.external_id, m.phone, p.sealed AS phone_sealed, m.status,
    m.former_names, m.sealed
FROM members m LEFT JOIN member_phones p ON p.member_id = m.id AND p.mark IS NOT NULL
WHERE m.id = $1 OR m.merged_into = $1 ORDER BY m.id = $1 DESC, m.id
"""
PARTS_COLUMN = "member_export_parts.sealed"
NAMES_COLUMN = "members.sealed"
_HIDDEN = {
    "members": NAMES_COLUMN,
    "attributes": profiles.COLUMN,
    "changes": member_changes.COLUMN,
}
"""Sections of which something is locked away: their rows come with the member and the value."""

PRUNE = """
DELETE FROM member_exports WHERE id IN (
    SELECT id FROM member_exports WHERE asked_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""

_SECTIONS = {
    "members": """
        SELECT to_jsonb(m) - ARRAY['friend_changed_at', 'former_names']
            || coalesce(m.former_names, '{}'), id, sealed FROM members m
        WHERE id = ANY($1::uuid[])
        ORDER BY merged_into IS NOT NULL, id""",
    "attributes": """
        SELECT to_jsonb(p) - 'names', member_id, sealed FROM profiles p
        WHERE member_id = ANY($1::uuid[])""",
    "changes": """
        SELECT to_jsonb(c), member_id, sealed FROM member_changes c
        WHERE member_id = ANY($1::uuid[]) ORDER BY id""",
    "replaced_cards": """
        SELECT to_jsonb(l) FROM lost_cards l WHERE member_id = ANY($1::uuid[])
        ORDER BY replaced_at""",
    "old_cards": """
        SELECT jsonb_build_object('card', card, 'import', import_id)
        FROM old_cards WHERE member_id = ANY($1::uuid[]) ORDER BY card""",
    "imported": """
        SELECT jsonb_build_object('import', e.import_id, 'file', i.file_name, 'row', e.number,
            'points', e.points, 'spent', e.spent, 'before', e.before, 'after', e.after,
            'at', e.done_at, 'undone_at', e.undone_at, 'cells', r.cells)
        FROM import_effects e JOIN imports i ON i.id = e.import_id
        LEFT JOIN import_rows r ON r.import_id = e.import_id AND r.number = e.number
        WHERE e.member_id = ANY($1::uuid[]) ORDER BY e.done_at""",
    "points": """
        SELECT jsonb_build_object('member_id', member_id, 'unit', unit, 'in_lots', in_lots,
            'pending', pending, 'held', held, 'owed', debt, 'earned', earned, 'spent', spent,
            'amount_spent', amount_spent, 'purchases', purchases, 'visits', visits,
            'last_visit_at', last_visit_at, 'last_activity_at', last_activity_at)
        FROM accounts WHERE member_id = ANY($1::uuid[])""",
    "entries": """
        SELECT jsonb_build_object('member_id', member_id, 'id', id, 'unit', unit, 'kind', kind,
            'amount', amount, 'balance_after', balance_after, 'occurred_at', occurred_at,
            'recorded_at', recorded_at, 'source', source, 'actor', actor,
            'program_version', program_version, 'explanation', explanation)
        FROM entries WHERE member_id = ANY($1::uuid[]) ORDER BY id""",
    "lots": """
        SELECT jsonb_build_object('member_id', member_id, 'points', opened,
            'remaining', remaining, 'opened_at', opened_at, 'active_at', active_at,
            'expires_at', expires_at, 'sliding_months', sliding_months)
        FROM lots WHERE member_id = ANY($1::uuid[]) ORDER BY opened_at""",
    "purchases": """
        SELECT jsonb_build_object('id', id, 'store', store, 'occurred_at', occurred_at,
            'accepted_at', accepted_at, 'total', total, 'points', points, 'visits', visits,
            'refunded', refunded, 'points_taken_back', points_back,
            'points_returned', points_returned, 'receipt', purchase, 'visit', visit)
        FROM purchases WHERE member_id = ANY($1::uuid[]) ORDER BY occurred_at, id""",
    "refunds": """
        SELECT jsonb_build_object('id', id, 'purchase', purchase_id, 'amount', amount,
            'lines', lines, 'points_taken_back', points_taken_back,
            'points_returned', points_returned, 'refunded_at', refunded_at)
        FROM refunds WHERE member_id = ANY($1::uuid[]) ORDER BY refunded_at, id""",
    "redemptions": """
        SELECT jsonb_build_object('id', id, 'store', store, 'status', status, 'points', points,
            'captured', captured, 'returned', returned, 'value', value,
            'purchase_total', purchase_total, 'authorised_at', authorised_at,
            'finished_at', finished_at)
        FROM redemptions WHERE member_id = ANY($1::uuid[]) ORDER BY authorised_at, id""",
    "ranks": """
        SELECT jsonb_build_object('code', code, 'since', since, 'keep_until', keep_until,
            'earned', own, 'given_by_hand', floor, 'given_until', floor_until)
        FROM ranks WHERE member_id = ANY($1::uuid[])""",
    "ranks_given_by_hand": """
        SELECT to_jsonb(f) - 'member_id' FROM rank_floors f WHERE member_id = ANY($1::uuid[])
        ORDER BY id""",
    "rank_moves": """
        SELECT to_jsonb(v) - 'member_id' FROM rank_moves v WHERE member_id = ANY($1::uuid[])
        ORDER BY id""",
    "merges": """
        SELECT to_jsonb(m) FROM merges m
        WHERE kept = ANY($1::uuid[]) OR absorbed = ANY($1::uuid[]) ORDER BY merged_at""",
    "requests": """
        SELECT jsonb_build_object('kind', kind, 'status', status, 'detail', detail,
            'at', created_at)
        FROM requests WHERE member_id = ANY($1::uuid[]) AND kind <> 'purchase'
        ORDER BY created_at""",
    "told_to_the_shops_other_systems": """
        SELECT jsonb_build_object('type', type, 'at', at, 'data', data) FROM hook_messages
        WHERE member_id = ANY($1::uuid[]) ORDER BY at""",
}
_OLD_CARDS = "SELECT card FROM old_cards WHERE member_id = ANY($1::uuid[])"
_WAITING = "SELECT event FROM waiting_purchases WHERE reference = ANY($1::text[])"
_STOPPED = """
SELECT jsonb_build_object('line_user_id', line_user_id, 'at', at) FROM departures
WHERE line_user_id = ANY($1::text[])
"""


class Kin(msgspec.Struct, frozen=True):
    """A member, or who was merged into one, with the names that lead or led to them."""

    id: UUID
    line_user_id: str | None
    former_line_user_id: str | None
    card: str
    external_id: str | None
    phone: str | None
    status: str


class Export(msgspec.Struct, frozen=True):
    """What was asked for, and the parts that are there, by service."""

    id: UUID
    member_id: UUID
    asked_at: datetime
    parts: dict[str, dict[str, Any]]


class Part(msgspec.Struct, frozen=True):
    """A service's part, as JSON."""

    export_id: UUID
    service: str
    part: str


async def add(connection: Connection, id: UUID, member: UUID, actor: str, now: datetime) -> None:
    """Note that a copy was asked for."""
    await connection.execute(_ADD, id, member, actor, now)


async def find(connection: Connection, member: UUID, id: UUID) -> Export | None:
    """A member's export."""
    row = await connection.fetchrow(_FIND, id, member)
    if row is None:
        return None
    rows = await connection.fetch(_PARTS, id)
    values = [(member, part["sealed"]) for part in rows]
    found = await sealed.opened(connection, PARTS_COLUMN, values)
    parts = {
        part["service"]: msgspec.json.decode(part["part"]) if secret is None else secret
        for part, secret in zip(rows, found, strict=True)
    }
    return Export(**row, parts=parts)


async def latest(connection: Connection, member: UUID, since: datetime) -> UUID | None:
    """The newest export of a member that was asked for since a moment."""
    found: UUID | None = await connection.fetchval(_LATEST, member, since)
    return found


async def keep(connection: Connection, parts: Sequence[Part], now: datetime) -> None:
    """Keep parts of exports that are still there; the first of each service counts."""
    clear: list[str] = [each.part for each in parts]
    hidden: list[bytes | None] = [None] * len(parts)
    if await sealed.begun(connection):
        clear, hidden = ["{}"] * len(parts), await _shut(connection, parts)
    await connection.execute(
        _KEEP,
        [each.export_id for each in parts],
        [each.service for each in parts],
        clear,
        hidden,
        now,
    )


async def _shut(connection: Connection, parts: Sequence[Part]) -> list[bytes | None]:
    """Parts, locked away; None for those of exports that are not there any more."""
    rows = await connection.fetch(_ASKED_OF, [each.export_id for each in parts])
    members = {row["id"]: row["member_id"] for row in rows}
    known = [each for each in parts if each.export_id in members]
    values = [(members[each.export_id], msgspec.Raw(each.part.encode())) for each in known]
    shut = iter(await sealed.shut(connection, PARTS_COLUMN, values))
    return [next(shut) if each.export_id in members else None for each in parts]


async def lineage(connection: Connection, member: UUID) -> list[Kin]:
    """The member first, then whoever was merged into them."""
    rows = await connection.fetch(_LINEAGE, member)
    secret = await sealed.opened(connection, NAMES_COLUMN, [(r["id"], r["sealed"]) for r in rows])
    numbers = await phones.opened(connection, rows)
    each = zip(rows, secret, strict=True)
    return [_kin(row, former, numbers.get(row["id"])) for row, former in each]


def _kin(row: Any, secret: dict[str, str] | None, phone: str | None) -> Kin:
    former = secret or msgspec.json.decode(row["former_names"] or "{}")
    return Kin(
        row["id"],
        row["line_user_id"],
        former.get("line_user_id"),
        row["card"],
        row["external_id"] or former.get("external_id"),
        phone or former.get("phone"),
        row["status"],
    )


async def known(connection: Connection, members: Sequence[UUID]) -> dict[str, list[Any]]:
    """All rows about these members, by what they are."""
    found: dict[str, list[Any]] = {}
    for name, query in _SECTIONS.items():
        rows = await connection.fetch(query, list(members))
        found[name] = [msgspec.json.decode(row[0]) for row in rows]
        if name in _HIDDEN:
            values = [(row[1], row[2]) for row in rows]
            secrets = await sealed.opened(connection, _HIDDEN[name], values)
            found[name] = [_whole(*each) for each in zip(found[name], secrets, strict=True)]
    await _tell_phones(connection, found, members)
    return found


async def _tell_phones(
    connection: Connection, found: dict[str, list[Any]], members: Sequence[UUID]
) -> None:
    """Numbers where they would stand if they were not locked away."""
    numbers = await phones.of(connection, members)
    for row in found["members"]:
        row["phone"] = numbers.get(UUID(row["id"])) or row["phone"]
    moved = await phones.moved_from(connection, [UUID(row["absorbed"]) for row in found["merges"]])
    for row in found["merges"]:
        row["names"] = merges.whole(row["names"], moved.get(UUID(row["absorbed"])))


def _whole(row: dict[str, Any], secret: dict[str, Any] | None) -> dict[str, Any]:
    """A row with what is locked away of it in its place."""
    del row["sealed"]
    if "fields" in row:
        return {**row, "fields": {**(secret or {}), **row["fields"]}}
    return {**row, **(secret or {})}


async def old_cards(connection: Connection, members: Sequence[UUID]) -> list[str]:
    """Cards of the shop's earlier life that lead to these members."""
    return [row["card"] for row in await connection.fetch(_OLD_CARDS, list(members))]


async def waiting(connection: Connection, references: Sequence[str]) -> list[bytes]:
    """Purchases that wait for somebody of these names, as events."""
    return [row["event"] for row in await connection.fetch(_WAITING, list(references))]


async def departures(connection: Connection, users: Sequence[str]) -> list[Any]:
    """What is noted of LINE users who left before they were members."""
    rows = await connection.fetch(_STOPPED, list(users))
    return [msgspec.json.decode(row[0]) for row in rows]
