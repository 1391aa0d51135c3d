"""Idempotency of the calls that are done when answered: one transaction holds key and effect."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import Depends, Header, Request
from pydantic import BaseModel

from services.points.store import requests as store
from services.points.store.requests import Known, Settled
from services.points.store.terminals import Key
from shared import clock, ids, outbox
from shared.bus.handling import Batch
from shared.problems import Problem


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


class Act:
    """A keyed call under way. `known` is what the key named before; else set the rest.

    `member_id` is whom it concerned, `result` the id of what it made, for when it is repeated;
    `status` is "done" unless the act says otherwise.
    """

    def __init__(self, id: UUID, batch: Batch, known: Known | None) -> None:
        self.id = id
        self.batch = batch
        self.known = known
        self.member_id = known.member_id if known else None
        self.result = known.detail if known else None
        self.status = known.status if known else "done"

    @property
    def subject(self) -> UUID:
        """The member that the act concerned."""
        assert self.member_id is not None  # noqa: S101 - set by whoever acted
        return self.member_id


@asynccontextmanager
async def keyed(
    request: Request, key: Key, idempotency_key: str, kind: str, body: BaseModel | dict[str, Any]
) -> AsyncIterator[Act]:
    """The transaction of a keyed call. The same key with another body is a 409."""
    process = request.app.state.process
    plain = body.model_dump() if isinstance(body, BaseModel) else body
    body_hash = hashlib.sha256(msgspec.json.encode([kind, plain], order="sorted")).hexdigest()
    id = ids.derived_id("request", str(key.id), idempotency_key)
    async with process.pool.acquire() as connection, connection.transaction():
        batch = Batch(connection)
        asked = store.Request(id, key.id, idempotency_key, body_hash)
        claimed = await store.claim(connection, kind, [asked], clock.now())
        known = None if claimed else (await store.find(connection, [id]))[id]
        if known is not None and known.body_hash != body_hash:
            raise Problem(
                409,
                "idempotency-conflict",
                "This Idempotency-Key was used with another body. Use a new key for a new act.",
            )
        act = Act(id, batch, known)
        yield act
        if known is None:
            await store.settle(connection, [Settled(id, act.status, act.member_id, act.result)])
        rows = await outbox.write(connection, batch.emitted)
    for then in batch.after_commit:
        then()
    await process.relay.hand_over(rows)


@asynccontextmanager
async def acting(request: Request) -> AsyncIterator[Batch]:
    """The transaction of a call that is safe to repeat without a key."""
    process = request.app.state.process
    async with process.pool.acquire() as connection, connection.transaction():
        batch = Batch(connection)
        yield batch
        rows = await outbox.write(connection, batch.emitted)
    for then in batch.after_commit:
        then()
    await process.relay.hand_over(rows)
