"""`/join/{code}`: where a route's QR code leads, and on to the shop's LINE account.

LINE says who somebody is under the card's address only, so the printed page leads into LINE, to
`/card/join/{code}`; that one notes by which route who came (`attribution`) and leads on to the
account. Where either leads stands in the settings: nothing in the request decides it.
"""

import re

import segno
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel

from services.points.routes import attribution
from services.points.settings import LINE, WebSettings
from services.points.store import routes as store
from services.points.store.routes import Route
from services.points.web import card_pages
from services.points.web.routes import CODE
from shared.problems import Problem
from shared.web.acting import acting

router = APIRouter(include_in_schema=False)

_code = re.compile(CODE.removesuffix("$"))
_HEADERS = {"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors {frame}"
)


class Visited(BaseModel):
    """Where to go on: LINE's page to add the account, if the shop has told its id."""

    next: str | None
    member: bool


@router.get("/join/{code}")
async def landing(request: Request, code: str) -> Response:
    """What somebody sees who scans the code: in LINE at once the next page, elsewhere a page that
    leads there."""
    settings: WebSettings = request.app.state.settings
    route = await _route(request, code)
    if route is None:
        return await _page(request, "join_unknown.html", 404)
    inside = _inside_line(settings, route.code)
    if " Line/" in request.headers.get("user-agent", ""):
        return RedirectResponse(inside, 302, headers=_HEADERS)
    here = f"{settings.public_url.rstrip('/')}/join/{route.code}"
    qr = segno.make_qr(here, error="m").svg_inline(scale=5, border=2, omitsize=True)
    return await _page(
        request, "join.html", 200, inside=inside, qr=qr if settings.public_url else ""
    )


@router.get("/card/join/{code}")
async def opened(request: Request, code: str) -> Response:
    """The page in LINE; its script says who looks."""
    route = await _route(request, code)
    if route is None:
        return await _page(request, "join_unknown.html", 404)
    brand = await card_pages.brand_of(request)
    return card_pages.page(request, "join_open.html", brand, headers=_HEADERS, code=route.code)


@router.post("/card/join/{code}", response_model=Visited)
async def visited(request: Request, code: str) -> Visited:
    """Note by which route the LINE user of the ID token comes."""
    route = await _route(request, code)
    if route is None:
        raise Problem(404, "no-such-route", "There is no route with this code.")
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Problem(401, "line-token", "Open the page from LINE.")
    user = await request.app.state.card.user(token)
    async with acting(request) as batch:
        await attribution.visit(batch, route.code, user)
        member = await store.joined(batch.connection, user)
    settings: WebSettings = request.app.state.settings
    return Visited(next=settings.add_friend_address or None, member=member is not None)


async def _route(request: Request, code: str) -> Route | None:
    if not _code.fullmatch(code):
        return None
    async with request.app.state.process.pool.acquire() as connection:
        return await store.find(connection, code)


def _inside_line(settings: WebSettings, code: str) -> str:
    """The page behind the card's LIFF address; what stands in for LINE has no such address."""
    if settings.line_api_base == LINE:
        return f"https://liff.line.me/{settings.liff_id}/join/{code}"
    return f"/card/join/{code}"


async def _page(request: Request, template: str, status: int, **given: str) -> HTMLResponse:
    settings: WebSettings = request.app.state.settings
    at_line = settings.line_api_base == LINE
    frame = "'none'" if at_line else "/".join(settings.liff_sdk.split("/")[:3])
    headers = {**_HEADERS, "Content-Security-Policy": _POLICY.format(frame=frame)}
    brand = await card_pages.brand_of(request)
    return card_pages.page(request, template, brand, status=status, headers=headers, **given)
