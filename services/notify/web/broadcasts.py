"""`/v1/messages/broadcasts`: one message to many, from the draft to the report.

Nothing is sent from here: the broadcasts process does, so that no caller waits for LINE. What is
said can be read back until it is pruned, and so can who did what.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from services.notify.broadcasts import desk
from services.notify.broadcasts.broadcast import Broadcast
from services.notify.broadcasts.states import Act, State
from services.notify.errors import NotNow, OutOfDate
from services.notify.program_zone import DEFAULT_ZONE, zone_named
from services.notify.store import broadcasts as store
from services.notify.store import campaigns, program
from services.notify.store import deliveries as store_deliveries
from services.notify.web import broadcasts_schemas as schemas
from services.notify.web import broadcasts_shown as shown
from services.notify.web.broadcasts_content import fixed, resolved, to_columns
from services.notify.web.broadcasts_trial import reachable, trial
from shared import clock
from shared.api_keys import Key
from shared.bus.handling import Batch, Connection
from shared.problems import Problem
from shared.web.acting import IdempotencyKey, acting, audited, once
from shared.web.auth import Caller, Owner

router = APIRouter(prefix="/v1/messages/broadcasts", tags=["broadcasts"])

MADE = {"name", "state", "definition", "segment", "content", "growth_limit_percent"}
"""What the audit log is told of a new one."""

Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[UUID | None, Query(description="`next` of the page before.")]


@router.post("", status_code=201, response_model=schemas.Broadcast)
async def create(
    request: Request, key: Owner, body: schemas.NewBroadcast, idem: IdempotencyKey
) -> schemas.Broadcast:
    """A draft. Its messages are checked now: what LINE would refuse is said here."""
    async with acting(request) as batch:
        id, new = await once(batch, key, idem, "broadcast", body)
        if new:
            now = clock.now()
            said = await resolved(batch.connection, request, body.content.model_dump())
            columns = to_columns(said, **body.model_dump())
            draft = Broadcast(id=id, state=State.DRAFT, revision=1, created_at=now, **columns)
            await store.add(batch.connection, draft)
            await store.note(batch.connection, id, Act.CREATE, now, key.id)
            told = shown.broadcast(request, draft).model_dump(mode="json", include=MADE)
            audited(request, f"broadcast:{id}", before=None, after=told)
        return shown.broadcast(request, await by_id(batch.connection, id))


@router.get("", response_model=schemas.BroadcastPage)
async def listed(
    request: Request,
    key: Caller,
    state: schemas.State | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> schemas.BroadcastPage:
    """Broadcasts, newest first."""
    async with request.app.state.process.pool.acquire() as connection:
        before = None
        if cursor is not None:
            last = await by_id(connection, cursor)
            before = (last.created_at, last.id)
        found = await store.page(connection, state, before, limit)
    following = str(found[-1].id) if len(found) == limit else None
    return schemas.BroadcastPage(
        items=[shown.broadcast(request, each) for each in found], next=following
    )


@router.get("/{broadcast_id}", response_model=schemas.BroadcastInFull)
async def one(request: Request, key: Caller, broadcast_id: UUID) -> schemas.BroadcastInFull:
    """A broadcast: its numbers, how far it is, and who did what."""
    async with request.app.state.process.pool.acquire() as connection:
        found = await by_id(connection, broadcast_id)
        return await shown.in_full(connection, request, found)


@router.patch("/{broadcast_id}", response_model=schemas.Broadcast)
async def change(
    request: Request, key: Owner, broadcast_id: UUID, body: schemas.BroadcastChanges
) -> schemas.Broadcast:
    """Change what is not being sent yet. It is a draft again then: count and confirm it anew."""
    async with acting(request) as batch, _told():
        found = await by_id(batch.connection, broadcast_id, lock=True)
        desk.require(found, Act.CHANGE)
        given = body.model_dump(exclude_unset=True)
        given = {name: value for name, value in given.items() if value is not None}
        said = None
        if body.content is not None:
            said = await resolved(batch.connection, request, body.content.model_dump())
        columns = to_columns(said, **given)
        before = shown.broadcast(request, found).model_dump(mode="json", include=set(given))
        changed = await desk.change(batch, found, key.id, clock.now(), columns)
        after = shown.broadcast(request, changed).model_dump(mode="json", include=set(given))
        audited(request, f"broadcast:{broadcast_id}", before=before, after=after)
    return shown.broadcast(request, changed)


@router.post("/{broadcast_id}/count", status_code=202, response_model=schemas.Broadcast)
async def count(
    request: Request, key: Owner, broadcast_id: UUID, idem: IdempotencyKey
) -> schemas.Broadcast:
    """Count who would get it now, and what it costs; `state` is `ready` when that is known."""
    async with _act(request, key, idem, "count", broadcast_id) as act:
        if act.new:
            desk.require(act.it, Act.COUNT)
            said = await resolved(act.batch.connection, request, json.loads(act.it.content))
            act.it = await desk.count(act.batch, act.it, said, key.id, clock.now())
    return shown.broadcast(request, act.it)


@router.post("/{broadcast_id}/confirm", status_code=202, response_model=schemas.Broadcast)
async def confirm(
    request: Request,
    key: Owner,
    broadcast_id: UUID,
    body: schemas.BroadcastConfirmation,
    idem: IdempotencyKey,
) -> schemas.Broadcast:
    """Send it: now, or at a time. `revision` is the one whose count was seen; another one is 409,
    so nobody confirms a number that they have not seen."""
    async with _act(request, key, idem, "confirm", broadcast_id, body) as act:
        if act.new:
            act.it = await desk.confirm(
                act.batch,
                act.it,
                revision=body.revision,
                at=body.at,
                actor=key.id,
                now=clock.now(),
                zone=await _zone(act.batch.connection),
                fixed=await fixed(act.batch.connection, request),
                public_url=request.app.state.settings.public_url,
            )
    return shown.broadcast(request, act.it)


@router.post("/{broadcast_id}/pause", status_code=202, response_model=schemas.Broadcast)
async def pause(
    request: Request, key: Owner, broadcast_id: UUID, idem: IdempotencyKey
) -> schemas.Broadcast:
    """Send no more of it for now; what is on its way at this moment still arrives."""
    async with _act(request, key, idem, "pause", broadcast_id) as act:
        if act.new:
            act.it = await desk.pause(act.batch, act.it, key.id, clock.now())
    return shown.broadcast(request, act.it)


@router.post("/{broadcast_id}/resume", status_code=202, response_model=schemas.Broadcast)
async def resume(
    request: Request,
    key: Owner,
    broadcast_id: UUID,
    body: schemas.BroadcastResumption,
    idem: IdempotencyKey,
) -> schemas.Broadcast:
    """Go on with it. Where `problem` asks about its number, with the `revision` that was seen."""
    async with _act(request, key, idem, "resume", broadcast_id, body) as act:
        if act.new:
            act.it = await desk.resume(
                act.batch,
                act.it,
                revision=body.revision,
                actor=key.id,
                now=clock.now(),
                zone=await _zone(act.batch.connection),
            )
    return shown.broadcast(request, act.it)


@router.post("/{broadcast_id}/cancel", status_code=202, response_model=schemas.Broadcast)
async def cancel(
    request: Request, key: Owner, broadcast_id: UUID, idem: IdempotencyKey
) -> schemas.Broadcast:
    """Send no more of it, ever. Its report says who got it; calls of which LINE's answer is not
    known yet are asked about first, under their retry keys."""
    async with _act(request, key, idem, "cancel", broadcast_id) as act:
        if act.new:
            act.it = await desk.cancel(act.batch, act.it, key.id, clock.now())
    return shown.broadcast(request, act.it)


@router.post("/{broadcast_id}/test", status_code=202, response_model=schemas.BroadcastTestSent)
async def test(
    request: Request,
    key: Owner,
    broadcast_id: UUID,
    body: schemas.BroadcastTest,
    idem: IdempotencyKey,
) -> schemas.BroadcastTestSent:
    """Send it to one member, as it would arrive; variables hold examples. It counts against LINE's
    monthly quota like any push."""
    async with _act(request, key, idem, "test", broadcast_id, body) as act:
        said = await resolved(act.batch.connection, request, json.loads(act.it.content))
        delivery = trial(
            act.id,
            await reachable(act.batch.connection, body.member),
            said,
            body.language,
            await fixed(act.batch.connection, request),
        )
        if act.new:
            now = clock.now()
            await store_deliveries.insert(
                act.batch.connection, [delivery], [None], now=now, due_at=now, taken=False
            )
            act.made = {"test_to": f"member:{body.member}"}
    return schemas.BroadcastTestSent(delivery=delivery.id)


@router.get("/{broadcast_id}/report", response_model=schemas.BroadcastReport)
async def report(request: Request, key: Caller, broadcast_id: UUID) -> schemas.BroadcastReport:
    """What became of it: accepted by LINE, failed and why, and who was left out and why."""
    async with request.app.state.process.pool.acquire() as connection:
        found = await by_id(connection, broadcast_id)
        return await shown.report(connection, found)


@router.get("/{broadcast_id}/recipients", response_model=schemas.BroadcastRecipientPage)
async def recipients(
    request: Request,
    key: Owner,
    broadcast_id: UUID,
    status: schemas.Status | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> schemas.BroadcastRecipientPage:
    """Whom it concerned, and what became of it for each."""
    async with request.app.state.process.pool.acquire() as connection:
        found = await by_id(connection, broadcast_id)
        after = None
        if cursor is not None:
            after = await campaigns.place(connection, found.id, cursor)
            if after is None:
                raise Problem(404, "no-such-place", "Take `next` of the page before as cursor.")
        rows = await campaigns.listed(connection, found.id, status, after, limit)
    following = str(rows[-1]["id"]) if len(rows) == limit else None
    return schemas.BroadcastRecipientPage(
        items=[shown.recipient(row) for row in rows], next=following
    )


@dataclass
class _Acted:
    """An act's transaction, its broadcast, and whether it is to be done (or was before)."""

    batch: Batch
    it: Broadcast
    id: UUID
    new: bool
    made: dict[str, Any] = field(default_factory=dict)


