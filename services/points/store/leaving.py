"""Who left: the names that are set free, and who may not come back unasked. Accounts must be
locked."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from services.points.store import phones, sealed
from services.points.store.exports import NAMES_COLUMN
from shared.bus.handling import Connection

_LOCK = """
SELECT id, card, line_user_id, status, erased_at, merged_into FROM members WHERE id = $1 FOR UPDATE
"""
_NAMES = "SELECT line_user_id, external_id FROM members WHERE id = $1"
_LEAVE = """
UPDATE members SET status = 'left', left_at = $2, left_reason = $3, friend = false,
    former_names = $4, sealed = $5, line_user_id = NULL, external_id = NULL, phone = NULL
WHERE id = $1
"""
_CLOSE = "UPDATE accounts SET left_at = $2 WHERE member_id = $1"
_SAY_FAREWELL = """
INSERT INTO farewells AS known (user_hash, at)
SELECT user_hash, $2 FROM unnest($1::text[]) AS f (user_hash)
ON CONFLICT (user_hash) DO UPDATE SET at = greatest(known.at, excluded.at)
"""
_FAREWELLS = "SELECT user_hash, at FROM farewells WHERE user_hash = ANY($1::text[])"


class Leaver(msgspec.Struct, frozen=True):
    """A member as leaving looks at one."""

    id: UUID
    card: str
    line_user_id: str | None
    status: str
    erased_at: datetime | None
    merged_into: UUID | None


async def lock(connection: Connection, member: UUID) -> Leaver | None:
    """The member, locked until the transaction ends; the account is locked before this."""
    row = await connection.fetchrow(_LOCK, member)
    return Leaver(*row) if row else None


async def leave(connection: Connection, member: UUID, reason: str | None, now: datetime) -> None:
    """Note that the member has left; their names lead to nobody from now on."""
    row = await connection.fetchrow(_NAMES, member)
    names = {**dict(row or {}), "phone": (await phones.of(connection, [member])).get(member)}
    former = {name: value for name, value in names.items() if value is not None}
    clear: str | None = msgspec.json.encode(former).decode()
    hidden: bytes | None = None
    if await sealed.begun(connection):
        clear, (hidden,) = None, await sealed.shut(connection, NAMES_COLUMN, [(member, former)])
    await connection.execute(_LEAVE, member, now, reason, clear, hidden)
    await phones.drop(connection, [member])
    await connection.execute(_CLOSE, member, now)


async def say_farewell(connection: Connection, users: Sequence[str], now: datetime) -> None:
    """From now on these LINE users become members again by following anew, and in no other way."""
    await connection.execute(_SAY_FAREWELL, [hash_of(user) for user in users], now)


async def farewells(connection: Connection, users: Sequence[str]) -> dict[str, datetime]:
    """Since when those of these LINE users who left have been gone."""
    hashes = {hash_of(user): user for user in users}
    rows = await connection.fetch(_FAREWELLS, list(hashes))
    return {hashes[row["user_hash"]]: row["at"] for row in rows}


def hash_of(line_user_id: str) -> str:
    """What is kept instead of a LINE user id: nobody finds the way back from it."""
    return hashlib.sha256(line_user_id.encode()).hexdigest()
