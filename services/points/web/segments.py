"""`/v1/segments`: segments by name, who is in one, how many a definition has.

Counts and pages are exact, each as of one moment. Streams of whole segments go over the bus.
"""

import asyncio
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query, Request, Response

from services.points.programs.rulebook import Rulebook
from services.points.rules.explain import Words
from services.points.segments import definition as definitions
from services.points.segments import reading
from services.points.segments.conditions import Definition
from services.points.segments.definition import DefinitionInvalid
from services.points.segments.people import people
from services.points.segments.presets import PRESETS, Preset
from services.points.segments.reading import found
from services.points.segments.words import words
from services.points.store import segments as store
from services.points.store import stored_segments
from services.points.store.stored_segments import Stored
from services.points.web import segments_schemas as schemas
from shared import clock
from shared.bus.handling import Connection
from shared.db import snapshot
from shared.events import SegmentPerson
from shared.problems import Problem, invalid, unavailable
from shared.web import schemas as common
from shared.web.acting import acting, audited
from shared.web.auth import Owner

router = APIRouter(prefix="/v1/segments", tags=["segments"])

MOST_SEGMENTS = 500
COUNT_SECONDS = 30.0
_counting = asyncio.Semaphore(2)
"""Counts over everybody are work: no more at once than leaves room for the tills."""

_NOT_THERE: Any = {404: {"model": common.Problem, "description": "No such segment"}}
_CHANGED: Any = {409: {"model": common.Problem, "description": "It was changed meanwhile"}}
Limit = Annotated[int, Query(ge=1, le=500)]


@router.get("", response_model=schemas.SegmentPage)
async def listed(request: Request, key: Owner) -> schemas.SegmentPage:
    """All segments: those that are shipped, and those stored."""
    async with request.app.state.process.pool.acquire() as connection:
        rulebook = await _refreshed(request, connection)
        stored = {each.code: each for each in await stored_segments.every(connection)}
    shown = [
        _stored(rulebook, stored.pop(code)) if code in stored else _shipped(rulebook, preset)
        for code, preset in PRESETS.items()
    ]
    return schemas.SegmentPage(items=[*shown, *(_stored(rulebook, it) for it in stored.values())])


@router.post("/count", response_model=schemas.SegmentCount)
async def count(request: Request, key: Owner, body: schemas.Defined) -> schemas.SegmentCount:
    """How many members a definition has now, exactly."""
    wanted = _parsed(body.definition)
    async with _counting, snapshot(request.app.state.process.pool) as connection:
        read = await reading.read(connection, request.app.state.rulebook, wanted)
        try:
            counted = await store.count(connection, read.query, seconds=COUNT_SECONDS)
        except TimeoutError:
            raise unavailable(
                "The count took too long. Use fewer conditions, or try again when the shop is less "
                "busy.",
                retry_after=60,
            ) from None
    return schemas.SegmentCount(
        count=counted.members,
        reachable_by_line=counted.reachable,
        at=read.as_of.now,
        words=_in_both(words(wanted, read.program)),
    )


@router.post("/check", response_model=schemas.Checked)
async def check(request: Request, key: Owner, body: schemas.Defined) -> schemas.Checked:
    """What a definition says in words, or everything that is wrong with it."""
    try:
        wanted = _read(body.definition)
    except DefinitionInvalid as problem:
        told = [schemas.DefinitionProblem(**each._asdict()) for each in problem.problems]
        return schemas.Checked(problems=told, words=None)
    async with request.app.state.process.pool.acquire() as connection:
        rulebook = await _refreshed(request, connection)
    return schemas.Checked(problems=[], words=_said(rulebook, wanted))


@router.get("/{code}", response_model=schemas.Segment, responses=_NOT_THERE)
async def one(request: Request, key: Owner, code: schemas.Code) -> schemas.Segment:
    """A segment with its definition."""
    async with request.app.state.process.pool.acquire() as connection:
        rulebook = await _refreshed(request, connection)
        return await _found(connection, rulebook, code)


@router.put("/{code}", response_model=schemas.Segment, responses=_CHANGED)
async def save(
    request: Request, key: Owner, code: schemas.Code, body: schemas.SegmentChange
) -> schemas.Segment:
    """Store a segment, new or instead of what is there."""
    _parsed(body.definition)
    async with acting(request) as batch:
        connection = batch.connection
        await stored_segments.lock(connection)
        known = await stored_segments.one(connection, code)
        revision = known.revision if known else 0
        if body.revision is not None and body.revision != revision:
            detail = f"The segment has revision {revision} now. Look at it and send it again."
            raise Problem(409, "segment-changed", detail)
        if known is None and await stored_segments.count(connection) >= MOST_SEGMENTS:
            detail = f"Keep at most {MOST_SEGMENTS} segments: delete some first."
            raise Problem(422, "too-many-segments", detail)
        document = msgspec.json.encode(body.definition).decode()
        by, now = key.actor, clock.now()
        stored = await stored_segments.save(connection, code, body.name, document, by, now)
        before = msgspec.json.decode(known.definition) if known else None
        audited(request, f"segment:{code}", before=before, after=body.definition)
        return _stored(await _refreshed(request, connection), stored)