@asynccontextmanager
async def _act(
    request: Request,
    key: Key,
    idem: str,
    what: str,
    broadcast_id: UUID,
    body: BaseModel | None = None,
) -> AsyncIterator[_Acted]:
    """The transaction of an act on a broadcast, under its lock; and whether it is to be done."""
    said = {"broadcast": str(broadcast_id)} | (body.model_dump(mode="json") if body else {})
    async with acting(request) as batch, _told():
        found = await by_id(batch.connection, broadcast_id, lock=True)
        id, new = await once(batch, key, idem, f"broadcast-{what}", said)
        before = _stands(found)
        act = _Acted(batch, found, id, new)
        yield act
        after = {**_stands(act.it), **act.made}
        audited(request, f"broadcast:{broadcast_id}", before=before, after=after)


def _stands(it: Broadcast) -> dict[str, Any]:
    """How a broadcast stands, for the audit log."""
    names = ("state", "revision", "at", "confirmed_recipients")
    return {name: getattr(it, name) for name in names}


@asynccontextmanager
async def _told() -> AsyncIterator[None]:
    """What an act needs and does not find, as a problem."""
    try:
        yield
    except NotNow as problem:
        raise Problem(409, "not-now", str(problem)) from None
    except OutOfDate as problem:
        raise Problem(409, "out-of-date", str(problem)) from None


async def by_id(connection: Connection, id: UUID, *, lock: bool = False) -> Broadcast:
    """A broadcast. Raises Problem 404."""
    found = await store.one(connection, id, lock=lock)
    if found is None:
        raise Problem(404, "no-such-broadcast", "There is no broadcast with this id.")
    return found


async def _zone(connection: Connection) -> Any:
    return zone_named(await program.time_zone(connection) or DEFAULT_ZONE)
