"""`/v1/ranks`, floors under members' ranks, and the preview of who moves under a draft."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict

from services.points.errors import UnknownRank
from services.points.rankings import rank_floors, rank_preview
from services.points.rules import program as programs
from services.points.rules.program import Program
from services.points.rules.terms import ProgramInvalid
from services.points.store import members as member_store
from services.points.store import ranks as store
from services.points.store.rank_floors import Floor
from services.points.web import naming, schemas
from shared import clock, logs
from shared.bus.handling import Connection
from shared.db import UNREACHABLE
from shared.problems import Problem, malformed
from shared.web import schemas as common
from shared.web.acting import acting, audited
from shared.web.auth import Caller, Owner

router = APIRouter(tags=["ranks"])
log = logs.logger(__name__)

LARGEST = 1_000_000
_previewing = asyncio.Semaphore(1)
_DRAFT = {"requestBody": {"required": True, "content": {"application/json": {"schema": {}}}}}
_LINES: Any = {
    200: {
        "description": "Lines of `{members, of}` as it goes on, and last the preview, whose "
        "`moves` count members by `from`, `to` and `when` (at_once or by_evaluation).",
        "content": {"application/x-ndjson": {"schema": {"type": "string"}}},
    },
    400: {"model": common.Problem, "description": "Malformed"},
    413: {"model": common.Problem, "description": "Too large"},
    429: {"model": common.Problem, "description": "A preview is being made already"},
}
_NOBODY: Any = {404: {"model": common.Problem, "description": "No such member"}}


class RankCount(BaseModel):
    """A level of the program in force (or, without a name, one that it no longer has; without a
    code, no rank) and how many members are on it now."""

    code: str | None
    name: str | None
    members: int


class RankPage(BaseModel):
    """All levels from the lowest to the highest, those without a rank first."""

    items: list[RankCount]
    next: str | None = None


class NewFloor(BaseModel):
    """The lowest rank that the member has from now on, until when (left out: without end), why."""

    model_config = ConfigDict(extra="forbid")

    code: schemas.Text
    until: AwareDatetime | None = None
    reason: schemas.Text


class FloorDecision(BaseModel):
    """What was decided by hand, by whom and why; without a code the floor was lifted."""

    code: str | None
    until: datetime | None
    reason: str
    actor: str
    decided_at: datetime


class RankFloor(BaseModel):
    """A member's rank, the floor in force under it, and the latest 100 decisions about floors."""

    member: UUID
    rank: str | None
    floor: FloorDecision | None
    history: list[FloorDecision]


@router.get("/v1/ranks", response_model=RankPage)
async def ranks(request: Request, key: Owner) -> RankPage:
    """The levels with how many members have each of them now."""
    rulebook = request.app.state.rulebook
    async with request.app.state.process.pool.acquire() as connection:
        await rulebook.refresh(connection)
        counts = await store.counts(connection)
    levels = () if rulebook.empty else rulebook.current().program.ranks.levels
    known = {level.code: level.name for level in levels}
    codes = [None, *known, *sorted(code for code in counts if code and code not in known)]
    items = [
        RankCount(code=code, name=known.get(code or ""), members=counts.get(code, 0))
        for code in codes
    ]
    return RankPage(items=items)


@router.get("/v1/members/{member_id}/rank-floor", response_model=RankFloor, responses=_NOBODY)
async def floor(request: Request, key: Caller, member_id: str) -> RankFloor:
    """The floor under a member's rank, and what was decided about it so far."""
    async with request.app.state.process.pool.acquire() as connection:
        return await _floor(connection, await _member(connection, member_id))