@router.delete("/{code}", status_code=204, response_class=Response, responses=_NOT_THERE)
async def delete(request: Request, key: Owner, code: schemas.Code) -> Response:
    """Delete a stored segment; one that is shipped under its code is back then."""
    async with acting(request) as batch:
        await stored_segments.lock(batch.connection)
        known = await stored_segments.one(batch.connection, code)
        if not await stored_segments.remove(batch.connection, code):
            if code in PRESETS:
                detail = "This segment comes with Tamaru and cannot be deleted. Ignore it."
                raise Problem(409, "segment-shipped", detail)
            raise _no_segment()
        before = msgspec.json.decode(known.definition) if known else None
        audited(request, f"segment:{code}", before=before, after=None)
    return Response(status_code=204)


@router.get("/{code}/members", response_model=schemas.SegmentMemberPage, responses=_NOT_THERE)
async def members(
    request: Request, key: Owner, code: schemas.Code, after: UUID | None = None, limit: Limit = 50
) -> schemas.SegmentMemberPage:
    """Who is in a segment now; `after` is the cursor of the page before."""
    async with snapshot(request.app.state.process.pool) as connection:
        rulebook = request.app.state.rulebook
        segment = await _found(connection, await _refreshed(request, connection), code)
        wanted = definitions.parse(segment.definition)
        read = await reading.read(connection, rulebook, wanted)
        ids: list[UUID] = []
        async for page in found(connection, read, limit, after=after or store.NOBODY):
            ids = page
            break
        told = await people(connection, read, ids)
    following = str(ids[-1]) if len(ids) == limit else None
    items = [_member(person) for person in told]
    return schemas.SegmentMemberPage(items=items, next=following, at=read.as_of.now)


async def _refreshed(request: Request, connection: Connection) -> Rulebook:
    rulebook: Rulebook = request.app.state.rulebook
    await rulebook.refresh(connection)
    return rulebook


async def _found(connection: Connection, rulebook: Rulebook, code: str) -> schemas.Segment:
    stored = await stored_segments.one(connection, code)
    if stored is not None:
        return _stored(rulebook, stored)
    if code in PRESETS:
        return _shipped(rulebook, PRESETS[code])
    raise _no_segment()


def _read(document: dict[str, Any]) -> Definition:
    definitions.parse(document)  # first, for only what it takes is sure to be JSON again
    return definitions.read(msgspec.json.encode(document))


def _parsed(document: dict[str, Any]) -> Definition:
    try:
        return _read(document)
    except DefinitionInvalid as problem:
        told = [
            (f"definition.{each.path}" if each.path else "definition", f"{each.ja} {each.en}")
            for each in problem.problems
        ]
        raise invalid(told) from None


def _shipped(rulebook: Rulebook, preset: Preset) -> schemas.Segment:
    return schemas.Segment(
        code=preset.code,
        name=_in_both(preset.name),
        definition=preset.definition,
        words=_said(rulebook, definitions.parse(preset.definition)),
        revision=0,
        shipped=True,
    )


def _stored(rulebook: Rulebook, stored: Stored) -> schemas.Segment:
    return schemas.Segment(
        code=stored.code,
        name=schemas.InBoth(ja=stored.name, en=stored.name),
        definition=msgspec.json.decode(stored.definition),
        words=_said(rulebook, definitions.read(stored.definition)),
        revision=stored.revision,
        shipped=False,
        changed_at=stored.changed_at,
    )


def _said(rulebook: Rulebook, wanted: Definition) -> schemas.InBoth:
    return _in_both(words(wanted, None if rulebook.empty else rulebook.current().program))


def _in_both(said: Words) -> schemas.InBoth:
    return schemas.InBoth(ja=said.ja, en=said.en)


def _member(person: SegmentPerson) -> schemas.SegmentMember:
    missing = schemas.InBoth(ja=person.missing_ja, en=person.missing_en)
    return schemas.SegmentMember(
        id=person.member_id,
        card=person.card,
        reachable_by_line=person.line_user_id is not None,
        points=person.points,
        pending=person.pending,
        rank=person.rank_name,
        next_rank=person.next_rank_name,
        missing=missing if person.next_rank_name else None,
        expiring_points=person.expiring_points,
        expiring_at=person.expiring_at,
        visits=person.visits,
        last_visit_at=person.last_visit_at,
    )


def _no_segment() -> Problem:
    return Problem(404, "unknown-segment", "There is no segment of this code. GET /v1/segments.")
