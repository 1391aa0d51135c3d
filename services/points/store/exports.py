"""Copies of all that is known of a member: what was asked for, the parts, and points' own part."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from shared.bus.handling import Connection

_ADD = "INSERT INTO member_exports (id, member_id, actor, asked_at) VALUES ($1, $2, $3, $4)"
_FIND = """
SELECT e.id, e.member_id, e.asked_at, (
    SELECT coalesce(json_object_agg(p.service, p.part), '{}') FROM member_export_parts p
    WHERE p.export_id = e.id) AS parts
FROM member_exports e WHERE e.id = $1 AND e.member_id = $2
"""
_LATEST = """
SELECT id FROM member_exports WHERE member_id = $1 AND asked_at > $2 ORDER BY asked_at DESC LIMIT 1
"""
_KEEP = """
INSERT INTO member_export_parts (export_id, service, part, received_at)
SELECT export_id, service, part, $4
FROM unnest($1::uuid[], $2::text[], $3::json[]) AS p (export_id, service, part)
WHERE EXISTS (SELECT FROM member_exports e WHERE e.id = p.export_id)
ORDER BY export_id, service
ON CONFLICT DO NOTHING
"""
_LINEAGE = """
SELECT id, line_user_id, former_names ->> 'line_user_id' AS former_line_user_id,
    card, coalesce(external_id, former_names ->> 'external_id') AS external_id,
    coalesce(phone, former_names ->> 'phone') AS phone, status
FROM members WHERE id = $1 OR merged_into = $1 ORDER BY id = $1 DESC, id
"""
PRUNE = """
DELETE FROM member_exports WHERE id IN (
    SELECT id FROM member_exports WHERE asked_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""

_SECTIONS = {
    "members": """
        SELECT to_jsonb(m) - ARRAY['friend_changed_at', 'former_names']
            || coalesce(m.former_names, '{}') FROM members m WHERE id = ANY($1::uuid[])
        ORDER BY merged_into IS NOT NULL, id""",
    "attributes": """
        SELECT to_jsonb(p) - 'names' FROM profiles p WHERE member_id = ANY($1::uuid[])""",
    "changes": """
        SELECT to_jsonb(c) FROM member_changes c WHERE member_id = ANY($1::uuid[]) ORDER BY id""",
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
    return Export(**{**row, "parts": msgspec.json.decode(row["parts"])})


async def latest(connection: Connection, member: UUID, since: datetime) -> UUID | None:
    """The newest export of a member that was asked for since a moment."""
    found: UUID | None = await connection.fetchval(_LATEST, member, since)
    return found


async def keep(connection: Connection, parts: Sequence[Part], now: datetime) -> None:
    """Keep parts of exports that are still there; the first of each service counts."""
    await connection.execute(
        _KEEP,
        [each.export_id for each in parts],
        [each.service for each in parts],
        [each.part for each in parts],
        now,
    )


async def lineage(connection: Connection, member: UUID) -> list[Kin]:
    """The member first, then whoever was merged into them."""
    return [Kin(*row) for row in await connection.fetch(_LINEAGE, member)]


async def known(connection: Connection, members: Sequence[UUID]) -> dict[str, list[Any]]:
    """All rows about these members, by what they are."""
    found: dict[str, list[Any]] = {}
    for name, query in _SECTIONS.items():
        rows = await connection.fetch(query, list(members))
        found[name] = [msgspec.json.decode(row[0]) for row in rows]
    return found


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
