"""Lots: what an account's points lie in. Guarded by the account's lock, so they take none."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from shared.bus.handling import Connection

_OPEN = """
SELECT member_id, entry_id, remaining, held, pending, opened_at, active_at, expires_at,
    sliding_months
FROM lots WHERE member_id = ANY($1::uuid[]) AND unit = 'point' AND remaining > 0
"""
_NAMED = """
SELECT l.member_id, l.entry_id, l.remaining, l.held, l.pending, l.opened_at, l.active_at,
    l.expires_at, l.sliding_months
FROM unnest($1::uuid[], $2::uuid[]) AS w (member_id, entry_id)
JOIN lots l ON l.member_id = w.member_id AND l.entry_id = w.entry_id
"""
_ACCOUNTS = """
SELECT a.member_id, a.debt, a.last_activity_at, l.entry_id, l.remaining, l.held, l.pending,
    l.opened_at, l.active_at, l.expires_at, l.sliding_months
FROM accounts a
LEFT JOIN lots l ON l.member_id = a.member_id AND l.unit = a.unit AND l.remaining > 0
WHERE a.member_id = ANY($1::uuid[]) AND a.unit = 'point'
"""
_CHANGE = """
UPDATE lots SET remaining = c.remaining, held = c.held, pending = c.pending
FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::boolean[])
    AS c (member_id, entry_id, remaining, held, pending)
WHERE lots.member_id = c.member_id AND lots.entry_id = c.entry_id
"""


class StoredLot(msgspec.Struct, frozen=True):
    """A lot as stored. `active_at`: until when it waits or waited; a sliding lot has no
    `expires_at` but expires `sliding_months` after its account's last activity."""

    member_id: UUID
    entry_id: UUID
    remaining: int
    held: int
    pending: bool
    opened_at: datetime
    active_at: datetime | None
    expires_at: datetime | None
    sliding_months: int | None


class Holding(msgspec.Struct, frozen=True):
    """An account with its open lots, as they are at one moment."""

    debt: int
    last_activity_at: datetime | None
    lots: list[StoredLot]


class Changed(msgspec.Struct, frozen=True):
    """A lot as it is to be stored."""

    member_id: UUID
    entry_id: UUID
    remaining: int
    held: int
    pending: bool


async def open_ones(connection: Connection, members: Sequence[UUID]) -> list[StoredLot]:
    """The members' lots with something left, pending ones too. To act on them, lock accounts."""
    return [StoredLot(*row) for row in await connection.fetch(_OPEN, list(members))]


async def named(connection: Connection, wanted: Sequence[tuple[UUID, UUID]]) -> list[StoredLot]:
    """Lots given as (member, lot), used up or not. Accounts must be locked."""
    members, ids = zip(*wanted, strict=True) if wanted else ((), ())
    return [StoredLot(*row) for row in await connection.fetch(_NAMED, list(members), list(ids))]


async def holdings(connection: Connection, members: Sequence[UUID]) -> dict[UUID, Holding]:
    """The members' accounts with their open lots, not locked: to look, not to act."""
    found: dict[UUID, Holding] = {}
    for member, debt, last_activity_at, *lot in await connection.fetch(_ACCOUNTS, list(members)):
        holding = found.setdefault(member, Holding(debt, last_activity_at, []))
        if lot[0] is not None:
            holding.lots.append(StoredLot(member, *lot))
    return found


async def change(connection: Connection, changed: Sequence[Changed]) -> None:
    """Store what lots have become. Accounts must be locked."""
    if changed:
        columns = zip(*map(msgspec.structs.astuple, changed), strict=True)
        await connection.execute(_CHANGE, *map(list, columns))