@router.put("/v1/members/{member_id}/rank-floor", response_model=RankFloor, responses=_NOBODY)
async def put_floor(request: Request, key: Owner, member_id: str, body: NewFloor) -> RankFloor:
    """Give a rank by hand: the member's rank is at least this one from now on."""
    if body.until is not None and body.until <= clock.now():
        raise Problem(422, "floor-over", "until must be in the future; leave it out for no end.")
    rulebook = request.app.state.rulebook
    async with acting(request) as batch:
        id = await _member(batch.connection, member_id)
        before = await _floor_before(batch.connection, id)
        try:
            await rank_floors.put(
                batch,
                rulebook,
                id,
                code=body.code,
                until=body.until,
                reason=body.reason,
                actor=key.actor,
            )
        except UnknownRank as unknown:
            levels = ", ".join(unknown.levels) or "none"
            raise Problem(422, "unknown-rank", f"{unknown}. Use one of: {levels}.") from None
        audited(request, f"member:{id}", before=before, after={"floor": body.code})
        return await _floor(batch.connection, id)


@router.delete("/v1/members/{member_id}/rank-floor", response_model=RankFloor, responses=_NOBODY)
async def lift_floor(
    request: Request,
    key: Owner,
    member_id: str,
    reason: Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")] = "",
) -> RankFloor:
    """Lift the floor. The rank goes down at the next evaluation, if it was not earned."""
    async with acting(request) as batch:
        id = await _member(batch.connection, member_id)
        rulebook = request.app.state.rulebook
        before = await _floor_before(batch.connection, id)
        await rank_floors.lift(batch, rulebook, id, reason=reason, actor=key.actor)
        audited(request, f"member:{id}", before=before, after={"floor": None})
        return await _floor(batch.connection, id)


@router.post(
    "/v1/program/rank-preview",
    response_class=StreamingResponse,
    openapi_extra=_DRAFT,
    responses=_LINES,
)
async def preview(request: Request, key: Owner) -> StreamingResponse:
    """Who moves if this program is published: counts, and some of them by name.

    Changes nothing. One line of JSON after each 1,000 members says how far it has come, the last
    one is the preview; an answer that ends without it was cut off.
    """
    draft = _draft(await request.body())
    if _previewing.locked():
        raise Problem(
            429,
            "preview-running",
            "A preview is being made already. Wait for it and send this again.",
            headers={"Retry-After": "10"},
        )
    return StreamingResponse(_lines(request, draft), media_type="application/x-ndjson")


async def _lines(request: Request, draft: Program) -> AsyncIterator[bytes]:
    async with _previewing, request.app.state.process.pool.acquire() as connection:
        try:
            async for found in rank_preview.preview(connection, draft):
                yield msgspec.json.encode(found) + b"\n"
                await asyncio.sleep(0)  # others' calls come in between
        except UNREACHABLE as problem:
            log.warning("a preview of ranks was cut off", problem=repr(problem))


def _draft(raw: bytes) -> Program:
    if len(raw) > LARGEST:
        raise Problem(413, "too-large", f"A program has at most {LARGEST} bytes.")
    try:
        return programs.parse(msgspec.json.decode(raw))
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as problem:
        raise malformed(f"Send the program as JSON: {problem}.") from None
    except ProgramInvalid as invalid:
        errors = [(problem.path, problem.message) for problem in invalid.problems]
        detail = "This cannot be published. Correct what errors lists."
        raise Problem(422, "invalid-program", detail, errors=errors) from None


async def _member(connection: Connection, text: str) -> UUID:
    """The id in a path, if it is a member's. Raises Problem 404."""
    try:
        id = UUID(text)
    except ValueError:
        raise naming.nobody() from None
    found = await member_store.by(connection, "id", [id])
    if not found or found[0].status not in ("active", "suspended"):
        raise naming.nobody()
    return id


async def _floor_before(connection: Connection, member: UUID) -> dict[str, str | None]:
    """The floor in force, as the audit log tells it."""
    now = rank_floors.in_force(await rank_floors.history(connection, member))
    return {"floor": now.code if now else None}


async def _floor(connection: Connection, member: UUID) -> RankFloor:
    decided = await rank_floors.history(connection, member)
    standing = (await store.read(connection, [member], clock.now()))[member]
    now = rank_floors.in_force(decided)
    return RankFloor(
        member=member,
        rank=standing.held.code,
        floor=_decision(now) if now else None,
        history=[_decision(each) for each in decided],
    )


def _decision(floor: Floor) -> FloorDecision:
    return FloorDecision(**msgspec.structs.asdict(floor))
