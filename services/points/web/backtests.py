"""`/v1/program/backtests`: a draft of the rules over the purchases that were made."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from services.points.programs import backtesting
from services.points.rules import program as programs
from services.points.rules.terms import ProgramInvalid
from services.points.store import backtests as store
from services.points.store.backtests import Run
from services.points.web.program import LARGEST, answers
from services.points.web.requests import keyed
from shared import clock
from shared.problems import Problem, malformed
from shared.web.acting import IdempotencyKey, acting, audited
from shared.web.auth import Owner

router = APIRouter(prefix="/v1/program/backtests", tags=["program"])
SHOWN = 50
Moment = Annotated[str, Field(max_length=40)]


class BacktestRequest(BaseModel):
    """A draft and a period: days (in the draft's time zone, the last one included) or times with
    offset; left out: no bound."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    program: dict[str, Any]
    from_: Annotated[Moment | None, Field(alias="from")] = None
    until: Moment | None = None


class BacktestProgress(BaseModel):
    """How far a run is."""

    members: int
    of_members: int
    purchases: int


class CostOfPoints(BaseModel):
    """Points, and what they are worth (minor units)."""

    points: int
    cost: int


class BacktestFigures(BaseModel):
    """Points as given and by the draft, and how many members have more, less or the same by it."""

    purchases: int
    amount: int
    given: CostOfPoints
    draft: CostOfPoints
    difference: CostOfPoints
    winners: int
    losers: int
    unchanged: int


class BacktestOfRank(BacktestFigures):
    """Of purchases made with this rank (null: none)."""

    rank: str | None


class BacktestOfStore(BacktestFigures):
    """Of purchases in this store."""

    store: str


class BacktestOfMember(BaseModel):
    """A member who gains or loses much."""

    member: UUID
    given: int
    draft: int


class Liability(BaseModel):
    """The points that members hold, pending ones too, and with what the draft adds or takes."""

    points: int
    value: int
    points_with_draft: int
    value_with_draft: int


class BacktestResult(BacktestFigures):
    """What the draft would have given. Points as given are valued by the program in force, the
    draft's by its own `redemption.value`. Refunds are left out on both sides."""

    members: int
    liability: Liability
    by_rank: list[BacktestOfRank]
    by_store: list[BacktestOfStore]
    most_gained: list[BacktestOfMember]
    most_lost: list[BacktestOfMember]


class Backtest(BaseModel):
    """A run; `result` is there when it is done, `problem` when it failed."""

    id: UUID
    status: Literal["waiting", "running", "done", "cancelled", "failed"]
    from_at: datetime | None
    until_at: datetime | None
    progress: BacktestProgress
    result: BacktestResult | None
    problem: str | None
    asked_by: str
    asked_at: datetime
    finished_at: datetime | None


class BacktestPage(BaseModel):
    """The last runs, newest first."""

    items: list[Backtest]
    next: str | None = None


@router.post("", status_code=202, response_model=Backtest, responses=answers(400, 409, 413))
async def ask(
    request: Request, key: Owner, body: BacktestRequest, idem: IdempotencyKey
) -> Backtest:
    """Ask for a run. It goes on in the background; GET it for progress and result."""
    document = _document(body)
    try:
        draft = programs.parse(document)
        period = backtesting.span(draft, body.from_, body.until)
    except ProgramInvalid as invalid:
        words = "Nothing was started. Correct what errors lists."
        raise Problem(422, "invalid-program", words, errors=invalid.problems) from None
    async with keyed(request, key, idem, "backtest", body) as act:
        if act.known is None:
            connection, now = act.batch.connection, clock.now()
            by = key.actor
            await store.add(connection, act.id, document.decode(), period, by, now)
            told = {"status": "waiting", "since": period[0], "until": period[1]}
            audited(request, f"backtest:{act.id}", before=None, after=told)
        return await _shown(act.batch.connection, act.id)


@router.get("", response_model=BacktestPage)
async def listed(request: Request, key: Owner) -> BacktestPage:
    """The last runs, newest first."""
    async with request.app.state.process.pool.acquire() as connection:
        return BacktestPage(items=[_backtest(run) for run in await store.latest(connection, SHOWN)])


@router.get("/{id}", response_model=Backtest, responses=answers(404))
async def one(request: Request, key: Owner, id: str) -> Backtest:
    """A run, however far it is."""
    async with request.app.state.process.pool.acquire() as connection:
        return await _shown(connection, _id(id))


@router.delete("/{id}", response_model=Backtest, responses=answers(404))
async def cancel(request: Request, key: Owner, id: str) -> Backtest:
    """Take a run back; one that is over stays as it is."""
    async with acting(request) as batch:
        before = await _shown(batch.connection, _id(id))
        await store.finish(batch.connection, _id(id), "cancelled", clock.now())
        after = await _shown(batch.connection, _id(id))
        told = {"status": before.status}, {"status": after.status}
        audited(request, f"backtest:{id}", before=told[0], after=told[1])
        return after


def _document(body: BacktestRequest) -> bytes:
    """The draft as JSON of a sane size. Raises Problem 400 or 413."""
    try:
        document = msgspec.json.encode(body.program)
    except (UnicodeError, OverflowError) as problem:
        raise malformed(f"Send the program as JSON: {problem}.") from None
    if len(document) > LARGEST:
        raise Problem(413, "too-large", f"A program has at most {LARGEST} bytes.")
    return document


async def _shown(connection: Any, id: UUID) -> Backtest:
    run = await store.one(connection, id)
    if run is None:
        raise _unknown()
    return _backtest(run)


def _backtest(run: Run) -> Backtest:
    progress = BacktestProgress(
        members=run.members_done, of_members=run.members, purchases=run.purchases_done
    )
    return Backtest(
        id=run.id,
        status=run.status,
        from_at=run.from_at,
        until_at=run.until_at,
        progress=progress,
        result=BacktestResult(**msgspec.json.decode(run.result)) if run.result else None,
        problem=run.problem,
        asked_by=run.asked_by,
        asked_at=run.asked_at,
        finished_at=run.finished_at,
    )


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise _unknown() from None


def _unknown() -> Problem:
    words = "There is no such backtest. GET /v1/program/backtests lists them."
    return Problem(404, "unknown-backtest", words)
