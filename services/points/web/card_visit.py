"""`/card/visit`: what a store's QR code leads to. Whoever scans it is counted as having come.

A code on the screen is good for a minute at most, but signing in may take longer: who opens it in
time gets a ticket in a cookie, good for that code in that browser only. The same scan counts once,
however often it is sent.
"""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, ConfigDict, StringConstraints

from services.points.errors import VisitRefused
from services.points.purchases import visiting
from services.points.purchases.visiting import VISIT, Place
from services.points.rules import qr, visit_codes
from services.points.settings import WebSettings
from services.points.store import requests as request_store
from services.points.store import visits as store
from services.points.store.cards import Holder
from services.points.store.requests import Settled
from services.points.web import card_pages, card_session, card_shown, summary
from services.points.web.card import holder_of
from services.points.web.profiles import refusals
from shared import clock, ids
from shared.bus.handling import Batch, Connection
from shared.keys import Keys
from shared.line_login import token_of
from shared.web.acting import acting, body_hash

router = APIRouter(prefix="/card/visit", include_in_schema=False)

TICKET = "tamaru_visit"
TICKET_LIVES = timedelta(minutes=5)
CUSTOMER = "customer"
STATUS = {"expired": 410, "forged": 404, "no-store": 404, "revoked": 410}


class Scanned(BaseModel):
    """What the QR code said: the code, alone or within its address. `act` names this scan."""

    model_config = ConfigDict(extra="forbid")

    code: Annotated[str, StringConstraints(min_length=1, max_length=300)]
    act: Annotated[str, StringConstraints(min_length=8, max_length=64, pattern=r"^[\w-]+$")]


@router.get("")
async def opened(request: Request, c: str = "") -> Response:
    """The page that a code leads to; its script says who looks. A code that is over is told so."""
    settings: WebSettings = request.app.state.settings
    brand = await card_pages.brand_of(request)
    keys, now = _keys(request), clock.now()
    opened_before = _was_opened(request, c)
    try:
        keys.opened(lambda key: visit_codes.read(key, c, now), qr.Forged)
    except qr.Refused as refused:
        reason = "expired" if isinstance(refused, qr.Expired) else "forged"
        if not opened_before:
            status = STATUS[reason]
            return card_pages.page(
                request, "visit.html", brand, status=status, code="", reason=reason, visit=None
            )
    response = card_pages.page(request, "visit.html", brand, code=c, reason="", visit=None)
    if not opened_before:
        response.set_cookie(
            TICKET,
            visit_codes.ticket(keys.new, c, now),
            max_age=int(TICKET_LIVES.total_seconds()),
            path="/card/visit",
            secure=settings.public_url.startswith("https://"),
            httponly=True,
            samesite="lax",
        )
    return response


@router.post("")
async def count(request: Request, body: Scanned) -> HTMLResponse:
    """Count the visit of whoever the ID token names, and say what it earned, or why it does not
    count."""
    user = await request.app.state.card.user(token_of(request))
    try:
        async with acting(request) as batch, refusals():
            holder = await holder_of(batch.connection, user)
            place, name = await _place(request, batch.connection, body.code)
            visit = await _count(request, batch, holder, place, body)
            shown = await _shown(request, batch.connection, holder, visit, name)
    except VisitRefused as refused:
        status = STATUS.get(refused.reason, 409)
        return card_pages.fragment(
            request, "visit_result.html", status=status, reason=refused.reason, visit=None
        )
    response = card_pages.fragment(request, "visit_result.html", reason="", visit=shown)
    card_session.grant(request, response, holder)
    return response


async def _place(request: Request, connection: Connection, text: str) -> tuple[Place, str]:
    """Where the code hangs or stands, and the store's name. Raises VisitRefused."""
    token = _token(text)
    code = _read(request, token)
    if code.store is not None:
        found = await store.store_of(connection, code.store)
        if found is None:
            raise VisitRefused("no-store")
        return Place(found[0], code.store), found[1]
    printed = await store.code(connection, code.printed or UUID(int=0))
    if printed is None or printed.revoked_at is not None:
        raise VisitRefused("revoked")
    named = await store.store_named(connection, printed.store)
    if named is None:
        raise VisitRefused("no-store")
    return Place(printed.store, printed.id, printed), named[1]


def _keys(request: Request) -> Keys[bytes]:
    keys: Keys[bytes] = request.app.state.card.qr_keys
    return keys


def _was_opened(request: Request, token: str) -> bool:
    """Whether this browser opened the code while it was good, minutes ago at most."""
    ticket, now = _ticket(request), clock.now()
    return any(
        visit_codes.opened(key, token, ticket, now, TICKET_LIVES) for key in _keys(request).all
    )


def _read(request: Request, token: str) -> visit_codes.Code:
    """The code, if it is good now or was when this browser opened it. Raises VisitRefused."""
    keys, now = _keys(request), clock.now()
    try:
        if _was_opened(request, token):
            return keys.opened(lambda key: visit_codes.genuine(key, token), qr.Forged)
        return keys.opened(lambda key: visit_codes.read(key, token, now), qr.Forged)
    except qr.Expired:
        raise VisitRefused("expired") from None
    except qr.Forged:
        raise VisitRefused("forged") from None


async def _count(
    request: Request, batch: Batch, holder: Holder, place: Place, body: Scanned
) -> UUID:
    """Count it once: a code on the screen once a member, a printed one once for each scan. Returns
    the visit's id, also where it was counted before."""
    scan = body.act if place.printed else _token(body.code)
    id = ids.derived_id("visit", str(holder.id), str(place.by), scan)
    digest = body_hash(VISIT, {"member": str(holder.id), "by": str(place.by)})
    asked = request_store.Request(id, place.by, scan[:255], digest)
    if await request_store.claim(batch.connection, VISIT, [asked], clock.now()):
        rulebook = request.app.state.rulebook
        entry = await visiting.count(batch, rulebook, holder.id, place, cause=id, actor=CUSTOMER)
        settled = Settled(id, "done", holder.id, str(entry))
        await request_store.settle(batch.connection, [settled])
    return id


async def _shown(
    request: Request, connection: Connection, holder: Holder, visit: UUID, store_name: str
) -> dict[str, Any]:
    row = await store.find(connection, holder.id, visit)
    member = (await summary.members(connection, request.app.state.rulebook, [holder.id]))[0]
    following = card_shown.next_rank(request, member.next_rank)
    return {"store": store_name, "points": row["points"], "member": member, "next_rank": following}


def _token(text: str) -> str:
    """The code within what was scanned, which may be its whole address."""
    return text.rpartition("c=")[2].partition("&")[0].strip().upper()


def _ticket(request: Request) -> str:
    return request.cookies.get(TICKET, "")
