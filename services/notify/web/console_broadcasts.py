"""`/console/messages/broadcasts`: one message to many, from the draft to the result."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from services.notify import broadcast_words as words
from services.notify.broadcasts.states import EDITABLE, Act, State, allows
from services.notify.quota import situation
from services.notify.store import broadcasts as store
from services.notify.templates.people import VARIABLES
from services.notify.web import broadcasts, broadcasts_shown
from services.notify.web.pages import PAGES
from shared import clock
from shared.web.staff import Manager, Viewer

ROWS = 30
MOVING = (State.COUNTING, State.RECOUNTING, State.SENDING)
"""States that change by themselves: the page looks again each second."""
WAITING = (*EDITABLE, State.RECOUNTING)
"""States in which it is still to be found who gets it."""
NAMED = 10
"""So many broadcasts are named before a segment is deleted; there is a word for the rest."""

router = APIRouter(prefix="/console/messages/broadcasts", include_in_schema=False)

Segment = Annotated[str | None, Query(max_length=100)]
SegmentCode = Annotated[str, Query(alias="segment", max_length=100, pattern=r"^[^\x00]*$")]


@router.get("")
async def listed(request: Request, staff: Viewer, cursor: UUID | None = None) -> HTMLResponse:
    """All of them, newest first."""
    async with request.app.state.process.pool.acquire() as connection:
        before = None
        if cursor is not None:
            last = await broadcasts.by_id(connection, cursor)
            before = (last.created_at, last.id)
        rows = await store.page(connection, None, before, ROWS)
        zone = await situation.zone_of(connection)
    more = rows[-1].id if len(rows) == ROWS else None
    return PAGES.render(
        request, "broadcasts.html", rows=rows, next=more, zone=zone, states=words.STATES
    )


@router.get("/new")
async def new(request: Request, staff: Manager, segment: Segment = None) -> HTMLResponse:
    """A new one, to a segment or to everybody."""
    return PAGES.render(
        request,
        "broadcast_edit.html",
        it=None,
        segment=segment or "",
        examples=words.EXAMPLES["ja"],
        variables={name: words.VARIABLES[name] for name in VARIABLES},
    )


@router.get("/using")
async def using(request: Request, staff: Viewer, code: SegmentCode) -> HTMLResponse:
    """What a segment is still needed for, as a part of the question whether to delete it."""
    async with request.app.state.process.pool.acquire() as connection:
        rows = await store.using(connection, code, WAITING, NAMED + 1)
    return PAGES.render(
        request,
        "broadcasts_using.html",
        rows=rows[:NAMED],
        more=len(rows) > NAMED,
        states=words.STATES,
    )


@router.get("/{broadcast_id}")
async def one(request: Request, staff: Viewer, broadcast_id: UUID) -> HTMLResponse:
    """One: what it says, to whom, what it costs, how far it is."""
    return PAGES.render(request, "broadcast.html", **await _of(request, broadcast_id))


@router.get("/{broadcast_id}/state")
async def state(request: Request, staff: Viewer, broadcast_id: UUID) -> HTMLResponse:
    """What changes while it is counted or sent, as a part of its page."""
    return PAGES.render(request, "broadcast_state.html", **await _of(request, broadcast_id))


@router.get("/{broadcast_id}/edit")
async def edit(request: Request, staff: Manager, broadcast_id: UUID) -> HTMLResponse:
    """Its editor, as long as it is not being sent."""
    found = await _of(request, broadcast_id)
    return PAGES.render(
        request,
        "broadcast_edit.html",
        segment=found["it"].segment or "",
        variables={name: words.VARIABLES[name] for name in VARIABLES},
        **found,
    )


async def _of(request: Request, id: UUID) -> dict[str, Any]:
    async with request.app.state.process.pool.acquire() as connection:
        found = await broadcasts.by_id(connection, id)
        it = await broadcasts_shown.in_full(connection, request, found)
        over = found.state in (State.SENT, State.CANCELLED)
        report = await broadcasts_shown.report(connection, found) if over else None
        zone = await situation.zone_of(connection)
    return {
        "it": it,
        "report": report,
        "zone": zone,
        "now": clock.now(),
        "moving": found.state in MOVING,
        "may": {act.value: allows(found.state, act) for act in Act if act in words.BY_OWNER},
        "states": words.STATES,
        "left_out": words.LEFT_OUT,
        "acts": words.ACTS,
        "examples": words.EXAMPLES["ja"],
    }
