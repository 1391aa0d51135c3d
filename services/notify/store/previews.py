"""Somebody's data on the way into a preview, in PostgreSQL. Nothing here commits."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from shared.bus.handling import Connection

_ASK = "INSERT INTO previews (request_id, member_id, asked_at) VALUES ($1, $2, $3)"
_OURS = "SELECT request_id FROM previews WHERE request_id = ANY($1::uuid[])"
_ANSWER = """
UPDATE previews AS p
SET answered_at = $5, person = a.person, line_user_id = a.line_user_id, refused = a.refused
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[])
    AS a (request_id, person, line_user_id, refused)
WHERE p.request_id = a.request_id AND p.answered_at IS NULL
"""
_TAKE = """
DELETE FROM previews WHERE request_id = $1 AND answered_at IS NOT NULL RETURNING person, refused
"""
_FORGET = "DELETE FROM previews WHERE member_id = ANY($1::uuid[])"
PRUNE = """
DELETE FROM previews WHERE request_id IN (
    SELECT request_id FROM previews WHERE asked_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


class Answer(NamedTuple):
    """What points said: `person` as JSON, None where there is no such member."""

    request_id: UUID
    person: str | None = None
    line_user_id: str | None = None
    refused: str | None = None


async def ask(connection: Connection, request_id: UUID, member_id: UUID, now: datetime) -> None:
    """Note that points is asked about a member."""
    await connection.execute(_ASK, request_id, member_id, now)


async def ours(connection: Connection, request_ids: Sequence[UUID]) -> set[UUID]:
    """Those of these requests that are for previews."""
    return {row[0] for row in await connection.fetch(_OURS, list(request_ids))}


async def answer(connection: Connection, answers: Sequence[Answer], now: datetime) -> None:
    """Keep the first answer to each request."""
    columns = [list(column) for column in zip(*answers, strict=True)]
    await connection.execute(_ANSWER, *columns, now)


async def take(connection: "Connection | asyncpg.Pool[Any]", request_id: UUID) -> Answer | None:
    """The answer, which is gone with this; None while there is none."""
    row = await connection.fetchrow(_TAKE, request_id)
    return Answer(request_id, row["person"], refused=row["refused"]) if row else None


async def forget(connection: Connection, member_ids: Sequence[UUID]) -> None:
    """Delete what is on its way of members who were erased."""
    await connection.execute(_FORGET, list(member_ids))
