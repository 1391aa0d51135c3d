"""`/console/schedules`: the page for who wants to see what is due, and to steer it.

It holds nothing itself: its script asks the API as whoever is signed in.
"""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from services.scheduler.web.pages import PAGES
from shared.web.staff import Viewer

router = APIRouter(include_in_schema=False)


@router.get("/console/schedules")
async def page(request: Request, staff: Viewer) -> HTMLResponse:
    """The page."""
    return PAGES.render(request, "schedules.html")


@router.get("/schedules")
async def moved() -> RedirectResponse:
    """Where it stood before there was a console."""
    return RedirectResponse("/console/schedules", 308)
