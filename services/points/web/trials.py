"""`POST /v1/program/trial`: what an imagined purchase earns, by a draft or the rules in force."""

from datetime import date, time
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from services.points.programs.trial import Imagined, trial
from services.points.rules import program as programs
from services.points.rules.program import Program
from services.points.rules.terms import ProgramInvalid
from services.points.store import programs as store
from services.points.web.program import LARGEST, answers
from services.points.web.schemas import Text
from shared import clock
from shared.problems import Problem, invalid, malformed
from shared.web.auth import Caller

router = APIRouter(prefix="/v1/program", tags=["program"])
Money = Annotated[int, Field(strict=True, ge=0, le=10**12)]


class TrialRequest(BaseModel):
    """A purchase that nobody made, of one product. `program` left out: by the rules in force. `day`
    and `time` are on the shop's clock; left out: now."""

    model_config = ConfigDict(extra="forbid")

    program: dict[str, Any] | None = None
    total: Money
    tax: Money = 0
    day: date | None = None
    time: Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")] | None = None
    rank: Text | None = None
    store: Text | None = None
    sku: Text | None = None
    category: Text | None = None
    birthday: bool = False
    first: bool = False


class Trial(BaseModel):
    """What it would earn; `why` is one step a line."""

    points: int
    visits: int
    why: list[dict[str, str]]


@router.post("/trial", response_model=Trial, responses=answers(400, 404, 413))
async def tried(request: Request, key: Caller, body: TrialRequest) -> Trial:
    """What an imagined purchase would earn, changing nothing. Limits and caps begin unused."""
    program = await _program(request, body)
    now = clock.now().astimezone(program.zone)
    imagined = Imagined(
        total=body.total,
        tax=body.tax,
        day=body.day or now.date(),
        time=time.fromisoformat(body.time) if body.time else now.time(),
        rank=body.rank,
        store=body.store or "",
        sku=body.sku,
        category=body.category,
        birthday=body.birthday,
        first=body.first,
    )
    if not 1971 <= imagined.day.year <= 2998:
        raise invalid([("day", "must be between the years 1971 and 2998")])
    if body.tax > body.total:
        raise invalid([("tax", "is more than the total; total includes tax")])
    found = trial(program, imagined)
    return Trial(points=found.points, visits=found.visits, why=[w._asdict() for w in found.why])


async def _program(request: Request, body: TrialRequest) -> Program:
    """The draft, or the rules in force. Raises Problem."""
    if body.program is None:
        async with request.app.state.process.pool.acquire() as connection:
            version = await store.in_force(connection, clock.now())
        if version is None:
            raise Problem(404, "no-program", "Nothing has been published yet. PUT a document.")
        return programs.read(version.document)
    try:
        return programs.parse(as_json(body.program))
    except ProgramInvalid as problem:
        words = "This cannot be tried. Correct what errors lists."
        raise Problem(422, "invalid-program", words, errors=problem.problems) from None


def as_json(document: dict[str, Any]) -> bytes:
    """A draft as JSON of a sane size. Raises Problem 400 or 413."""
    try:
        raw = msgspec.json.encode(document)
    except (UnicodeError, OverflowError, RecursionError) as problem:
        raise malformed(f"Send the program as JSON: {problem}.") from None
    if len(raw) > LARGEST:
        raise Problem(413, "too-large", f"A program has at most {LARGEST} bytes.")
    return raw
