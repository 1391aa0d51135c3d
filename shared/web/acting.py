"""A call that changes something: one transaction, its events after the commit, once for each key.
What somebody who is signed in, or an owner key, did is told among these events (`audit`).

A service that takes keyed calls through `once` has `requests (id uuid primary key, body_hash text,
created_at timestamptz)`; points has a table and a way of its own.
"""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import Depends, Header, Request
from pydantic import BaseModel

from shared import clock, ids, outbox
from shared.api_keys import Key
from shared.bus.handling import Batch
from shared.problems import Problem
from shared.web import audit
from shared.web.audit import audited, audited_fields

__all__ = [
    "PRUNE_REQUESTS",
    "IdempotencyKey",
    "acting",
    "asking",
    "audited",
    "audited_fields",
    "body_hash",
    "conflict",
    "once",
]

_CLAIM = """
INSERT INTO requests (id, body_hash, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
RETURNING id
"""
_HASH = "SELECT body_hash FROM requests WHERE id = $1"
PRUNE_REQUESTS = """
DELETE FROM requests WHERE id IN (
    SELECT id FROM requests WHERE created_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


async def _key(
    idempotency_key: Annotated[str | None, Header(description="Names this act; ≤ 255.")] = None,
) -> str:
    if not idempotency_key or len(idempotency_key) > 255 or not idempotency_key.isprintable():
        raise Problem(
            400,
            "idempotency-key",
            "Send an Idempotency-Key header of 1 to 255 printable characters, new for each act "
            "and the same when you repeat it.",
        )
    return idempotency_key


IdempotencyKey = Annotated[str, Depends(_key)]


@asynccontextmanager
async def acting(request: Request) -> AsyncIterator[Batch]:
    """The transaction of a call that is safe to repeat without a key."""
    async with asking(request) as batch:
        yield batch
        await audit.tell(request, batch)


@asynccontextmanager
async def asking(request: Request) -> AsyncIterator[Batch]:
    """A transaction that changes nothing of the shop's, so that nothing is told: such as a question
    to another service."""
    process = request.app.state.process
    async with process.pool.acquire() as connection, connection.transaction():
        batch = Batch(connection)
        yield batch
        rows = await outbox.write(connection, batch.emitted)
    for then in batch.after_commit:
        then()
    await process.relay.hand_over(rows)


def body_hash(kind: str, body: BaseModel | dict[str, Any]) -> str:
    """What tells two bodies of one kind of call apart."""
    plain = body.model_dump() if isinstance(body, BaseModel) else body
    return hashlib.sha256(msgspec.json.encode([kind, plain], order="sorted")).hexdigest()


def conflict() -> Problem:
    """The key was used for something else."""
    return Problem(
        409,
        "idempotency-conflict",
        "This Idempotency-Key was used with another body. Use a new key for a new act.",
    )


async def once(
    batch: Batch, key: Key, idempotency_key: str, kind: str, body: BaseModel | dict[str, Any]
) -> tuple[UUID, bool]:
    """The id that follows from caller and key, and whether it is new; if not, answer with what it
    named before, in its present state. Raises Problem 409 for another body under the same key."""
    id = ids.derived_id("request", str(key.id), idempotency_key)
    asked = body_hash(kind, body)
    if await batch.connection.fetchval(_CLAIM, id, asked, clock.now()):
        return id, True
    if await batch.connection.fetchval(_HASH, id) != asked:
        raise conflict()
    batch.repeated = True
    return id, False
