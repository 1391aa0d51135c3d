"""Erasing what is personal while the ledger's numbers stay. Accounts must be locked."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from shared.bus.handling import Connection

_ERASE = (
    """
UPDATE members SET card = 'erased-' || id, line_user_id = NULL, external_id = NULL, phone = NULL,
    birthday = NULL, former_names = NULL, sealed = NULL, left_reason = NULL, friend = false,
    friend_changed_at = NULL, erased_at = $2
WHERE id = ANY($1::uuid[]) AND $2::timestamptz IS NOT NULL
""",
    "DELETE FROM member_keys WHERE member_id = ANY($1::uuid[])",
    "DELETE FROM member_phones WHERE member_id = ANY($1::uuid[])",
    "DELETE FROM profiles WHERE member_id = ANY($1::uuid[])",
    "DELETE FROM member_changes WHERE member_id = ANY($1::uuid[])",
    "DELETE FROM lost_cards WHERE member_id = ANY($1::uuid[])",
    """
DELETE FROM import_rows r USING (
    SELECT import_id, number FROM import_effects
    WHERE member_id = ANY($1::uuid[]) OR merged_from = ANY($1::uuid[])
    UNION SELECT import_id, number FROM import_verdicts WHERE member_id = ANY($1::uuid[])
) AS theirs WHERE r.import_id = theirs.import_id AND r.number = theirs.number
""",
    "DELETE FROM import_verdicts WHERE member_id = ANY($1::uuid[])",
    """
UPDATE import_effects SET before = '{}', after = '{}', faults = '[]', sealed = NULL
WHERE member_id = ANY($1::uuid[])
""",
    "DELETE FROM old_cards WHERE member_id = ANY($1::uuid[])",
    "DELETE FROM link_codes WHERE member_id = ANY($1::uuid[])",
    "DELETE FROM link_nonces WHERE member_id = ANY($1::uuid[])",
    "DELETE FROM member_exports WHERE member_id = ANY($1::uuid[])",
    "DELETE FROM expiry_warnings WHERE member_id = ANY($1::uuid[])",
    "UPDATE rank_floors SET reason = '' WHERE member_id = ANY($1::uuid[])",
    """
UPDATE merges SET names = '{}', reason = ''
WHERE kept = ANY($1::uuid[]) OR absorbed = ANY($1::uuid[])
""",
    """
UPDATE entries
SET explanation = (explanation::jsonb - ARRAY['reason', 'from_card', 'to_card'])::json
WHERE member_id = ANY($1::uuid[]) AND explanation::jsonb ?| ARRAY['reason', 'from_card', 'to_card']
""",
    """
UPDATE entries
SET explanation = (explanation::jsonb - ARRAY['from_card', 'to_card'])::json
WHERE source = 'merge' AND member_id IN (
    SELECT kept FROM merges WHERE absorbed = ANY($1::uuid[])
    UNION SELECT absorbed FROM merges WHERE kept = ANY($1::uuid[]))
""",
    """
UPDATE purchases SET purchase = (
    (purchase::jsonb - ARRAY['receipt', 'terminal'])
    || jsonb_build_object('member', jsonb_build_object('id', member_id)))::json
WHERE member_id = ANY($1::uuid[])
""",
    """
UPDATE requests SET key = '' WHERE id IN (
    SELECT id FROM purchases WHERE member_id = ANY($1::uuid[]))
""",
    """
UPDATE requests SET key = '', body_hash = '',
    detail = CASE WHEN detail ~ '^([0-9a-f-]{36}|[0-9]+ [0-9T:.+-]+)$' THEN detail END
WHERE member_id = ANY($1::uuid[]) AND kind <> 'purchase'
""",
    """
DELETE FROM hook_deliveries WHERE message_id IN (
    SELECT id FROM hook_messages WHERE member_id = ANY($1::uuid[]))
""",
    "DELETE FROM hook_messages WHERE member_id = ANY($1::uuid[])",
)
"""What becomes of each table that has something personal; docs/privacy.md says it in words. What a
request's body hashed to goes where a phone number could be tried out until it fits."""

_FORGET_NAMES = (
    """
DELETE FROM import_rows r USING import_names n
WHERE n.name = ANY($1::text[]) AND r.import_id = n.import_id AND r.number = n.number
""",
    """
DELETE FROM import_verdicts v USING import_names n
WHERE n.name = ANY($1::text[]) AND v.import_id = n.import_id AND v.number = n.number
""",
    "DELETE FROM import_names WHERE name = ANY($1::text[])",
    """
DELETE FROM import_rows WHERE cells && ARRAY(
    SELECT substr(name, strpos(name, ':') + 1) FROM unnest($1::text[]) AS n (name))
""",
)
_FORGET_USERS = (
    """
DELETE FROM route_visits WHERE user_hash IN (
    SELECT encode(sha256(convert_to(u, 'UTF8')), 'hex') FROM unnest($1::text[]) AS u)
""",
    "DELETE FROM line_names WHERE line_user_id = ANY($1::text[])",
    "DELETE FROM departures WHERE line_user_id = ANY($1::text[])",
    "DELETE FROM link_attempts WHERE who IN (SELECT 'line:' || u FROM unnest($1::text[]) AS u)",
)
_ERASED = """
SELECT id FROM members WHERE id = ANY($1::uuid[]) AND erased_at IS NOT NULL
"""
_TAKEN = "SELECT line_user_id FROM members WHERE line_user_id = ANY($1::text[])"


async def erase(connection: Connection, members: Sequence[UUID], now: datetime) -> None:
    """Empty all that is personal of these members; amounts, dates and shops stay."""
    first, *others = _ERASE
    await connection.execute(first, list(members), now)
    for statement in others:
        await connection.execute(statement, list(members))


async def forget_names(connection: Connection, names: Sequence[str]) -> None:
    """Delete rows of imports that bear one of these names, taken in or not."""
    for statement in _FORGET_NAMES:
        await connection.execute(statement, list(names))


async def forget_users(connection: Connection, users: Sequence[str]) -> None:
    """Delete what is noted of LINE users apart from members."""
    for statement in _FORGET_USERS:
        await connection.execute(statement, list(users))


async def erased(connection: Connection, members: Sequence[UUID]) -> set[UUID]:
    """Those of these members who were erased."""
    return {row["id"] for row in await connection.fetch(_ERASED, list(members))}


async def in_use(connection: Connection, users: Sequence[str]) -> set[str]:
    """Those of these LINE users who are members now."""
    rows = await connection.fetch(_TAKEN, list(users))
    return {row["line_user_id"] for row in rows}
