"""`/console/design`: how the card looks, the card beside it, and the codes that hang in stores.

The preview is the card's own page in a frame, with an example member, in the look that is being
tried. `/counter/visit-screen` shows the code for visits on the counter's own screen.
"""

import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from msgspec.structs import replace

from services.points.brand import palette
from services.points.brand.shown import Shown
from services.points.rules.qr import STEP_SECONDS
from services.points.store import brand as store
from services.points.store import terminals
from services.points.store import visits as visit_store
from services.points.web import card_pages, codes_drawn, schemas
from services.points.web.brand import described
from services.points.web.card_shown import CardShown, Code, Expiring, History, zone_of
from services.points.web.pages import PAGES
from services.points.web.visit_codes import FIRST, drawn, listed, no_code
from shared import clock, ids
from shared.web.pages import policy
from shared.web.staff import Counter, Manager

router = APIRouter(include_in_schema=False)

MOST_CODES = 200
EXAMPLE_CARD = "2900000000018"
_NEVER = "T1.EXAMPLE"
_PREVIEW = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'"
)


@router.get("/console/design")
async def page(request: Request, staff: Manager) -> HTMLResponse:
    """Name, colour, pictures; and the printed codes of the stores that the reader may act for."""
    async with request.app.state.process.pool.acquire() as connection:
        look = described(await store.find(connection))
        every = await terminals.every_store(connection)
        stores = [
            (each, await visit_store.codes(connection, each.code, FIRST, MOST_CODES))
            for each in every
            if each.active and (staff.stores is None or each.code in staff.stores)
        ]
    headers = {"Content-Security-Policy": policy(frame_src="'self'")}
    return PAGES.render(
        request, "design.html", headers=headers, look=look, stores=stores, zone=zone_of(request)
    )


@router.get("/console/design/preview")
async def preview(
    request: Request,
    staff: Manager,
    color: str = "",
    name_ja: Annotated[str, Query(max_length=40)] = "",
    name_en: Annotated[str, Query(max_length=40)] = "",
) -> HTMLResponse:
    """The card of an example member in a look that is being tried."""
    async with request.app.state.process.pool.acquire() as connection:
        look = await store.find(connection)
    brand = Shown(replace(look, name_ja=name_ja, name_en=name_en))
    if palette.is_color(color):
        brand.style = f"/static/brand.css?color=%23{color[1:]}"
    headers = {"Content-Security-Policy": _PREVIEW}
    example = _example(request)
    return card_pages.page(request, "design_preview.html", brand, headers=headers, shown=example)


@router.get("/console/design/sheet/{code}/{id}")
async def sheet(request: Request, staff: Manager, code: str, id: UUID) -> HTMLResponse:
    """A sheet to print and hang up."""
    async with request.app.state.process.pool.acquire() as connection:
        found = await visit_store.code(connection, id)
        named = await visit_store.store_named(connection, code)
        brand = await request.app.state.brand.shown(connection)
    outside = staff.stores is not None and code not in staff.stores
    if found is None or named is None or found.store != code or outside:
        raise no_code()
    shown = listed(request, found)
    return PAGES.render(
        request, "design_sheet.html", code=shown, qr=drawn(shown.url), store=named[1], brand=brand
    )


@router.get("/counter/visit-screen")
async def screen(request: Request, staff: Counter) -> HTMLResponse:
    """The code for visits, for the counter's second screen; its script keeps it fresh."""
    async with request.app.state.process.pool.acquire() as connection:
        named = await visit_store.store_named(connection, staff.store or "")
        brand = await request.app.state.brand.shown(connection)
    if named is None:
        raise no_code()
    return PAGES.render(
        request,
        "visit_screen.html",
        store=named[1],
        code=staff.store,
        seconds=STEP_SECONDS,
        brand=brand,
    )


def _example(request: Request) -> CardShown:
    """Somebody who never was, half way to a rank."""
    now = clock.now()
    following = schemas.NextRank(
        code="", name=card_pages.said(request, "ゴールド", "Gold"), missing={}, progress=60
    )
    rank = schemas.Rank(
        code="", name=card_pages.said(request, "シルバー", "Silver"), next=following
    )
    member = schemas.Member(
        id=ids.new_id(),
        card=EXAMPLE_CARD,
        status="active",
        rank=rank,
        next_rank=following,
        points=schemas.Points(balance=1_240, pending=0, held=0, expiring=[]),
        lifetime=schemas.Lifetime(earned=0, spent=0, visits=0),
        joined_at=now,
        last_visit_at=None,
    )
    last_day = now.astimezone(zone_of(request)).date() + datetime.timedelta(days=30)
    return CardShown(
        member=member,
        name=card_pages.said(request, "山田 花子", "Hanako Yamada"),
        tag="",
        stamp="",
        code=Code(codes_drawn.qr(_NEVER), 20),
        barcode=codes_drawn.ean13(EXAMPLE_CARD),
        next_rank=card_pages.said(
            request, "あと来店2回・120ポイントでゴールド", "2 more visits and 120 points to Gold"
        ),
        next_point=None,
        expiring=[Expiring(120, last_day)],
        history=History([], None, "all"),
        at=now,
    )
