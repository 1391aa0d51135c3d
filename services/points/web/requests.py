"""Idempotency of the calls that are done when answered: one transaction holds key and effect."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel

from services.points.store import phones
from services.points.store import requests as store
from services.points.store.requests import Known, Settled
from shared import clock, ids, outbox
from shared.api_keys import Key
from shared.bus.handling import Batch, Connection
from shared.web import audit
from shared.web.acting import body_hash, conflict


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


async def _same(connection: Connection, kept_hash: str, asked_hash: str) -> bool:
    """Whether it is the body of before, whose hash may have been covered since, too."""
    return kept_hash == asked_hash or [kept_hash] == await phones.covered(connection, [asked_hash])


def _names_phone(body: Any) -> bool:
    """Whether a phone is given anywhere in a body."""
    if not isinstance(body, dict):
        return False
    return bool(body.get("phone")) or any(map(_names_phone, body.values()))


@asynccontextmanager
async def keyed(
    request: Request, key: Key, idempotency_key: str, kind: str, body: BaseModel | dict[str, Any]
) -> AsyncIterator[Act]:
    """The transaction of a keyed call. The same key with another body is a 409."""
    process = request.app.state.process
    asked_hash = body_hash(kind, body)
    id = ids.derived_id("request", str(key.id), idempotency_key)
    async with process.pool.acquire() as connection, connection.transaction():
        batch = Batch(connection)
        kept_hash = asked_hash
        if _names_phone(body.model_dump() if isinstance(body, BaseModel) else body):
            (kept_hash,) = await phones.covered(connection, [asked_hash])
        asked = store.Request(id, key.id, idempotency_key, kept_hash)
        claimed = await store.claim(connection, kind, [asked], clock.now())
        known = None if claimed else (await store.find(connection, [id]))[id]
        if known is not None and not await _same(connection, known.body_hash, asked_hash):
            raise conflict()
        act = Act(id, batch, known)
        yield act
        if known is None:
            await store.settle(connection, [Settled(id, act.status, act.member_id, act.result)])
            await audit.tell(request, batch)
        rows = await outbox.write(connection, batch.emitted)
    for then in batch.after_commit:
        then()
    await process.relay.hand_over(rows)
