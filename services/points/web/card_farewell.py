"""What customers do with their own data on the card: leave for good, and take a copy along.

Leaving asks first: the page says how many points will be lost, and leaving only happens while that
is still true.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from services.points.members import exporting, leaving
from services.points.store import exports as store
from services.points.web import card_pages, card_session, summary
from services.points.web.card import member_of
from services.points.web.leaving import copy_of, found
from services.points.web.naming import nobody
from services.points.web.profiles import refusals
from services.points.web.schemas import Points
from shared import clock, ids
from shared.bus.handling import Connection
from shared.problems import Problem
from shared.web.acting import acting

router = APIRouter(prefix="/card", include_in_schema=False)
CUSTOMER = "customer"


class Farewell(BaseModel):
    """The points that the customer was told they would lose."""

    model_config = ConfigDict(extra="forbid")

    points: Annotated[int, Field(strict=True)]


@router.get("/leave")
async def ask(request: Request) -> HTMLResponse:
    """The question, as a fragment of the page."""
    id = await member_of(request)
    async with request.app.state.process.pool.acquire() as connection:
        points = await _points(request, connection, id)
    return card_pages.fragment(request, "card_leave.html", points=points, lost=_lost(points))


@router.post("/leave")
async def leave(request: Request, body: Farewell) -> HTMLResponse:
    """Leave. 409 when other points would be lost by now than the customer was told."""
    id = await member_of(request)
    async with acting(request) as batch, refusals():
        rulebook = request.app.state.rulebook
        left = await leaving.leave(batch, rulebook, id, reason=None, actor=CUSTOMER)
        if body.points != left.points_lost:
            raise Problem(409, "points-changed", "Your points changed just now. Look again.")
    response = card_pages.fragment(request, "card_left.html", lost=left.points_lost)
    card_session.end(request, response)
    return response


@router.post("/exports")
async def export(request: Request) -> JSONResponse:
    """Ask for a copy; who asks again soon gets the same one."""
    id = await member_of(request)
    async with acting(request) as batch:
        since = clock.now() - exporting.AGAIN
        made = await store.latest(batch.connection, id, since)
        if made is None:
            made = ids.new_id()
            await exporting.ask(batch, made, id, CUSTOMER)
    return JSONResponse({"id": str(made)}, status_code=202)


@router.get("/exports/{export_id}")
async def download(request: Request, export_id: UUID) -> Response:
    """The copy as far as it is."""
    id = await member_of(request)
    async with request.app.state.process.pool.acquire() as connection:
        return copy_of(await found(connection, id, export_id))


async def _points(request: Request, connection: Connection, id: UUID) -> Points:
    members = await summary.members(connection, request.app.state.rulebook, [id])
    if not members:
        raise nobody()
    return members[0].points


def _lost(points: Points) -> int:
    """What leaving takes: all that can be spent, is held or pending, once a debt is paid."""
    return max(points.balance + points.held, 0) + points.pending
