"""Redemptions: points held, spent or let go. Guarded by the lock of the member's account."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from shared.bus.handling import Connection

_COLUMNS = """member_id, id, store, status, points, value, captured, returned, purchase_total,
    holds, entry_id, expires_at"""
_ADD = """
INSERT INTO redemptions (member_id, id, store, terminal_id, status, points, value, captured,
    returned, purchase_total, program_version, holds, entry_id, authorised_at, expires_at,
    finished_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10, $11, $12, $13, $14, $15)
"""
_FIND = f"SELECT {_COLUMNS} FROM redemptions WHERE member_id = $1 AND id = $2"
_FINISH = """
UPDATE redemptions SET status = $3, captured = $4, value = $5, entry_id = $6, finished_at = $7
WHERE member_id = $1 AND id = $2
"""
_DUE = """
SELECT DISTINCT member_id FROM redemptions
WHERE status = 'authorised' AND expires_at <= $1 ORDER BY member_id LIMIT $2
"""
_DUE_OF = f"""
SELECT {_COLUMNS} FROM redemptions
WHERE member_id = ANY($1::uuid[]) AND status = 'authorised' AND expires_at <= $2 ORDER BY id
"""

_UNDER_WAY = f"""
SELECT {_COLUMNS} FROM redemptions WHERE member_id = $1 AND status = 'authorised' ORDER BY id
"""


class Stored(msgspec.Struct, frozen=True):
    """A redemption: `points` were asked for, `captured` spent, `returned` given back by refunds.

    `value` is what the points are worth in minor units: of all while authorised, of those captured
    after that. `holds` are the lots that were taken, as (lot, points).
    """

    member_id: UUID
    id: UUID
    store: str
    status: str
    points: int
    value: int
    captured: int
    returned: int
    purchase_total: int | None
    holds: list[tuple[UUID, int]]
    entry_id: UUID | None
    expires_at: datetime


async def add(
    connection: Connection, new: Stored, terminal: UUID, version: int, now: datetime
) -> None:
    """Store a new redemption."""
    await connection.execute(
        _ADD,
        new.member_id,
        new.id,
        new.store,
        terminal,
        new.status,
        new.points,
        new.value,
        new.captured,
        new.purchase_total,
        version,
        msgspec.json.encode(new.holds).decode(),
        new.entry_id,
        now,
        new.expires_at,
        now if new.status == "captured" else None,
    )


async def find(connection: Connection, member: UUID, id: UUID) -> Stored | None:
    """A member's redemption."""
    row = await connection.fetchrow(_FIND, member, id)
    return _stored(row) if row else None


async def finish(connection: Connection, redemption: Stored, now: datetime) -> None:
    """Store how a redemption ended."""
    await connection.execute(
        _FINISH,
        redemption.member_id,
        redemption.id,
        redemption.status,
        redemption.captured,
        redemption.value,
        redemption.entry_id,
        now,
    )


async def members_due(connection: Connection, now: datetime, limit: int) -> list[UUID]:
    """Members with authorisations whose time is over."""
    return [row["member_id"] for row in await connection.fetch(_DUE, now, limit)]


async def due(connection: Connection, members: Sequence[UUID], now: datetime) -> list[Stored]:
    """Those members' authorisations whose time is over. Accounts must be locked."""
    return [_stored(row) for row in await connection.fetch(_DUE_OF, list(members), now)]


async def under_way(connection: Connection, member: UUID) -> list[Stored]:
    """A member's redemptions that hold points. The account must be locked."""
    return [_stored(row) for row in await connection.fetch(_UNDER_WAY, member)]


def _stored(row: Any) -> Stored:
    holds = msgspec.json.decode(row["holds"], type=list[tuple[UUID, int]])
    return Stored(**{**row, "holds": holds})
