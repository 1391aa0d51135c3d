"""`/counter`: the page where staff serve members, its parts, and what keeps it on the device.

The page holds no member's data of its own: its script asks the API and shows what it answers.
"""

from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse

from services.points.store import visits
from services.points.web import counter_acts, counter_refunds
from services.points.web.pages import PAGES
from services.points.web.schemas import Text
from shared.api_keys import Key
from shared.web.staff import Counter, Staff

router = APIRouter(prefix="/counter", include_in_schema=False)

WORKER = PAGES.statics["/static/points"] / "counter" / "worker.js"
FIRST_PAGE = 30


@router.get("")
async def page(request: Request, staff: Counter) -> HTMLResponse:
    """The page, with the day's list so far."""
    key, code = _key(staff), _store(staff)
    async with request.app.state.process.pool.acquire() as connection:
        acts = await counter_acts.page_of(request, connection, key, code, limit=FIRST_PAGE)
        named = await visits.store_named(connection, code)
    return PAGES.render(
        request,
        "counter.html",
        store=code,
        store_name=named[1] if named else code,
        acts=acts.items,
        following=acts.next,
        first=True,
        mine=False,
        **_terms(request),
    )


@router.get("/list")
async def listed(
    request: Request, staff: Counter, mine: bool = False, cursor: Text | None = None
) -> HTMLResponse:
    """The day's list, or more of it."""
    key, code = _key(staff), _store(staff)
    async with request.app.state.process.pool.acquire() as connection:
        acts = await counter_acts.page_of(
            request, connection, key, code, mine, cursor, limit=FIRST_PAGE
        )
    return PAGES.render(
        request,
        "counter_acts.html",
        acts=acts.items,
        following=acts.next,
        first=cursor is None,
        mine=mine,
        **_terms(request),
    )


@router.get("/sales")
async def sales(
    request: Request, staff: Counter, receipt: Annotated[Text, Query()]
) -> HTMLResponse:
    """The purchases that a receipt's number names."""
    async with request.app.state.process.pool.acquire() as connection:
        found = await counter_refunds.sales_of(request, connection, _store(staff), receipt)
    return PAGES.render(request, "counter_sales.html", sales=found.items, **_terms(request))


@router.get("/worker.js")
async def worker() -> FileResponse:
    """The service worker, for this page alone."""
    headers = {"Service-Worker-Allowed": "/counter", "Cache-Control": "no-cache"}
    return FileResponse(WORKER, media_type="text/javascript", headers=headers)


@router.get("/manifest.json")
async def manifest() -> JSONResponse:
    """What puts the page on a device's home screen."""
    icon = {"src": "/static/shared/icon.svg", "sizes": "any", "type": "image/svg+xml"}
    content = {
        "name": "Tamaru カウンター",
        "short_name": "カウンター",
        "start_url": "/counter",
        "scope": "/counter",
        "display": "standalone",
        "background_color": "#f4f5f2",
        "theme_color": "#0b6b4f",
        "icons": [icon],
    }
    return JSONResponse(content, headers={"Cache-Control": "max-age=86400"})


def _key(staff: Staff) -> Key:
    """Who is here, as the API sees them."""
    kind = "pos" if staff.role == "staff" else "owner"
    return Key(staff.id, kind, staff.store, staff.role, staff.stores)


def _store(staff: Staff) -> str:
    assert staff.store is not None  # noqa: S101 - `Counter` leads to the choice otherwise
    return staff.store


def _terms(request: Request) -> dict[str, Any]:
    """What of the program the page shows."""
    rulebook = request.app.state.rulebook
    if rulebook.empty:
        return {"zone": ZoneInfo("UTC"), "currency": "JPY", "tax_excluded": False}
    program = rulebook.current().program
    return {
        "zone": program.zone,
        "currency": program.currency,
        "tax_excluded": program.accrual.base_amount == "tax_excluded",
    }
