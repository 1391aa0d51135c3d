"""Links that let somebody in once."""

from datetime import datetime
from uuid import UUID

import msgspec

from shared.bus.handling import Connection

_COLUMNS = """id, code_hash, name, role, stores, invited_by, created_at, expires_at, accepted_at,
    accepted_by, withdrawn_at, staff_id"""
_ADD = """
INSERT INTO staff_invitations (id, code_hash, name, role, stores, invited_by, created_at,
    expires_at, staff_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
_GOOD = "accepted_at IS NULL AND withdrawn_at IS NULL AND expires_at > $2"
_BY_CODE = f"SELECT {_COLUMNS} FROM staff_invitations WHERE code_hash = $1 AND {_GOOD}"
_BY_ID = f"SELECT {_COLUMNS} FROM staff_invitations WHERE id = $1"
_USE = f"""
UPDATE staff_invitations SET accepted_at = $2 WHERE code_hash = $1 AND {_GOOD}
RETURNING {_COLUMNS}
"""
_USED_BY = "UPDATE staff_invitations SET accepted_by = $2 WHERE id = $1"
_WITHDRAW = f"""
UPDATE staff_invitations SET withdrawn_at = $2 WHERE id = $1 AND {_GOOD} RETURNING {_COLUMNS}
"""
_WITHDRAW_OF = f"UPDATE staff_invitations SET withdrawn_at = $2 WHERE staff_id = $1 AND {_GOOD}"
_OPEN = f"""
SELECT {_COLUMNS} FROM staff_invitations
WHERE created_at > $1 AND {_GOOD} ORDER BY created_at DESC, id LIMIT 200
"""
PRUNE = """
DELETE FROM staff_invitations WHERE id IN (
    SELECT id FROM staff_invitations WHERE expires_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


class Invitation(msgspec.Struct, frozen=True):
    """A link, without what it ends with, but its hash. `staff_id`: who it gives another password,
    None for somebody new."""

    id: UUID
    code_hash: str
    name: str
    role: str
    stores: list[str] | None
    invited_by: UUID | None
    created_at: datetime
    expires_at: datetime
    accepted_at: datetime | None = None
    accepted_by: UUID | None = None
    withdrawn_at: datetime | None = None
    staff_id: UUID | None = None


async def add(connection: Connection, invitation: Invitation) -> None:
    """Keep a new link by the hash of its code."""
    await connection.execute(
        _ADD,
        invitation.id,
        invitation.code_hash,
        invitation.name,
        invitation.role,
        invitation.stores,
        invitation.invited_by,
        invitation.created_at,
        invitation.expires_at,
        invitation.staff_id,
    )


async def by_code(connection: Connection, code_hash: str, now: datetime) -> Invitation | None:
    """The link with this code, while it is good."""
    return _one(await connection.fetchrow(_BY_CODE, code_hash, now))


async def by_id(connection: Connection, id: UUID) -> Invitation | None:
    """A link, good or not."""
    return _one(await connection.fetchrow(_BY_ID, id))


async def use(connection: Connection, code_hash: str, now: datetime) -> Invitation | None:
    """Use a link up; None for one that is not good any more."""
    return _one(await connection.fetchrow(_USE, code_hash, now))


async def used_by(connection: Connection, id: UUID, staff: UUID) -> None:
    """Who came by it."""
    await connection.execute(_USED_BY, id, staff)


async def withdraw(connection: Connection, id: UUID, now: datetime) -> Invitation | None:
    """Make a link useless; None for one that was already."""
    return _one(await connection.fetchrow(_WITHDRAW, id, now))


async def withdraw_of(connection: Connection, staff: UUID, now: datetime) -> None:
    """Make somebody's links to a new password useless."""
    await connection.execute(_WITHDRAW_OF, staff, now)


async def good(connection: Connection, since: datetime, now: datetime) -> list[Invitation]:
    """Links made after `since` that are still good, the newest first, at most 200."""
    return [Invitation(**row) for row in await connection.fetch(_OPEN, since, now)]


def _one(row: object) -> Invitation | None:
    return Invitation(**row) if row else None  # type: ignore[arg-type]
