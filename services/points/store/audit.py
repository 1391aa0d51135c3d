"""The log of what people who were signed in changed."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from shared.bus.handling import Connection
from shared.events import StaffActed

_ADD = """
INSERT INTO audit_log
    (id, at, staff_id, session_id, role, service, act, target, store, before, after)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, nullif($10::jsonb, 'null'), nullif($11::jsonb, 'null'))
ON CONFLICT DO NOTHING
"""
PRUNE = """
DELETE FROM audit_log WHERE id IN (
    SELECT id FROM audit_log WHERE at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


async def add(connection: Connection, acts: Sequence[tuple[UUID, StaffActed]]) -> None:
    """Keep what is not kept yet."""
    rows = [
        (
            id,
            act.at,
            act.staff_id,
            act.session_id,
            act.role,
            act.service,
            act.act,
            act.target,
            act.store,
            msgspec.json.encode(act.before).decode(),
            msgspec.json.encode(act.after).decode(),
        )
        for id, act in sorted(acts, key=lambda each: each[0])
    ]
    await connection.executemany(_ADD, rows)
