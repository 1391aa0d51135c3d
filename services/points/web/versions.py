"""`/v1/program/versions`: what was published, what changed, taking back and going back."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Query, Request

from services.points.programs import publishing, timeline
from services.points.rules import differences
from services.points.rules import program as programs
from services.points.store import programs as store
from services.points.web import program_schemas
from services.points.web.program import EffectiveFrom, answers, placed, refusals, tell, with_offset
from services.points.web.program_schemas import (
    Differences,
    Published,
    PublishedDocument,
    VersionPage,
)
from services.points.web.requests import keyed
from shared import clock
from shared.bus.handling import Connection
from shared.web.acting import IdempotencyKey, acting, audited
from shared.web.auth import Caller, Owner

router = APIRouter(prefix="/v1/program/versions", tags=["program"])
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]


@router.get("", response_model=VersionPage)
async def versions(request: Request, key: Caller) -> VersionPage:
    """All versions, newest first. A withdrawal takes a number too, so numbers may be missing."""
    async with request.app.state.process.pool.acquire() as connection:
        said = await store.after(connection, 0)
    every = timeline.timeline(said, clock.now())
    return VersionPage(items=[program_schemas.published(each) for each in reversed(every)])


@router.get("/{version}", response_model=PublishedDocument, responses=answers(404))
async def one(request: Request, key: Caller, version: Number) -> PublishedDocument:
    """A version with its document."""
    async with request.app.state.process.pool.acquire() as connection, refusals():
        found = await publishing.find(connection, version)
        shown = await placed(connection, found)
    document = msgspec.json.decode(found.document)
    return PublishedDocument(**shown.model_dump(), document=document)


@router.get("/{version}/diff", response_model=Differences, responses=answers(404))
async def diff(
    request: Request,
    key: Caller,
    version: Number,
    against: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
) -> Differences:
    """What this version changes against another one; left out, against the one that it takes over
    from. Differences in writing that mean the same are none."""
    async with request.app.state.process.pool.acquire() as connection, refusals():
        after = await publishing.find(connection, version)
        if against is None:
            said = await store.after(connection, 0)
            before = timeline.before(said, after)
        else:
            before = await publishing.find(connection, against)
    old = programs.read(before.document if before else "{}")
    found = differences.between(old, programs.read(after.document))
    return Differences(
        before=before.version if before else None,
        after=after.version,
        items=[program_schemas.changed(each) for each in found],
    )


@router.delete("/{version}", response_model=Published, responses=answers(404, 409))
async def withdraw(request: Request, key: Owner, version: Number) -> Published:
    """Take back a version that has not started; again it changes nothing."""
    async with refusals(), acting(request) as batch:
        before = await _one(batch.connection, version)
        await publishing.withdraw(batch, version, key.actor)
        after = await _one(batch.connection, version)
        told = {"state": before.state}, {"state": after.state}
        audited(request, f"program:{version}", before=told[0], after=told[1])
        return after


@router.post(
    "/{version}/rollback",
    status_code=201,
    response_model=Published,
    responses=answers(400, 404, 409),
)
async def roll_back(
    request: Request,
    key: Owner,
    version: Number,
    idem: IdempotencyKey,
    effective_from: EffectiveFrom = None,
) -> Published:
    """Publish an earlier version's document again, as a new version."""
    named = {"version": version, "effective_from": effective_from}
    async with refusals(), keyed(request, key, idem, "rollback", named) as act:
        if act.known is None:
            by = key.actor
            at = with_offset(effective_from)
            again = await publishing.roll_back(act.batch, version, by, at)
            act.result = str(again.version)
            await tell(request, act.batch.connection, again)
        return await _one(act.batch.connection, int(act.result or 0))


async def _one(connection: Connection, number: int) -> Published:
    return await placed(connection, await publishing.find(connection, number))
