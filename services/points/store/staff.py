"""People who work at the shop, and their wrong tries."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from shared.bus.handling import Connection

_COLUMNS = """id, login, name, role, stores, active, password_hash, line_user_id, pin_hash,
    totp_secret, totp_step, totp_since, created_at, changed_at"""
_BY_LOGIN = f"SELECT {_COLUMNS} FROM staff WHERE login = $1"
_BY_ID = f"SELECT {_COLUMNS} FROM staff WHERE id = $1"
_LOCKED = f"SELECT {_COLUMNS} FROM staff WHERE id = $1 FOR UPDATE"
_ADD = """
INSERT INTO staff (id, login, name, role, stores, active, password_hash, line_user_id, created_at,
    changed_at)
VALUES ($1, $2, $3, $4, $5, true, $6, $7, $8, $8) ON CONFLICT DO NOTHING RETURNING id
"""
_HAS_OWNER = "SELECT EXISTS (SELECT FROM staff WHERE role = 'owner' AND active)"

_LOCK_TRIES = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
_TRIES = "SELECT at FROM staff_attempts WHERE who = $1 AND at > $2"
_TRIED = "INSERT INTO staff_attempts (who, at) VALUES ($1, $2)"
_FORGET = "DELETE FROM staff_attempts WHERE who = $1"
_FORGET_ONE = "DELETE FROM staff_attempts WHERE who = $1 AND at = $2"
PRUNE_ATTEMPTS = """
DELETE FROM staff_attempts WHERE ctid IN (
    SELECT ctid FROM staff_attempts WHERE at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


class Person(msgspec.Struct, frozen=True):
    """Somebody who may sign in. `stores` None: all."""

    id: UUID
    login: str | None
    name: str
    role: str
    stores: list[str] | None
    active: bool
    password_hash: str | None
    line_user_id: str | None
    pin_hash: str | None
    totp_secret: bytes | None
    totp_step: int
    totp_since: datetime | None
    created_at: datetime
    changed_at: datetime


async def by_login(connection: Connection, login: str) -> Person | None:
    """Whoever signs in with this."""
    row = await connection.fetchrow(_BY_LOGIN, login.lower())
    return Person(**row) if row else None


async def by_id(connection: Connection, id: UUID, *, lock: bool = False) -> Person | None:
    """Somebody by id; `lock`ed, nobody changes them before this transaction is over."""
    row = await connection.fetchrow(_LOCKED if lock else _BY_ID, id)
    return Person(**row) if row else None


async def add(
    connection: Connection,
    *,
    id: UUID,
    login: str | None,
    name: str,
    role: str,
    stores: Sequence[str] | None,
    now: datetime,
    password_hash: str | None = None,
    line_user_id: str | None = None,
) -> bool:
    """Add somebody. False if the login or LINE account is somebody's already."""
    added = await connection.fetchval(
        _ADD,
        id,
        login.lower() if login else None,
        name,
        role,
        list(stores) if stores is not None else None,
        password_hash,
        line_user_id,
        now,
    )
    return added is not None


async def has_owner(connection: Connection) -> bool:
    """Whether anybody can decide over everything."""
    found: bool = await connection.fetchval(_HAS_OWNER)
    return found


async def tries(connection: Connection, who: str, since: datetime) -> list[datetime]:
    """When tries of this account or address failed; until the transaction ends nobody adds one."""
    await connection.execute(_LOCK_TRIES, who)
    return [row["at"] for row in await connection.fetch(_TRIES, who, since)]


async def tried(connection: Connection, who: str, at: datetime) -> None:
    """Count a try as failed, until it is forgotten."""
    await connection.execute(_TRIED, who, at)


async def forget(connection: Connection, who: str, at: datetime | None = None) -> None:
    """It was no wrong try: forget the one of `at`, or all of them."""
    if at is None:
        await connection.execute(_FORGET, who)
    else:
        await connection.execute(_FORGET_ONE, who, at)
