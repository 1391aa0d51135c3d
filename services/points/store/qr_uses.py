"""Which terminal used a rotating code first."""

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
_FIND = "SELECT token_hash, terminal_id, used_at FROM qr_uses WHERE token_hash = ANY($1)"
PRUNE = """
DELETE FROM qr_uses WHERE token_hash IN (
    SELECT token_hash FROM qr_uses WHERE used_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


class Use(msgspec.Struct, frozen=True):
    """The first use of a code, known by its hash."""

    token_hash: str
    terminal_id: UUID
    used_at: datetime


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
