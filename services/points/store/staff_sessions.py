"""Who is signed in where."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from shared.bus.handling import Connection

_COLUMNS = "id, staff_id, store, way, device, shift_since, created_at, renewed_at, ended_at"
_ADD = """
INSERT INTO staff_sessions (id, secret_hash, staff_id, store, way, device, shift_since, created_at,
    renewed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
"""
_BY_SECRET = f"SELECT {_COLUMNS} FROM staff_sessions WHERE secret_hash = $1 FOR UPDATE"
_BY_ID = f"SELECT {_COLUMNS} FROM staff_sessions WHERE id = $1"
_RENEW = "UPDATE staff_sessions SET renewed_at = $2 WHERE id = $1"
_PUT_STORE = "UPDATE staff_sessions SET store = $2 WHERE id = $1"
_END = """
UPDATE staff_sessions SET ended_at = $2 WHERE id = ANY($1::uuid[]) AND ended_at IS NULL
RETURNING id, staff_id
"""
_LIVE_OF = f"""
SELECT {_COLUMNS} FROM staff_sessions
WHERE staff_id = ANY($1::uuid[]) AND ended_at IS NULL AND renewed_at > $2 AND created_at > $3
ORDER BY renewed_at DESC, id
"""
PRUNE = """
DELETE FROM staff_sessions WHERE id IN (
    SELECT id FROM staff_sessions WHERE renewed_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


class Session(msgspec.Struct, frozen=True):
    """A sign-in on one device. `way` is password, line, pin or invitation; `shift_since` is when
    somebody last signed in there by more than a PIN."""

    id: UUID
    staff_id: UUID
    store: str | None
    way: str
    device: str
    shift_since: datetime
    created_at: datetime
    renewed_at: datetime
    ended_at: datetime | None = None


async def add(connection: Connection, session: Session, secret_hash: str) -> None:
    """Keep a new session, by the hash of what its cookie holds."""
    await connection.execute(
        _ADD,
        session.id,
        secret_hash,
        session.staff_id,
        session.store,
        session.way,
        session.device,
        session.shift_since,
        session.created_at,
    )


async def by_secret(connection: Connection, secret_hash: str) -> Session | None:
    """The session of a cookie, locked."""
    row = await connection.fetchrow(_BY_SECRET, secret_hash)
    return Session(**row) if row else None


async def by_id(connection: Connection, id: UUID) -> Session | None:
    """A session."""
    row = await connection.fetchrow(_BY_ID, id)
    return Session(**row) if row else None


async def renew(connection: Connection, id: UUID, now: datetime) -> None:
    """Somebody is still there."""
    await connection.execute(_RENEW, id, now)


async def put_store(connection: Connection, id: UUID, store: str) -> None:
    """Where the shift is."""
    await connection.execute(_PUT_STORE, id, store)


async def end(
    connection: Connection, ids: Sequence[UUID], now: datetime
) -> list[tuple[UUID, UUID]]:
    """End sessions; those that were not yet over, with whose they were."""
    rows = await connection.fetch(_END, list(ids), now)
    return [(row["id"], row["staff_id"]) for row in rows]


async def live(
    connection: Connection, staff: Sequence[UUID], renewed_after: datetime, made_after: datetime
) -> list[Session]:
    """Sessions of these people that can still be renewed, the latest first."""
    rows = await connection.fetch(_LIVE_OF, list(staff), renewed_after, made_after)
    return [Session(**row) for row in rows]
