"""What was said to whom and what became of it, for owners; never what a customer said."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from shared.bus.handling import Connection

STATUSES = (
    "waiting",
    "held",
    "delivered",
    "merged",
    "failed",
    "skipped",
    "unknown",
    "cancelled",
    "dropped",
)

# What was told within another message went the way of that message.
_READ = """
SELECT d.id, d.event_id, r.member_id, d.broadcast_id, d.kind, d.category, d.priority, d.language,
    d.template_version, d.status, d.merged_into, coalesce(l.status, d.status) AS outcome,
    coalesce(l.via, d.via) AS via, coalesce(l.reason, d.reason) AS reason,
    coalesce(l.tries, d.tries) AS tries, coalesce(l.request_id, d.request_id) AS request_id,
    d.created_at, coalesce(l.due_at, d.due_at) AS due_at,
    CASE WHEN l.id IS NULL THEN d.finished_at ELSE l.finished_at END AS finished_at
FROM deliveries d LEFT JOIN recipients r ON r.line_user_id = d.line_user_id
LEFT JOIN deliveries l ON l.id = d.merged_into
"""
# Each is in words that the planner finds an index for.
_HAS = {
    **{status: f"d.status = '{status}'" for status in STATUSES},
    "waiting": "d.status = 'waiting' AND d.due_at IS NOT NULL",
    "held": "d.status = 'held' AND d.due_at IS NOT NULL",
    **{
        status: f"d.status = '{status}' AND d.status NOT IN ('waiting', 'delivered', 'merged')"
        for status in ("failed", "skipped", "unknown", "cancelled", "dropped")
    },
}
_RECIPIENTS = """
SELECT r.language, r.profile_at, r.blocked, r.blocked_at, r.returned_at, r.changed_at,
    (SELECT coalesce(json_agg(json_build_object(
        'category', category, 'stopped', stopped, 'changed_at', p.changed_at, 'via', via
    ) ORDER BY category), '[]') FROM preferences p WHERE p.line_user_id = r.line_user_id) AS said
FROM recipients r WHERE member_id = $1 ORDER BY line_user_id
"""
_FAILED = f"SELECT count(*) FROM deliveries d WHERE {_HAS['failed']} AND d.created_at >= $1"
_PLACE = "SELECT created_at, id FROM deliveries WHERE id = $1"


async def page(
    connection: Connection,
    *,
    member: UUID | None,
    event: UUID | None,
    status: str | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[asyncpg.Record]:
    """Deliveries, newest first, of one member, event (or broadcast) or status where asked."""
    values: list[Any] = []
    wanted: list[str] = []

    def ask(text: str, *more: Any) -> None:
        start = len(values) + 1
        values.extend(more)
        wanted.append(text.format(*(f"${start + n}" for n in range(len(more)))))

    if member is not None:
        of_member = "SELECT line_user_id FROM recipients WHERE member_id = {0}"
        ask(f"d.line_user_id IN ({of_member})", member)
    if event is not None:
        ask("d.event_id = {0}", event)
    if status is not None:
        ask(_HAS[status])
    if after is not None:
        ask("(d.created_at, d.id) < ({0}, {1})", *after)
    where = f"WHERE {' AND '.join(wanted)}" if wanted else ""
    order = f"ORDER BY d.created_at DESC, d.id DESC LIMIT ${len(values) + 1}"
    return await connection.fetch(f"{_READ} {where} {order}", *values, limit)


async def one(connection: Connection, id: UUID) -> asyncpg.Record | None:
    """A delivery."""
    return await connection.fetchrow(f"{_READ} WHERE d.id = $1", id)


async def place(connection: Connection, id: UUID) -> tuple[datetime, UUID] | None:
    """Where a delivery stands among all."""
    row = await connection.fetchrow(_PLACE, id)
    return (row[0], row[1]) if row else None


async def recipients(connection: Connection, member_id: UUID) -> Sequence[asyncpg.Record]:
    """What is known of a member's LINE users; `said` is JSON."""
    return await connection.fetch(_RECIPIENTS, member_id)


async def failed_since(connection: Connection, since: datetime) -> int:
    """How many messages that came about since then LINE has refused for good."""
    return int(await connection.fetchval(_FAILED, since))
