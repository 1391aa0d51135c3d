"""Which terminal used a rotating code first, and the act that spent it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from shared.bus.handling import Connection

_USE = """
INSERT INTO qr_uses (token_hash, terminal_id, used_at)
SELECT * FROM unnest($1::text[], $2::uuid[], $3::timestamptz[]) AS u (hash, terminal_id, used_at)
ORDER BY hash ON CONFLICT (token_hash) DO NOTHING
"""
_FIND = """
SELECT token_hash, terminal_id, used_at, spent_by FROM qr_uses WHERE token_hash = ANY($1)
"""
_SPEND = """
UPDATE qr_uses SET spent_by = $2 WHERE token_hash = $1 AND spent_by IS NULL RETURNING true
"""
PRUNE = """
DELETE FROM qr_uses WHERE token_hash IN (
    SELECT token_hash FROM qr_uses WHERE used_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


class Use(msgspec.Struct, frozen=True):
    """The first use of a code, known by its hash; `spent_by` is the act at a counter that it was
    for, after which it is good for nothing more."""

    token_hash: str
    terminal_id: UUID
    used_at: datetime
    spent_by: UUID | None = None


async def first(connection: Connection, uses: Sequence[Use]) -> None:
    """Record uses of codes that nobody has used."""
    await connection.execute(
        _USE,
        [use.token_hash for use in uses],
        [use.terminal_id for use in uses],
        [use.used_at for use in uses],
    )


async def find(connection: Connection, hashes: Sequence[str]) -> dict[str, Use]:
    """The first uses of codes."""
    rows = await connection.fetch(_FIND, list(hashes))
    return {row["token_hash"]: Use(**row) for row in rows}


async def spend(connection: Connection, token_hash: str, act: UUID) -> bool:
    """Note the act that a used code was for; false if another one was first."""
    spent: bool | None = await connection.fetchval(_SPEND, token_hash, act)
    return spent or False
