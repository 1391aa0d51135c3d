"""Requests: which keys have been used, with what body, for what. The authority on idempotency."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from shared.bus.handling import Connection

_CLAIM = """
INSERT INTO requests (id, terminal_id, key, body_hash, kind, status, member_id, detail, created_at)
SELECT id, terminal_id, key, body_hash, $2, status, member_id, detail, $3
FROM json_to_recordset($1::json) AS r (
    id uuid, terminal_id uuid, key text, body_hash text, status text, member_id uuid, detail text)
ORDER BY id
ON CONFLICT (id) DO NOTHING RETURNING id
"""
_SETTLE = """
UPDATE requests SET status = s.status, member_id = s.member_id, detail = s.detail
FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[]) AS s (id, status, member_id, detail)
WHERE requests.id = s.id
"""
_FIND = "SELECT id, body_hash, status, member_id, detail, kind FROM requests WHERE id = ANY($1)"

_SERIALISE = """
SELECT pg_advisory_xact_lock(hashtextextended('purchase:' || id, 0))
FROM (SELECT DISTINCT id::text AS id FROM unnest($1::uuid[]) AS id ORDER BY id) AS each
"""


class Request(msgspec.Struct, frozen=True):
    """A use of an Idempotency-Key, and what it becomes. `id` follows from terminal and key."""

    id: UUID
    terminal_id: UUID
    key: str
    body_hash: str
    status: str = "accepted"
    member_id: UUID | None = None
    detail: str | None = None


class Known(msgspec.Struct, frozen=True):
    """What a key named before became: accepted, awarded, waiting_for_member, rejected, done."""

    id: UUID
    body_hash: str
    status: str
    member_id: UUID | None
    detail: str | None
    kind: str


class Settled(msgspec.Struct, frozen=True):
    """What a request has become."""

    id: UUID
    status: str
    member_id: UUID | None = None
    detail: str | None = None


async def claim(
    connection: Connection, kind: str, requests: Sequence[Request], now: datetime
) -> set[UUID]:
    """Record requests; returns the ids of those that nobody had used. Locks in id order."""
    # JSON, because seven arrays would cost the client several times as much to encode.
    asked = msgspec.json.encode(requests).decode()
    rows = await connection.fetch(_CLAIM, asked, kind, now)
    return {row["id"] for row in rows}


async def serialise(connection: Connection, ids: Sequence[UUID]) -> None:
    """Let nobody else who does the same go on with these until the transaction ends."""
    await connection.execute(_SERIALISE, list(ids))


async def settle(connection: Connection, settled: Sequence[Settled]) -> None:
    """Say what requests have become."""
    await connection.execute(
        _SETTLE,
        [each.id for each in settled],
        [each.status for each in settled],
        [each.member_id for each in settled],
        [each.detail for each in settled],
    )


async def find(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, Known]:
    """What is known of these ids; ids that were never used are left out."""
    rows = await connection.fetch(_FIND, list(ids))
    return {row["id"]: Known(**row) for row in rows}
