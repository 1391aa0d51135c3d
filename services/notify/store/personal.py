"""All that notify keeps of somebody: read for a copy, deleted for good. Nothing here commits.

Whoever stores something of a LINE user asks `erased` first, in the same transaction; an erasure
waits for those transactions and holds up new ones, so nothing slips past it.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.notify.store import menu_links as store_menu_links
from shared.bus.handling import Connection

MOST_BYTES = 4_000_000
"""Of messages, and of what was sent to us, in a copy: the newest; brokers take 16 MB."""

_USERS = """
SELECT line_user_id FROM recipients WHERE member_id = ANY($1::uuid[])
UNION SELECT unnest($2::text[])
"""
_RECIPIENTS = """
SELECT to_jsonb(r) - ARRAY['changed_at', 'name_told'] || jsonb_build_object('since', changed_at)
FROM recipients r WHERE line_user_id = ANY($1::text[])
"""
_DELIVERIES = """
SELECT kind, status, via, reason, messages, created_at, finished_at FROM (
    SELECT told.*, sum(length(messages)) OVER (ORDER BY created_at DESC, event_id) AS bytes
    FROM (
        SELECT d.event_id, d.kind, d.status, d.via, d.reason, d.created_at, d.finished_at,
            coalesce(t.messages, d.messages) AS messages
        FROM deliveries d
        LEFT JOIN broadcast_texts t ON d.multicast_id IS NOT NULL
            AND t.broadcast_id = d.broadcast_id AND t.language = d.language
        WHERE d.line_user_id = ANY($1::text[])
    ) AS told
) AS d WHERE bytes <= $2 ORDER BY created_at
"""
_LINE_EVENTS = """
SELECT kind, raw, received_at FROM (
    SELECT *, sum(length(raw)) OVER (ORDER BY received_at DESC, id) AS bytes
    FROM line_events WHERE line_user_id = ANY($1::text[]) AND raw IS NOT NULL
) AS e WHERE bytes <= $2 ORDER BY received_at
"""
_PREVIEWS = """
SELECT asked_at, person FROM previews WHERE line_user_id = ANY($1::text[]) ORDER BY asked_at
"""
_MENUS = """
SELECT wanted AS menu, has_card, has_left FROM menu_links
WHERE line_user_id = ANY($1::text[]) AND NOT forgotten
"""
_COUNTS = """
SELECT (SELECT count(*) FROM deliveries WHERE line_user_id = ANY($1::text[])) AS messages,
    (SELECT count(*) FROM line_events
        WHERE line_user_id = ANY($1::text[]) AND raw IS NOT NULL) AS received
"""
_LOCK = "LOCK TABLE erasures IN ACCESS EXCLUSIVE MODE"
_NOTE = """
INSERT INTO erasures AS known (user_hash, at)
SELECT * FROM unnest($1::text[], $2::timestamptz[]) AS e (user_hash, at) ORDER BY user_hash
ON CONFLICT (user_hash) DO UPDATE SET at = greatest(known.at, excluded.at)
"""
_ERASED = "SELECT user_hash, at FROM erasures WHERE user_hash = ANY($1::text[])"
_PREFERENCES = """
SELECT category, stopped, changed_at, via FROM preferences WHERE line_user_id = ANY($1::text[])
"""
_DELETE = (
    "DELETE FROM preferences WHERE line_user_id = $1 AND changed_at <= $2",
    "DELETE FROM line_events WHERE line_user_id = $1 AND received_at <= $2",
    "DELETE FROM recipients WHERE line_user_id = $1 AND changed_at <= $2",
)
_DELETE_STAGED = "DELETE FROM broadcast_people WHERE line_user_id = ANY($1::text[])"
_DELETE_DELIVERIES = "DELETE FROM deliveries WHERE line_user_id = ANY($1::text[])"
PRUNE = """
DELETE FROM erasures WHERE user_hash IN (
    SELECT user_hash FROM erasures WHERE at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


async def users(connection: Connection, members: Sequence[UUID], named: Sequence[str]) -> list[str]:
    """The LINE users of members, and those named."""
    rows = await connection.fetch(_USERS, list(members), list(named))
    return sorted(row["line_user_id"] for row in rows)


async def known(connection: Connection, users: Sequence[str]) -> dict[str, Any]:
    """All that is kept of these users; what is too much for a copy is counted in `left_out`."""
    who = list(users)
    recipients = await connection.fetch(_RECIPIENTS, who)
    messages = await connection.fetch(_DELIVERIES, who, MOST_BYTES)
    received = await connection.fetch(_LINE_EVENTS, who, MOST_BYTES)
    previews = await connection.fetch(_PREVIEWS, who)
    menus = await connection.fetch(_MENUS, who)
    counts = (await connection.fetch(_COUNTS, who))[0]
    preferences = await connection.fetch(_PREFERENCES, who)
    return {
        "preferences": [dict(row) for row in preferences],
        "recipients": [msgspec.json.decode(row[0]) for row in recipients],
        "messages": [{**row, "messages": _plain(row["messages"])} for row in messages],
        "received": [
            {"kind": row["kind"], "at": row["received_at"], "event": _plain(row["raw"])}
            for row in received
        ],
        "previews": [{"at": row["asked_at"], "person": _plain(row["person"])} for row in previews],
        "rich_menus": [dict(row) for row in menus],
        "left_out": {
            "messages": counts["messages"] - len(messages),
            "received": counts["received"] - len(received),
        },
    }


async def erased(connection: Connection, users: Iterable[str]) -> dict[str, datetime]:
    """Those of these users who were erased, and when."""
    hashes = {hash_of(user): user for user in users}
    rows = await connection.fetch(_ERASED, list(hashes))
    return {hashes[row["user_hash"]]: row["at"] for row in rows}


async def erase(connection: Connection, gone: Sequence[tuple[str, datetime]]) -> None:
    """Delete all that is kept of LINE users up to the moments given, and keep out what is late."""
    await connection.execute(_LOCK)
    latest = dict(sorted(gone, key=lambda each: each[1]))
    hashes = [hash_of(user) for user in latest]
    await connection.execute(_NOTE, hashes, list(latest.values()))
    await connection.execute(_DELETE_DELIVERIES, list(latest))
    await connection.execute(_DELETE_STAGED, list(latest))
    for user, at in sorted(latest.items()):
        for statement in _DELETE:
            await connection.execute(statement, user, at)
        await store_menu_links.erase(connection, user, at)


def hash_of(line_user_id: str) -> str:
    """What is kept instead of a LINE user id: nobody finds the way back from it."""
    return hashlib.sha256(line_user_id.encode()).hexdigest()


def _plain(raw: bytes | str) -> Any:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return raw if isinstance(raw, str) else raw.decode(errors="replace")
