"""`/v1/program`: the rules document in force, a new one, and whether one would pass."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Header, Query, Request, Response

from services.points.errors import AlreadyStarted, NoSuchVersion, OutOfDate
from services.points.programs import publishing, timeline
from services.points.rules import advice, differences
from services.points.rules import program as programs
from services.points.rules.sentences import sentences
from services.points.rules.terms import ProgramInvalid
from services.points.store import programs as store
from services.points.store import terminals
from services.points.store.programs import Version
from services.points.web import program_schemas
from services.points.web.program_schemas import Checked, Published
from shared import clock
from shared.bus.handling import Connection
from shared.problems import Problem, malformed
from shared.web import schemas as common
from shared.web.acting import acting, audited
from shared.web.auth import Caller, Owner

router = APIRouter(prefix="/v1/program", tags=["program"])
LARGEST = 1_000_000
BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": {}}}}}
EffectiveFrom = Annotated[
    str | None,
    Query(
        max_length=40,
        description="From when on it is in force: a day (it begins in the document's time zone) or "
        "a time with offset, in whole seconds. Left out: at once.",
    ),
]


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that an address may answer with, for its documentation."""
    words = {
        400: "Malformed",
        404: "No such version",
        409: "Too late, or the key was used otherwise",
        412: "Another version is in force",
        413: "Too large",
    }
    return {each: {"model": common.Problem, "description": words[each]} for each in statuses}


@router.get("", responses=answers(404))
async def current(request: Request, key: Caller) -> Response:
    """The document in force, exactly as it was put; the ETag is its version."""
    async with request.app.state.process.pool.acquire() as connection:
        version = await store.in_force(connection, clock.now())
    if version is None:
        raise Problem(404, "no-program", "Nothing has been published yet. PUT a document.")
    return Response(version.document, headers=_etag(version), media_type="application/json")


@router.put("", response_model=Published, openapi_extra=BODY, responses=answers(400, 412, 413))
async def publish(
    request: Request,
    response: Response,
    key: Owner,
    effective_from: EffectiveFrom = None,
    if_match: Annotated[str | None, Header()] = None,
) -> Published:
    """Publish the next version; in force in every process when this answers, or from
    `effective_from` on. `If-Match` names the version in force."""
    raw = await read(request)
    async with refusals(), acting(request) as batch:
        version = await publishing.publish(
            batch, raw, key.actor, _expected(if_match), with_offset(effective_from)
        )
        await tell(request, batch.connection, version)
        answer = await placed(batch.connection, version)
    response.headers.update(_etag(version))
    return answer


@router.post("/check", response_model=Checked, openapi_extra=BODY, responses=answers(400, 413))
async def check(request: Request, key: Caller) -> Checked:
    """What would keep a document from being published, what in it is hardly meant, what it
    would change, and what it says in plain sentences. Changes nothing."""
    raw = await read(request)
    now = clock.now()
    try:
        draft = programs.parse(raw)
    except ProgramInvalid as invalid:
        found = [program_schemas.flaw(each) for each in invalid.problems]
        return Checked(valid=False, problems=found, warnings=[], differences=[])
    async with request.app.state.process.pool.acquire() as connection:
        version = await store.in_force(connection, now)
        shops = {each.code: each.name for each in await terminals.every_store(connection)}
    warnings = advice.warnings(draft, now)
    changes: list[differences.Difference] = []
    if version is not None:
        there = programs.read(version.document)
        warnings += advice.moves(there, draft)
        changes = differences.between(there, draft)
    return Checked(
        valid=True,
        problems=[],
        warnings=[program_schemas.doubt(each) for each in warnings],
        differences=[program_schemas.changed(each) for each in changes],
        sentences=[program_schemas.said(each) for each in sentences(draft, shops)],
    )


@asynccontextmanager
async def refusals() -> AsyncIterator[None]:
    """What publishing refuses, as problems that say what to do."""
    try:
        yield
    except ProgramInvalid as invalid:
        words = "Nothing was published. Correct what errors lists."
        raise Problem(422, "invalid-program", words, errors=invalid.problems) from None
    except OutOfDate as late:
        raise Problem(412, "out-of-date", f"{late}. Read it and decide again.") from None
    except AlreadyStarted as late:
        words = f"{late}. Publish a new version, or roll back to an earlier one."
        raise Problem(409, "already-started", words) from None
    except NoSuchVersion as unknown:
        words = f"{unknown}. GET /v1/program/versions lists them."
        raise Problem(404, "unknown-version", words) from None


async def tell(request: Request, connection: Connection, version: Version) -> None:
    """For the audit log: what a version changes, place by place."""
    before = timeline.before(await store.after(connection, 0), version)
    old = programs.read(before.document if before else "{}")
    found = differences.between(old, programs.read(version.document))
    audited(
        request,
        f"program:{version.version}",
        before={each.path: each.before for each in found},
        after={each.path: each.after for each in found},
    )


async def placed(connection: Connection, version: Version) -> Published:
    """A version in its place among all."""
    said = await store.after(connection, 0)
    every = timeline.timeline(said, clock.now())
    mine = next(each for each in every if each.version.version == version.version)
    return program_schemas.published(mine)


async def read(request: Request) -> bytes:
    """The body, which is JSON of a sane size. Raises Problem 400 or 413."""
    raw: bytes = await request.body()
    if len(raw) > LARGEST:
        raise Problem(413, "too-large", f"A program has at most {LARGEST} bytes.")
    try:
        msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as problem:
        raise malformed(f"Send the program as JSON: {problem}.") from None
    return raw


def with_offset(moment: str | None) -> str | None:
    """The moment with the plus that a query string turns into a space unless it is escaped."""
    return moment.replace(" ", "+") if moment else moment


def _etag(version: Version) -> dict[str, str]:
    return {"ETag": f'"{version.version}"'}


def _expected(if_match: str | None) -> int | None:
    if if_match is None or if_match == "*":
        return None
    text = if_match.strip('W/"')
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise malformed("If-Match takes the ETag of GET /v1/program.")
    return int(text)
