"""What each process may still send, in PostgreSQL. Read and written under the month's lock only."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from shared.bus.handling import Connection

_EVERY = "SELECT * FROM quota_slices WHERE month = $1 OR process = $2"
_KEEP = """
INSERT INTO quota_slices (process, month, held, number, expires_at)
VALUES ($1, $2, $3::jsonb, $4, $5)
ON CONFLICT (process) DO UPDATE SET month = $2, held = $3::jsonb, number = $4, expires_at = $5
"""
_DROP = "DELETE FROM quota_slices WHERE process = ANY($1::uuid[])"
PRUNE = """
DELETE FROM quota_slices WHERE process IN (
    SELECT process FROM quota_slices WHERE expires_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


class Slice(NamedTuple):
    """What `process` holds by category, as of its report `number`."""

    process: UUID
    month: date
    held: dict[str, int]
    number: int
    expires_at: datetime


async def every(connection: Connection, month: date, process: UUID) -> dict[UUID, Slice]:
    """All slices of a month, and the process's own of whatever month."""
    rows = await connection.fetch(_EVERY, month, process)
    found = (
        Slice(
            row["process"],
            row["month"],
            msgspec.json.decode(row["held"], type=dict[str, int]),
            row["number"],
            row["expires_at"],
        )
        for row in rows
    )
    return {each.process: each for each in found}


async def keep(
    connection: Connection,
    process: UUID,
    month: date,
    held: Mapping[str, int],
    number: int,
    expires_at: datetime,
) -> None:
    """Write down what the process holds now."""
    document = msgspec.json.encode(dict(held)).decode()
    await connection.execute(_KEEP, process, month, document, number, expires_at)


async def drop(connection: Connection, processes: Sequence[UUID]) -> None:
    """These hold nothing any more."""
    await connection.execute(_DROP, list(processes))
