"""`/notices`: which notices a customer gets, as a part of the member card, for whoever LINE's ID
token names.

The card's page, which points serves under the same origin, asks for the fragment; it is whole and
escaped, and its script is `/static/notify/notices.js`.
"""

from pathlib import Path
from typing import Literal

import jinja2
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict

from services.notify.categories import CATEGORIES, OPTIONAL
from services.notify.store import preferences as store
from services.notify.store.preferences import Choice
from shared import clock
from shared.bus.handling import Connection
from shared.line_login import LineLogin, token_of
from shared.problems import Problem
from shared.web.acting import acting
from shared.web.language import language_of

PAGES = Path(__file__).parent.parent / "pages"
TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(PAGES / "templates"), autoescape=True, trim_blocks=True
)
ABOUT = {
    "receipt": ("お買い物やご利用のたびに", "With every purchase and use"),
    "rank": ("ランクが上がったとき", "When you reach a rank"),
    "expiry": ("ポイントやランクの期限が近いとき", "Before points or a rank are lost"),
    "campaign": ("キャンペーンやクーポン", "Campaigns and coupons"),
}

router = APIRouter(prefix="/notices", include_in_schema=False)


class Wanted(BaseModel):
    """One switch, as it was moved."""

    model_config = ConfigDict(extra="forbid")

    category: Literal["receipt", "rank", "expiry", "campaign"]
    receive: bool


@router.get("/view")
async def view(request: Request) -> HTMLResponse:
    """The switches as they are."""
    user = await _user(request)
    async with request.app.state.process.pool.acquire() as connection:
        return await _fragment(request, connection, user)


@router.post("/choices")
async def choose(request: Request, body: Wanted) -> HTMLResponse:
    """Move one switch; what waits to be said of it is given up."""
    user = await _user(request)
    async with acting(request) as batch:
        if not await store.is_recipient(batch.connection, user):
            raise Problem(404, "not-a-member-yet", "Add the shop's LINE account as a friend first.")
        now = clock.now()
        choice = Choice(user, body.category, not body.receive, now, "card")
        await store.choose(batch.connection, [choice], now)
        return await _fragment(request, batch.connection, user)


async def _user(request: Request) -> str:
    login: LineLogin = request.app.state.line_login
    return await login.user(token_of(request))


async def _fragment(request: Request, connection: Connection, user: str) -> HTMLResponse:
    stopped = (await store.stopped(connection, [user]))[user]
    english = language_of(request) == "en"
    switches = [
        {
            "category": category,
            "name": CATEGORIES[category].en if english else CATEGORIES[category].ja,
            "about": ABOUT[category][english],
            "on": category not in stopped,
        }
        for category in OPTIONAL
    ]
    html = TEMPLATES.get_template("notices.html").render(en=english, switches=switches)
    return HTMLResponse(html, headers={"Cache-Control": "no-store"})
