"""`/console/export`: everything as a ZIP, asked for, written, fetched."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from services.points.store import takeouts as store
from services.points.web import takeouts
from services.points.web.console_imports import terms
from services.points.web.pages import PAGES
from shared.web.staff import OwnerOnly

router = APIRouter(prefix="/console/export", include_in_schema=False)

SHOWN = 10


@router.get("")
async def page(request: Request, staff: OwnerOnly) -> HTMLResponse:
    """What there is, and a button for a new copy."""
    return await _rendered(request, "export.html")


@router.get("/list")
async def listed(request: Request, staff: OwnerOnly) -> HTMLResponse:
    """The part that changes while one is written."""
    return await _rendered(request, "export_list.html")


async def _rendered(request: Request, template: str) -> HTMLResponse:
    async with request.app.state.process.pool.acquire() as connection:
        latest = await store.latest(connection, SHOWN)
        zone, _ = await terms(request, connection)
    items = [takeouts.shown(each) for each in latest]
    moving = any(each.status in ("waiting", "writing") for each in items)
    return PAGES.render(request, template, items=items, moving=moving, zone=zone)
