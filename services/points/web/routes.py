"""`/v1/routes`: routes of joining, their codes to print, and what came of each."""

import datetime
import io
from typing import Annotated, Any, Literal

import segno
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, StringConstraints

from services.points.store import routes as store
from services.points.store import terminals
from services.points.store.routes import Day, Route
from shared import clock
from shared.bus.handling import Connection
from shared.problems import Problem, invalid
from shared.web.acting import acting, audited
from shared.web.auth import Caller, Owner
from shared.web.schemas import Problem as AnsweredProblem

CODE = r"^[a-z0-9][a-z0-9-]{0,39}$"
Code = Annotated[str, Path(pattern=CODE, description="Lower case letters, digits, hyphens; ≤ 40.")]
Name = Annotated[
    str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Kind = Literal["poster", "store", "advertisement", "web", "other"]
Limit = Annotated[int, Query(ge=1, le=200)]

DEFAULT_ZONE = "Asia/Tokyo"
ERROR_LEVEL = "q"
"""A quarter of a code may be scratched or in glare."""
BORDER = 4  # modules of white, as the standard wants
PNG_SCALE = 20
"""About 800 pixels: sharp at 5 cm in print."""

_PROBLEMS: dict[int | str, dict[str, Any]] = {404: {"model": AnsweredProblem}}
router = APIRouter(prefix="/v1/routes", tags=["routes"], responses=_PROBLEMS)


class RouteSettings(BaseModel):
    """A route of joining. `store`: the code of the store where it hangs or which it is about. Out
    of use (`active` false) it still leads to the account, but nobody joins by it any more."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    kind: Kind
    store: Name | None = None
    active: bool = True


class JoiningRoute(BaseModel):
    """A route; `url` is what its QR code holds."""

    code: str
    name: str
    kind: Kind
    store: str | None
    active: bool
    url: str | None
    created_at: datetime.datetime
    changed_at: datetime.datetime


class JoiningRoutePage(BaseModel):
    """A page of routes, by code."""

    items: list[JoiningRoute]
    next: str | None = None


class RouteSums(BaseModel):
    """`visits`: people who opened the route's page in LINE and were no members yet, each once a
    week at most; `joins`: members who joined by it; `first_purchases`: those of them who have
    bought, with the `first_purchase_amount` (minor units, less refunds) of each one's first
    purchase that was not refunded whole."""

    visits: int
    joins: int
    first_purchases: int
    first_purchase_amount: int


class RouteDay(RouteSums):
    """What came on a day, in the program's time zone."""

    day: datetime.date


class RouteReport(BaseModel):
    """What came of a route: in all, and by day, oldest first; empty days are left out."""

    route: JoiningRoute
    total: RouteSums
    items: list[RouteDay]
    next: None = None


@router.put("/{code}", response_model=JoiningRoute)
async def put(request: Request, key: Owner, code: Code, body: RouteSettings) -> JoiningRoute:
    """Make a route, or change the one that there is. Routes are never deleted: what is printed
    stays printed."""
    async with acting(request) as batch:
        if body.store and not await terminals.has_store(batch.connection, body.store):
            raise invalid([("store", "there is no store with this code")])
        before = await store.find(batch.connection, code)
        made = await store.put(batch.connection, code, **body.model_dump(), now=clock.now())
        told = before._asdict() if before else None
        audited(request, f"route:{code}", before=told, after=made._asdict())
    return _shown(request, made)


@router.get("", response_model=JoiningRoutePage)
async def listed(
    request: Request,
    key: Caller,
    cursor: Annotated[str, Query(pattern=r"^[a-z0-9-]{0,40}$")] = "",
    limit: Limit = 50,
) -> JoiningRoutePage:
    """All routes, by code."""
    async with request.app.state.process.pool.acquire() as connection:
        rows = await store.page(connection, cursor, limit)
    following = rows[-1].code if len(rows) == limit else None
    return JoiningRoutePage(items=[_shown(request, row) for row in rows], next=following)


@router.get("/{code}", response_model=JoiningRoute)
async def one(request: Request, key: Caller, code: Code) -> JoiningRoute:
    """A route."""
    async with request.app.state.process.pool.acquire() as connection:
        return _shown(request, await _found(connection, code))


@router.get("/{code}/report", response_model=RouteReport)
async def report(
    request: Request,
    key: Caller,
    code: Code,
    since: Annotated[datetime.date | None, Query(description="The first day to list.")] = None,
    until: Annotated[datetime.date | None, Query(description="The last day to list.")] = None,
) -> RouteReport:
    """What came of a route, up to this moment. `total` is of all time, whatever days are listed."""
    rulebook = request.app.state.rulebook
    async with request.app.state.process.pool.acquire() as connection:
        route = await _found(connection, code)
        await rulebook.refresh(connection)
        zone = DEFAULT_ZONE if rulebook.empty else rulebook.current().program.time_zone
        days = await store.report(connection, code, zone)
    listed = [
        day
        for day in days
        if (since is None or day.day >= since) and (until is None or day.day <= until)
    ]
    return RouteReport(
        route=_shown(request, route),
        total=RouteSums(**_sums(days)),
        items=[RouteDay(day=day.day, **_sums([day])) for day in listed],
    )


@router.get(
    "/{code}/qr.svg",
    response_class=Response,
    responses={200: {"content": {"image/svg+xml": {"schema": {"type": "string"}}}}},
)
async def svg(request: Request, key: Caller, code: Code) -> Response:
    """The QR code for print, at any size."""
    picture = io.BytesIO()
    (await _qr(request, code)).save(picture, kind="svg", scale=10, border=BORDER, light="#fff")
    return Response(picture.getvalue(), media_type="image/svg+xml", headers=_named(code, "svg"))


@router.get(
    "/{code}/qr.png",
    response_class=Response,
    responses={200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}},
)
async def png(request: Request, key: Caller, code: Code) -> Response:
    """The QR code as a picture of about 800 pixels."""
    picture = io.BytesIO()
    (await _qr(request, code)).save(picture, kind="png", scale=PNG_SCALE, border=BORDER)
    return Response(picture.getvalue(), media_type="image/png", headers=_named(code, "png"))


async def _qr(request: Request, code: str) -> segno.QRCode:
    async with request.app.state.process.pool.acquire() as connection:
        route = await _found(connection, code)
    url = _shown(request, route).url
    if url is None:
        raise Problem(409, "no-public-url", "Set PUBLIC_URL first: the code leads to it.")
    return segno.make_qr(url, error=ERROR_LEVEL)


def _named(code: str, kind: str) -> dict[str, str]:
    return {"Content-Disposition": f'inline; filename="{code}.{kind}"'}


def _sums(days: list[Day]) -> dict[str, int]:
    return {
        "visits": sum(day.visits for day in days),
        "joins": sum(day.joins for day in days),
        "first_purchases": sum(day.first_purchases for day in days),
        "first_purchase_amount": sum(day.amount for day in days),
    }


async def _found(connection: Connection, code: str) -> Route:
    found = await store.find(connection, code)
    if found is None:
        raise Problem(404, "no-such-route", "There is no route with this code.")
    return found


def _shown(request: Request, route: Route) -> JoiningRoute:
    base = request.app.state.settings.public_url.rstrip("/")
    return JoiningRoute(url=f"{base}/join/{route.code}" if base else None, **route._asdict())
