"""What a takeout holds, section by section: everything that points keeps but secrets and what is
only of the moment. A test holds that each table is here or is left out for a reason."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import msgspec

from services.points.store import member_changes, merges, phones, profiles, sealed
from shared.bus.handling import Connection

PEOPLE = """
SELECT m.id, m.card, m.external_id, m.phone, n.sealed AS phone_sealed, m.line_user_id, m.status,
    m.friend, m.birthday,
    m.joined_at, m.route, p.gender, p.area, p.fields, p.consent, p.tags, p.sealed, a.last_visit_at,
    a.amount_spent, a.earned, a.spent, a.visits, a.purchases, r.code AS rank,
    CASE WHEN r.floor IS NOT NULL THEN r.floor_until ELSE r.keep_until END AS rank_until
FROM members m JOIN accounts a ON a.member_id = m.id AND a.unit = 'point'
LEFT JOIN profiles p ON p.member_id = m.id LEFT JOIN ranks r ON r.member_id = m.id
LEFT JOIN member_phones n ON n.member_id = m.id AND n.mark IS NOT NULL
WHERE m.id > $1 AND m.status IN ('active', 'suspended') ORDER BY m.id LIMIT $2
"""
"""A page of members; what their points come to now is for whoever reads them to add."""

SECTIONS: dict[str, str] = {
    "former_members": """
        SELECT id, card, status, joined_at, left_at, left_reason, merged_into, erased_at
        FROM members WHERE status NOT IN ('active', 'suspended') ORDER BY id""",
    "old_cards": "SELECT card, member_id, import_id FROM old_cards ORDER BY member_id, card",
    "replaced_cards": """
        SELECT card, member_id, replaced_at, reason, actor FROM lost_cards ORDER BY replaced_at""",
    "balances": """
        SELECT member_id, unit, in_lots, pending, held, debt, earned, spent, amount_spent,
            purchases, visits, last_visit_at, last_activity_at
        FROM accounts ORDER BY member_id, unit""",
    "lots": """
        SELECT member_id, entry_id, unit, opened, remaining, held, pending, opened_at, active_at,
            expires_at, sliding_months
        FROM lots ORDER BY member_id, entry_id""",
    "entries": """
        SELECT member_id, id, unit, kind, amount, balance_after, cause, occurred_at, recorded_at,
            source, actor, program_version, explanation, moves, reverses
        FROM entries ORDER BY member_id, id""",
    "purchases": """
        SELECT member_id, id, entry_id, store, terminal_id, occurred_at, accepted_at, total,
            visits, points, refunded, points_back, points_returned, merged_from,
            purchase ->> 'receipt' AS receipt, purchase -> 'payments' AS payments,
            purchase -> 'discounts' AS discounts
        FROM purchases ORDER BY member_id, id""",
    "purchase_lines": """
        SELECT p.member_id, p.id AS purchase_id, l.place, l.line ->> 'sku' AS sku,
            l.line ->> 'category' AS category, l.line ->> 'name' AS name,
            l.line ->> 'quantity' AS quantity, l.line ->> 'amount' AS amount,
            l.line ->> 'tax' AS tax
        FROM purchases p CROSS JOIN LATERAL json_array_elements(
            CASE WHEN json_typeof(p.purchase -> 'lines') = 'array' THEN p.purchase -> 'lines' END
        ) WITH ORDINALITY AS l (line, place)
        ORDER BY p.member_id, p.id, l.place""",
    "refunds": """
        SELECT member_id, id, purchase_id, amount, lines, points_taken_back, points_returned,
            actor, refunded_at
        FROM refunds ORDER BY member_id, id""",
    "redemptions": """
        SELECT member_id, id, store, terminal_id, status, points, value, captured, returned,
            purchase_total, program_version, entry_id, authorised_at, expires_at, finished_at,
            merged_from
        FROM redemptions ORDER BY member_id, id""",
    "ranks": """
        SELECT member_id, code, own, since, keep_until, floor, floor_until FROM ranks
        ORDER BY member_id""",
    "rank_moves": """
        SELECT member_id, id, from_code, to_code, direction, at FROM rank_moves
        ORDER BY member_id, id""",
    "rank_floors": """
        SELECT member_id, id, code, until, reason, actor, decided_at FROM rank_floors
        ORDER BY member_id, id""",
    "member_changes": """
        SELECT member_id, id, before, after, reason, actor, at, sealed FROM member_changes
        ORDER BY member_id, id""",
    "merges": """
        SELECT id, kept, absorbed, names, earned, spent, status_before, reason, actor, merged_at,
            undone_at, undone_by
        FROM merges ORDER BY merged_at, id""",
    "program_versions": """
        SELECT version, effective_from, published_at, published_by, document FROM programs
        ORDER BY version""",
    "segments": """
        SELECT code, name, definition, revision, changed_by, changed_at FROM segments
        ORDER BY code""",
    "program_drafts": "SELECT document, base, revision, saved_by, saved_at FROM program_drafts",
    "staff": """
        SELECT id, login, name, role, stores, active, line_user_id, created_at, changed_at
        FROM staff ORDER BY created_at""",
    "audit_log": """
        SELECT id, at, staff_id, key_id, role, service, act, target, store, before, after
        FROM audit_log
        ORDER BY at, id""",
    "stores": "SELECT code, name, active FROM stores ORDER BY code",
    "terminals": """
        SELECT id, name, kind, store, active, created_at FROM terminals ORDER BY created_at""",
    "counter_acts": """
        SELECT member_id, id, kind, store, actor, named_by, purchase_id, redemption_id, entry_id,
            amount, points, used, happened_at, acted_at, undone_at, undone_by, undone_as
        FROM counter_acts ORDER BY member_id, id""",
    "line_names": "SELECT line_user_id, name, named_at FROM line_names ORDER BY line_user_id",
    "brand": "SELECT name_ja, name_en, color, changed_at FROM brand",
    "printed_codes": """
        SELECT id, store, label, per_member, per_day, made_at, revoked_at FROM printed_codes
        ORDER BY made_at""",
    "routes": "SELECT code, name, kind, store, active, created_at FROM routes ORDER BY code",
    "route_counts": "SELECT route, hour, visits FROM route_counts ORDER BY route, hour",
    "webhooks": """
        SELECT id, url, events, description, status, created_at FROM hook_endpoints
        ORDER BY created_at""",
    "imports": """
        SELECT id, file_name, size, preset, state, rows, totals, asked_by, asked_at, finished_at
        FROM imports ORDER BY asked_at""",
    "import_effects": """
        SELECT import_id, number, fate, member_id, entry_id, points, spent, done_at, undone_at,
            kept
        FROM import_effects ORDER BY import_id, number""",
}

LEFT_OUT: dict[str, str] = {
    "accounts": "balances",
    "programs": "program_versions",
    "lost_cards": "replaced_cards",
    "profiles": "members",
    "hook_endpoints": "webhooks",
    "requests": "which keys of calls were used: no facts of the shop",
    "budgets": "sums that the entries have",
    "waiting_purchases": "not awarded yet",
    "waiting_refunds": "not done yet",
    "qr_uses": "of the moment",
    "member_keys": "secret",
    "mark_key": "secret",
    "member_phones": "members",
    "phones_due": "work",
    "sealing_waits": "work",
    "link_codes": "secret, of the moment",
    "link_nonces": "secret, of the moment",
    "link_attempts": "of the moment",
    "card_key": "secret",
    "farewells": "hashes of people who left",
    "departures": "of the moment",
    "route_visits": "hashes, of a week",
    "member_exports": "copies of what is here",
    "member_export_parts": "copies of what is here",
    "staff_recovery_codes": "secret",
    "staff_sessions": "secret, of the moment",
    "staff_invitations": "secret, of the moment",
    "staff_attempts": "of the moment",
    "ended_sessions": "of the moment",
    "member_terms": "derived from what is here",
    "member_terms_due": "work",
    "brand_pictures": "served under their own addresses",
    "hour_sales": "derived from what is here",
    "hour_points": "derived from what is here",
    "hour_joins": "derived from what is here",
    "figures_state": "work",
    "rank_runs": "work",
    "nights": "work",
    "ledger_checks": "work",
    "expiry_warnings": "work",
    "backtests": "work",
    "segment_requests": "work",
    "hook_messages": "copies of what is here",
    "hook_deliveries": "work",
    "import_chunks": "files that the owner has",
    "import_contents": "files that the owner has",
    "import_rows": "files that the owner has",
    "import_verdicts": "work",
    "import_names": "work",
    "takeouts": "work",
    "takeout_chunks": "copies of what is here",
    "inbox": "work",
    "outbox": "work",
}
"""Tables that are no section of their own, with where their content is or why it is nowhere."""


async def people(connection: Connection, after: UUID, limit: int) -> Sequence[Any]:
    """A page of members after one, as dicts; `fields` are all of their free fields."""
    rows = await connection.fetch(PEOPLE, after, limit)
    values = [(row["id"], row["sealed"]) for row in rows]
    private = await sealed.opened(connection, profiles.COLUMN, values)
    numbers = await phones.opened(connection, rows)
    return [
        {
            **row,
            "phone": numbers.get(row["id"]),
            "fields": {**(secret or {}), **msgspec.json.decode(row["fields"] or "{}")},
        }
        for row, secret in zip(rows, private, strict=True)
    ]


async def rows(connection: Connection, section: str, size: int) -> AsyncIterator[Sequence[Any]]:
    """All rows of a section, some at a time. Within a transaction."""
    cursor = await connection.cursor(SECTIONS[section])
    unlock = _UNLOCK.get(section)
    while found := await cursor.fetch(size):
        yield await unlock(connection, found) if unlock else found


async def _changes(connection: Connection, rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Changes with what is locked away of them, as JSON like all other columns."""
    found = await member_changes.told(connection, rows)
    for row in found:
        row.update({name: msgspec.json.encode(row[name]).decode() for name in ("before", "after")})
    return found


async def _merges(connection: Connection, rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Merges with the numbers that moved, as JSON like all other columns."""
    moved = await phones.moved_from(connection, [row["absorbed"] for row in rows])
    told = []
    for row in rows:
        names = merges.whole(msgspec.json.decode(row["names"]), moved.get(row["absorbed"]))
        told.append({**row, "names": msgspec.json.encode(names).decode()})
    return told


_UNLOCK: dict[str, Callable[[Connection, Sequence[Any]], Awaitable[list[dict[str, Any]]]]] = {
    "member_changes": _changes,
    "merges": _merges,
}
"""Sections of which something is locked away."""
