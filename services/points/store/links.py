"""Ways to link a card to a LINE account: codes, nonces, and who tried wrong ones."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from shared.bus.handling import Connection

_DROP_CODE = "DELETE FROM link_codes WHERE member_id = $1"
_ADD_CODE = """
INSERT INTO link_codes AS known (code_hash, member_id, expires_at) VALUES ($1, $2, $3)
ON CONFLICT (code_hash) DO UPDATE
    SET member_id = excluded.member_id, expires_at = excluded.expires_at
    WHERE known.expires_at <= $4
RETURNING true
"""
_CODE = "SELECT member_id FROM link_codes WHERE code_hash = ANY($1::text[]) AND expires_at > $2"
_HOLD_CODE = f"{_CODE} AND member_id = $3 FOR UPDATE"
_USE_CODE = "DELETE FROM link_codes WHERE code_hash = ANY($1::text[]) RETURNING true"
_ADD_NONCE = "INSERT INTO link_nonces (nonce_hash, member_id, expires_at) VALUES ($1, $2, $3)"
_USE_NONCE = """
DELETE FROM link_nonces WHERE nonce_hash = $1 RETURNING member_id, expires_at
"""
_TRIED = "INSERT INTO link_attempts (who, at) VALUES ($1, $2)"
_TRIES = "SELECT count(*) FROM link_attempts WHERE who = $1 AND at > $2"
_SERIALISE = "SELECT pg_advisory_xact_lock(hashtextextended('link:' || $1, 0))"
_LINEAGE = """
SELECT id FROM members WHERE id = ANY($1::uuid[]) OR merged_into = ANY($1::uuid[])
UNION SELECT absorbed FROM merges WHERE kept = ANY($1::uuid[])
"""
_WELCOMED = """
SELECT EXISTS (SELECT FROM entries WHERE member_id = ANY($1::uuid[]) AND source = 'welcome')
"""
_LINKED_BY = """
SELECT id FROM merges WHERE kept = $1 AND undone_at IS NULL AND actor = 'line'
    ORDER BY merged_at DESC LIMIT 1
"""
PRUNE_CODES = """
DELETE FROM link_codes WHERE code_hash IN (
    SELECT code_hash FROM link_codes WHERE expires_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""
PRUNE_NONCES = """
DELETE FROM link_nonces WHERE nonce_hash IN (
    SELECT nonce_hash FROM link_nonces WHERE expires_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""
PRUNE_ATTEMPTS = """
DELETE FROM link_attempts WHERE ctid IN (
    SELECT ctid FROM link_attempts WHERE at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


async def drop_code(connection: Connection, member: UUID) -> None:
    """The member's earlier code is good no more."""
    await connection.execute(_DROP_CODE, member)


async def add_code(
    connection: Connection, code_hash: str, member: UUID, expires_at: datetime, now: datetime
) -> bool:
    """Whether the code is the member's now: False while it is somebody else's."""
    added = await connection.fetchval(_ADD_CODE, code_hash, member, expires_at, now)
    return added is not None


async def code(connection: Connection, hashes: Sequence[str], now: datetime) -> UUID | None:
    """Whose code has one of these hashes; None if it is nobody's, or no longer."""
    found: UUID | None = await connection.fetchval(_CODE, list(hashes), now)
    return found


async def hold_code(
    connection: Connection, hashes: Sequence[str], now: datetime, member: UUID
) -> bool:
    """Whether the code is still this member's; then it is until the transaction ends. Accounts are
    locked before this."""
    held = await connection.fetchval(_HOLD_CODE, list(hashes), now, member)
    return held is not None


async def use_code(connection: Connection, hashes: Sequence[str]) -> bool:
    """End a code; False if somebody else used it meanwhile."""
    used = await connection.fetchval(_USE_CODE, list(hashes))
    return used is not None


async def add_nonce(
    connection: Connection, nonce_hash: str, member: UUID, expires_at: datetime
) -> None:
    """Keep a nonce until LINE tells it back."""
    await connection.execute(_ADD_NONCE, nonce_hash, member, expires_at)


async def use_nonce(connection: Connection, nonce_hash: str, at: datetime) -> UUID | None:
    """Whom the nonce stands for, if it was still good at a moment; it is good no more."""
    row = await connection.fetchrow(_USE_NONCE, nonce_hash)
    return row["member_id"] if row and row["expires_at"] > at else None


async def tried(connection: Connection, who: str, now: datetime) -> None:
    """Note a wrong try."""
    await connection.execute(_TRIED, who, now)


async def tries(connection: Connection, who: str, since: datetime) -> int:
    """Wrong tries since a moment; nobody else tries in this name until the transaction ends."""
    await connection.execute(_SERIALISE, who)
    found: int = await connection.fetchval(_TRIES, who, since)
    return found


async def welcomed(connection: Connection, members: list[UUID]) -> bool:
    """Whether one of these, or who was ever merged with them, had the welcome points."""
    rows = await connection.fetch(_LINEAGE, members)
    all_of_them = [row["id"] for row in rows]
    found: bool = await connection.fetchval(_WELCOMED, all_of_them)
    return found


async def linked_by(connection: Connection, member: UUID) -> UUID | None:
    """The merge by which the member came to their LINE account, if one did."""
    found: UUID | None = await connection.fetchval(_LINKED_BY, member)
    return found
