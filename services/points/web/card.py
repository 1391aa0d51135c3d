"""The member card in LINE: one page, its content for whoever LINE's ID token names.

The page trusts nothing that the browser says about who it is: the token goes to LINE for
verification, every time it is new. Words are Japanese first, English for those who prefer it.
"""

from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import barcode
import jinja2
import segno
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from services.points.rules import explain, qr, rank_words
from services.points.settings import LINE, WebSettings
from services.points.store import leaving as leaving_store
from services.points.store import members as store
from services.points.store import views
from services.points.web import schemas, summary
from shared import clock
from shared.line_login import LineLogin, token_of
from shared.problems import Problem

PAGES = Path(__file__).parent.parent / "pages"
TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(PAGES / "templates"), autoescape=True, trim_blocks=True
)
ENTRIES = 20
MOST_EXPIRING = 2
QUIET = 11  # modules of white beside the bars, as EAN-13 wants

router = APIRouter(prefix="/card", include_in_schema=False)


class Card:
    """What the card's pages need besides the database."""

    def __init__(self, settings: WebSettings, qr_key: bytes) -> None:
        self.settings = settings
        self.qr_key = qr_key
        self._login = LineLogin(settings.line_api_base, settings.line_login_channel_id)

    async def user(self, token: str) -> str:
        """The LINE user behind an ID token. Raises Problem 401, or 503 when LINE is away."""
        return await self._login.user(token)

    async def close(self) -> None:
        """Close the client."""
        await self._login.close()


@router.get("")
async def page(request: Request) -> HTMLResponse:
    """The page; its content follows once LINE has said who is looking."""
    card: Card = request.app.state.card
    settings = card.settings
    html = TEMPLATES.get_template("card.html").render(
        lang=language_of(request), liff_id=settings.liff_id, sdk=settings.liff_sdk
    )
    return HTMLResponse(html, headers={"Content-Security-Policy": policy(settings)})


@router.get("/view")
async def view(request: Request) -> HTMLResponse:
    """The card of whoever the ID token names, as a fragment of the page."""
    card: Card = request.app.state.card
    member_id = await member_of(request)
    async with request.app.state.process.pool.acquire() as connection:
        found = await summary.members(connection, request.app.state.rulebook, [member_id])
        rows = await views.entries(connection, member_id, views.NEWEST, ENTRIES)
    member = found[0]
    html = TEMPLATES.get_template("card_view.html").render(
        lang=language_of(request),
        member=member,
        barcode=_barcode(member.card),
        qr=_qr(qr.make(card.qr_key, member_id, clock.now())),
        next_rank=_next_rank(request, member.next_rank),
        next_point=_next_point(request, member.points.missing_amount),
        expiring=_expiring(member.points, request.app.state.rulebook.current().program.zone),
        entries=[_entry(row, language_of(request)) for row in rows],
    )
    return HTMLResponse(html, headers={"Cache-Control": "no-store"})


@router.get("/qr")
async def code(request: Request) -> Response:
    """A fresh rotating code, as a picture."""
    card: Card = request.app.state.card
    token = qr.make(card.qr_key, await member_of(request), clock.now())
    return Response(_qr(token), media_type="image/svg+xml", headers={"Cache-Control": "no-store"})


async def member_of(request: Request) -> UUID:
    """The member whom the request's ID token names. Raises Problem 401 or 404."""
    user = await request.app.state.card.user(token_of(request))
    async with request.app.state.process.pool.acquire() as connection:
        found = await store.by(connection, "line_user_id", [user])
        gone = {} if found else await leaving_store.farewells(connection, [user])
    if gone:
        raise Problem(404, "member-left", "You have left. Follow the account anew to join again.")
    if not found:
        raise Problem(404, "not-a-member-yet", "Add the shop's LINE account as a friend first.")
    return found[0].id


def language_of(request: Request) -> str:
    """The language that the reader prefers: ja or en."""
    return "en" if request.headers.get("accept-language", "").lower().startswith("en") else "ja"


def _next_rank(request: Request, following: schemas.NextRank | None) -> str | None:
    """What is missing to the next rank, in a sentence."""
    if following is None:
        return None
    currency = request.app.state.rulebook.current().program.currency
    words = rank_words.to_next(following.missing, following.name, currency)
    return str(getattr(words, language_of(request)))


def _expiring(points: schemas.Points, zone: ZoneInfo) -> list[tuple[int, date]]:
    """The soonest points that expire, with the last day on which they are good."""
    second = timedelta(seconds=1)
    found = [(each.points, (each.at - second).astimezone(zone).date()) for each in points.expiring]
    return found[:MOST_EXPIRING]


def _next_point(request: Request, amount: int | None) -> str | None:
    """For how much one has to buy to get the next point, in a sentence."""
    if amount is None:
        return None
    program = request.app.state.rulebook.current().program
    taxed = program.accrual.base_amount == "tax_included"
    words = explain.next_point(amount, program.currency, taxed)
    return str(getattr(words, language_of(request)))


def _entry(row: Any, lang: str) -> dict[str, Any]:
    words = summary.explanation(row["kind"], row["source"], row["amount"], row["explanation"])
    lines = words.text[lang].splitlines()
    title = getattr(explain.title(row["kind"], row["source"], row["amount"]), lang)
    return {"amount": row["amount"], "at": row["occurred_at"], "title": title, "lines": lines}


def _barcode(card: str) -> str:
    """The card's EAN-13 as SVG, one path of bars (the library's own has inline styles)."""
    modules = barcode.get("ean13", card).build()[0]
    bars = "".join(f"M{x} 0h1v60h-1z" for x, module in enumerate(modules, QUIET) if module != "0")
    width = len(modules) + 2 * QUIET
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 60" '
        f'preserveAspectRatio="none" shape-rendering="crispEdges"><path d="{bars}"/></svg>'
    )


def _qr(token: str) -> str:
    return segno.make(token, error="m", micro=False).svg_inline(scale=5, border=2, omitsize=True)


def policy(settings: WebSettings) -> str:
    """Only our own script and LINE's; framed by nobody but the sandbox's phone."""
    sdk = "/".join(settings.liff_sdk.split("/")[:3])
    if settings.line_api_base == LINE:
        api, frame = "https://api.line.me https://liffsdk.line-scdn.net", "'none'"
    else:
        api, frame = sdk, sdk
    return (
        f"default-src 'none'; script-src 'self' {sdk}; style-src 'self'; img-src 'self' data:; "
        f"connect-src 'self' {api}; base-uri 'none'; form-action 'none'; frame-ancestors {frame}"
    )
