"""`/console/messages`: the month's messages at a glance, what was said to whom, the settings.

Templates and broadcasts have modules of their own. What other pages embed stands in
`console_parts`.
"""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from services.notify import delivery_words
from services.notify.categories import CATEGORIES
from services.notify.preferences.settings import SHIPPED, MessageSettings
from services.notify.quota import situation
from services.notify.quota.plan import PRESETS
from services.notify.store import delivery_log
from services.notify.store import message_settings as settings_store
from services.notify.store import quota as quota_store
from services.notify.templates.kinds import KINDS
from services.notify.web import menus, quota_schemas, quota_shown
from services.notify.web.deliveries import Status
from services.notify.web.pages import PAGES
from shared import clock
from shared.problems import Problem
from shared.web.staff import Manager, Viewer

ROWS = 50

router = APIRouter(prefix="/console/messages", include_in_schema=False)

Cursor = Annotated[UUID | None, Query()]
Wanted = Annotated[Status | None, Query()]


@router.get("")
async def overview(request: Request, staff: Viewer) -> HTMLResponse:
    """The month so far: used, left, the cost, what is held."""
    async with request.app.state.process.pool.acquire() as connection:
        month = await quota_shown.month_so_far(connection, clock.now())
        zone = await situation.zone_of(connection)
    most = month.quota or 0
    return PAGES.render(
        request,
        "messages.html",
        month=month,
        zone=zone,
        share=min(month.used, most),
        most=most,
        kinds=KINDS,
        categories=CATEGORIES,
    )


@router.get("/deliveries")
async def deliveries(
    request: Request, staff: Viewer, status: Wanted = None, broadcast: Cursor = None
) -> HTMLResponse:
    """What was said, newest first."""
    found = await _deliveries(request, status=status, broadcast=broadcast)
    return PAGES.render(request, "deliveries.html", **found)


@router.get("/deliveries/more")
async def more_deliveries(
    request: Request,
    staff: Viewer,
    cursor: Cursor = None,
    status: Wanted = None,
    broadcast: Cursor = None,
    member: Cursor = None,
) -> HTMLResponse:
    """Older ones, as rows."""
    found = await _deliveries(
        request, status=status, broadcast=broadcast, member=member, cursor=cursor
    )
    return PAGES.render(request, "deliveries_rows.html", **found)


@router.get("/of/{member_id}")
async def of_member(request: Request, staff: Viewer, member_id: UUID) -> HTMLResponse:
    """How a member is reached and what was last said to them, as a part of their page."""
    async with request.app.state.process.pool.acquire() as connection:
        people = await delivery_log.recipients(connection, member_id)
    found = await _deliveries(request, member=member_id, limit=10)
    return PAGES.render(request, "deliveries_of.html", people=people, **found)


async def _deliveries(
    request: Request,
    *,
    status: str | None = None,
    broadcast: UUID | None = None,
    member: UUID | None = None,
    cursor: UUID | None = None,
    limit: int = ROWS,
) -> dict[str, Any]:
    async with request.app.state.process.pool.acquire() as connection:
        after = await delivery_log.place(connection, cursor) if cursor else None
        if cursor and after is None:
            raise Problem(404, "no-such-place", "Open the list anew.")
        rows = await delivery_log.page(
            connection, member=member, event=broadcast, status=status, after=after, limit=limit
        )
        zone = await situation.zone_of(connection)
    return {
        "rows": rows,
        "next": rows[-1]["id"] if len(rows) == limit else None,
        "wanted": status,
        "broadcast": broadcast,
        "member": member,
        "zone": zone,
        "kinds": KINDS,
        "categories": CATEGORIES,
        "statuses": delivery_words.STATUSES,
        "ways": delivery_words.WAYS,
        "reason": delivery_words.reason,
    }


@router.get("/menus")
async def rich_menus(request: Request, staff: Viewer) -> HTMLResponse:
    """The rich menus as people see them, and whether LINE has them."""
    found = await menus.every(request)
    async with request.app.state.process.pool.acquire() as connection:
        zone = await situation.zone_of(connection)
    return PAGES.render(request, "rich_menus.html", found=found, zone=zone)


@router.get("/settings")
async def settings(request: Request, staff: Manager) -> HTMLResponse:
    """What is sent at all, when it is quiet, and what the month may cost."""
    async with request.app.state.process.pool.acquire() as connection:
        found = await settings_store.latest(connection)
        plan = await quota_store.plan(connection)
    document = MessageSettings.model_validate_json(found.document) if found else SHIPPED
    return PAGES.render(
        request,
        "message_settings.html",
        settings=document,
        revision=found.revision if found else 0,
        plan=quota_schemas.shown(plan),
        presets=PRESETS,
        categories={name: each for name, each in CATEGORIES.items() if each.optional},
    )
