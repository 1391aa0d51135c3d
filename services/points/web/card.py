"""The member card in LINE: one page, its content for whoever LINE's ID token names.

The page trusts nothing that the browser says about who it is: the token goes to LINE for
verification, every time it is new. Who was verified some minutes ago is known by a cookie that only
reads (`card_session`), so that the card opens with its content in the first response.
"""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response

from services.points.settings import WebSettings
from services.points.store import cards as store
from services.points.store import leaving as leaving_store
from services.points.store.cards import Holder
from services.points.store.views import NEWEST
from services.points.web import card_pages, card_session, card_shown
from services.points.web.pages import PAGES
from shared.bus.handling import Connection
from shared.line_login import LineLogin, token_of
from shared.problems import Problem

router = APIRouter(prefix="/card", include_in_schema=False)
WORKER = PAGES.statics["/static/points"] / "card-worker.js"


class Card:
    """What the card's pages need besides the database."""

    def __init__(self, settings: WebSettings) -> None:
        self.settings = settings
        self.qr_keys = settings.qr_keys
        self._login = LineLogin(settings.line_api_base, settings.line_login_channel_id)

    async def user(self, token: str) -> str:
        """The LINE user behind an ID token. Raises Problem 401, or 503 when LINE is away."""
        return await self._login.user(token)

    async def close(self) -> None:
        """Close the client."""
        await self._login.close()


@router.get("")
async def page(request: Request) -> HTMLResponse:
    """The page: with the card in it for who looked at it just before, else what everybody may see;
    the rest follows once LINE has said who is looking."""
    async with request.app.state.process.pool.acquire() as connection:
        brand = await request.app.state.brand.shown(connection)
        holder = await card_session.reader(request, connection)
        shown = await card_shown.card(request, connection, holder) if holder else None
    return card_pages.page(request, "card.html", brand, shown=shown)


@router.get("/view")
async def view(request: Request) -> HTMLResponse:
    """The card of whoever the ID token names, as a fragment of the page."""
    user = await request.app.state.card.user(token_of(request))
    async with request.app.state.process.pool.acquire() as connection:
        brand = await request.app.state.brand.shown(connection)
        holder = await holder_of(connection, user)
        shown = await card_shown.card(request, connection, holder)
    response = card_pages.fragment(request, "card_view.html", brand=brand, shown=shown)
    card_session.grant(request, response, holder)
    return response


@router.get("/now")
async def now(request: Request) -> JSONResponse:
    """The code of this moment and whether the card has changed; with an ID token for whoever it
    names, who is then let look on, else for whom the cookie names."""
    user = await _user(request)
    async with request.app.state.process.pool.acquire() as connection:
        holder = await _looking(request, connection, user)
    code = card_shown.code(request, holder.id)
    said = {
        "qr": code.svg,
        "left": code.left,
        "tag": card_shown.tag(request, holder.id),
        "stamp": card_shown.stamp(request, holder),
    }
    response = JSONResponse(said, headers={"Cache-Control": "no-store"})
    if user is not None:
        card_session.grant(request, response, holder)
    return response


@router.get("/history")
async def history(
    request: Request,
    filter: Literal["all", "earned", "used", "other"] = "all",
    before: Annotated[UUID, Query()] = NEWEST,
) -> HTMLResponse:
    """Older rows of the history, or those of some kind."""
    user = await _user(request)
    async with request.app.state.process.pool.acquire() as connection:
        holder = await _looking(request, connection, user)
        found = await card_shown.history(request, connection, holder.id, filter, before)
    return card_pages.fragment(request, "card_entries.html", history=found)


@router.api_route("/worker.js", methods=["GET", "HEAD"])
async def worker() -> FileResponse:
    """The script that keeps the empty page on the device; it stands here to serve this address."""
    headers = {"Service-Worker-Allowed": "/card", "Cache-Control": "no-cache"}
    return FileResponse(WORKER, media_type="text/javascript", headers=headers)


@router.post("/session/end", status_code=204, response_class=Response)
async def end(request: Request) -> Response:
    """Let nobody look any more without LINE's word; for who signs out."""
    response = Response(status_code=204)
    card_session.end(request, response)
    return response


async def member_and_user(request: Request) -> Holder:
    """The member whom the request's ID token names. Raises Problem 401 or 404."""
    user = await request.app.state.card.user(token_of(request))
    async with request.app.state.process.pool.acquire() as connection:
        return await holder_of(connection, user)


async def _user(request: Request) -> str | None:
    """The LINE user of the request's ID token, if it shows one. Raises Problem 401."""
    if "authorization" not in request.headers:
        return None
    user: str = await request.app.state.card.user(token_of(request))
    return user


async def _looking(request: Request, connection: Connection, user: str | None) -> Holder:
    """Who looks: the LINE user, else whom the cookie names. Raises Problem 401 or 404."""
    if user is not None:
        return await holder_of(connection, user)
    holder = await card_session.reader(request, connection)
    if holder is None:
        raise Problem(401, "line-token", "Open the card from LINE.")
    return holder


async def member_of(request: Request) -> UUID:
    """The id of the member whom the request's ID token names. Raises Problem 401 or 404."""
    return (await member_and_user(request)).id


async def holder_of(connection: Connection, user: str) -> Holder:
    """The member of a LINE user. Raises Problem 404 for who is none, or has left."""
    found = await store.of_user(connection, user)
    if found is not None:
        return found
    if await leaving_store.farewells(connection, [user]):
        raise Problem(404, "member-left", "You have left. Follow the account anew to join again.")
    raise Problem(404, "not-a-member-yet", "Add the shop's LINE account as a friend first.")
