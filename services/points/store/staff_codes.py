"""One-time codes: the sealed secret, the last step that was used, recovery codes by hash."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from shared.bus.handling import Connection

_PUT_SECRET = """
UPDATE staff SET totp_secret = $2, totp_since = NULL, totp_step = 0 WHERE id = $1
"""  # noqa: S105 - a statement
_SECRETS = "SELECT id, totp_secret FROM staff WHERE totp_secret IS NOT NULL ORDER BY id FOR UPDATE"
_RESEAL = "UPDATE staff SET totp_secret = $2 WHERE id = $1"
_CONFIRM = "UPDATE staff SET totp_since = $2, changed_at = $2 WHERE id = $1"
_PUT_STEP = "UPDATE staff SET totp_step = $2 WHERE id = $1"
_DROP_CODES = "DELETE FROM staff_recovery_codes WHERE staff_id = $1"
_ADD_CODES = """
INSERT INTO staff_recovery_codes (staff_id, code_hash)
SELECT $1, code_hash FROM unnest($2::text[]) AS code_hash
"""
_USE = """
UPDATE staff_recovery_codes SET used_at = $3
WHERE staff_id = $1 AND code_hash = $2 AND used_at IS NULL RETURNING true
"""
_LEFT = "SELECT count(*) FROM staff_recovery_codes WHERE staff_id = $1 AND used_at IS NULL"


async def put_secret(connection: Connection, id: UUID, sealed: bytes | None) -> None:
    """Another secret, which waits for its first code; None: no second step."""
    await connection.execute(_PUT_SECRET, id, sealed)


async def secrets(connection: Connection) -> list[tuple[UUID, bytes]]:
    """Every sealed secret, locked, and whose it is."""
    return [(row["id"], row["totp_secret"]) for row in await connection.fetch(_SECRETS)]


async def reseal(connection: Connection, id: UUID, sealed: bytes) -> None:
    """The same secret, sealed otherwise."""
    await connection.execute(_RESEAL, id, sealed)


async def confirm(connection: Connection, id: UUID, now: datetime) -> None:
    """The secret counts."""
    await connection.execute(_CONFIRM, id, now)


async def put_step(connection: Connection, id: UUID, step: int) -> None:
    """The code of this step, and all before, are used."""
    await connection.execute(_PUT_STEP, id, step)


async def put_recovery_codes(connection: Connection, id: UUID, hashes: Sequence[str]) -> None:
    """These codes and no others."""
    await connection.execute(_DROP_CODES, id)
    await connection.execute(_ADD_CODES, id, list(hashes))


async def use_recovery_code(
    connection: Connection, id: UUID, code_hash: str, now: datetime
) -> bool:
    """Use a recovery code up; false for one that there is not, or not any more."""
    return bool(await connection.fetchval(_USE, id, code_hash, now))


async def codes_left(connection: Connection, id: UUID) -> int:
    """How many recovery codes are unused."""
    left: int = await connection.fetchval(_LEFT, id)
    return left
