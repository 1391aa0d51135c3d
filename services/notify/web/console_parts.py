"""What the console's other pages show of messages: fragments for `/console`, today's page."""

from datetime import timedelta

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from services.notify.quota import situation
from services.notify.store import delivery_log
from services.notify.web import quota_shown
from services.notify.web.pages import PAGES
from shared import clock
from shared.web.staff import Viewer

FAILED_WITHIN = timedelta(days=1)

router = APIRouter(prefix="/console/messages", include_in_schema=False)


@router.get("/figures")
async def figures(request: Request, staff: Viewer) -> HTMLResponse:
    """The month's messages in three numbers."""
    async with request.app.state.process.pool.acquire() as connection:
        month = await quota_shown.month_so_far(connection, clock.now())
    return PAGES.render(request, "messages_figures.html", month=month)


@router.get("/attention")
async def attention(request: Request, staff: Viewer) -> HTMLResponse:
    """What of messages needs somebody's attention; nothing if nothing does."""
    now = clock.now()
    async with request.app.state.process.pool.acquire() as connection:
        month = await quota_shown.month_so_far(connection, now)
        failed = await delivery_log.failed_since(connection, now - FAILED_WITHIN)
        zone = await situation.zone_of(connection)
    held = sum(each.messages for each in month.held)
    return PAGES.render(
        request, "messages_attention.html", month=month, failed=failed, held=held, zone=zone
    )
