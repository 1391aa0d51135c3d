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
_AT_STORE = f"""
SELECT {_COLUMNS} FROM staff
WHERE active AND role <> 'viewer' AND pin_hash IS NOT NULL AND (stores IS NULL OR $1 = ANY(stores))
ORDER BY name, id
"""
_PUT_PIN = "UPDATE staff SET pin_hash = $2, changed_at = $3 WHERE id = $1"
_EVERY = f"SELECT {_COLUMNS} FROM staff ORDER BY active DESC, name, id"
_BY_LINE = f"SELECT {_COLUMNS} FROM staff WHERE line_user_id = $1"
_PUT = """
UPDATE staff SET name = $2, role = $3, stores = $4, active = $5, changed_at = $6 WHERE id = $1
"""
_NEW_PASSWORD = """
UPDATE staff SET password_hash = $2, changed_at = $3 WHERE id = $1
"""  # noqa: S105 - a statement
_PUT_LOGIN = """
UPDATE staff SET login = $2, changed_at = $3
WHERE id = $1 AND NOT EXISTS (SELECT FROM staff WHERE login = $2 AND id <> $1) RETURNING true
"""
_PUT_LINE = """
UPDATE staff SET line_user_id = $2, changed_at = $3
WHERE id = $1 AND NOT EXISTS (SELECT FROM staff WHERE line_user_id = $2 AND id <> $1) RETURNING true
"""
_LOCK_OWNERS = "SELECT id FROM staff WHERE role = 'owner' AND active ORDER BY id FOR UPDATE"

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


async def with_pin(connection: Connection, store: str) -> list[Person]:
    """Who may take over at a store's counter by their PIN, by name."""
    return [Person(**row) for row in await connection.fetch(_AT_STORE, store)]


async def put_pin(connection: Connection, id: UUID, pin_hash: str | None, now: datetime) -> None:
    """Somebody's PIN from now on; None: none."""
    await connection.execute(_PUT_PIN, id, pin_hash, now)


async def every(connection: Connection) -> list[Person]:
    """Everybody, who works here first, by name."""
    return [Person(**row) for row in await connection.fetch(_EVERY)]


async def by_line(connection: Connection, line_user_id: str) -> Person | None:
    """Whoever signs in with this LINE account."""
    row = await connection.fetchrow(_BY_LINE, line_user_id)
    return Person(**row) if row else None


async def put(connection: Connection, person: Person) -> None:
    """Their name, role, stores and whether they work here, as given."""
    await connection.execute(
        _PUT,
        person.id,
        person.name,
        person.role,
        person.stores,
        person.active,
        person.changed_at,
    )


async def put_password(connection: Connection, id: UUID, password_hash: str, now: datetime) -> None:
    """Somebody's password from now on."""
    await connection.execute(_NEW_PASSWORD, id, password_hash, now)


async def put_login(connection: Connection, id: UUID, login: str, now: datetime) -> bool:
    """What somebody signs in with; false if it is somebody else's."""
    return bool(await connection.fetchval(_PUT_LOGIN, id, login.lower(), now))


async def put_line(
    connection: Connection, id: UUID, line_user_id: str | None, now: datetime
) -> bool:
    """The LINE account somebody signs in with; false if it is somebody else's."""
    return bool(await connection.fetchval(_PUT_LINE, id, line_user_id, now))


async def lock_owners(connection: Connection) -> list[UUID]:
    """Who decides over everything; nobody changes that before this transaction is over."""
    return [row["id"] for row in await connection.fetch(_LOCK_OWNERS)]


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
