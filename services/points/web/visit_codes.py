"""`/v1/stores/{code}/visit-code` and `/printed-codes`: QR codes that count a visit for who scans
them. One changes on the counter's screen every 30 seconds; printed ones hang there, count so often
a day, and can be revoked. What scanning does: `card_visit`.
"""

import io
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

import segno
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.points.rules import visit_codes
from services.points.settings import LINE, WebSettings
from services.points.store import visits as store
from services.points.store.visits import PrintedCode
from services.points.web.requests import keyed
from shared import clock
from shared.api_keys import Key
from shared.bus.handling import Connection
from shared.problems import Problem
from shared.web import schemas as common
from shared.web.acting import IdempotencyKey, acting, audited
from shared.web.auth import Owner, Writer

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    404: {"model": common.Problem, "description": "No such store or code"}
}
router = APIRouter(prefix="/v1/stores", tags=["visits"], responses=_PROBLEMS)

StoreCode = Annotated[str, Path(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Label = Annotated[
    str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Times = Annotated[int, Field(strict=True, ge=1, le=100)]
Visits = Annotated[int, Field(strict=True, ge=1, le=100_000)]
FIRST = UUID(int=0)
PNG_SCALE = 20
_SVG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/svg+xml": {"schema": {"type": "string"}}}}
}
_PNG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}
}


class VisitCode(BaseModel):
    """What the counter's screen shows until `changes_at`; it is good for 30 seconds more. `url` is
    what the QR code `svg` holds."""

    store: str
    code: str
    url: str
    changes_at: datetime
    svg: str


class NewPrintedCode(BaseModel):
    """A code to hang in the store. `label`: where it hangs; it counts `per_member` visits of a
    member and `per_day` of everybody in a day."""

    model_config = ConfigDict(extra="forbid")

    label: Label
    per_member: Times = 1
    per_day: Visits = 500


class Printed(BaseModel):
    """A printed code. `url` is what its QR code holds; revoked, it counts nothing any more."""

    id: UUID
    store: str
    label: str
    per_member: int
    per_day: int
    url: str
    made_at: datetime
    revoked_at: datetime | None


class PrintedPage(BaseModel):
    """A page of printed codes, oldest first."""

    items: list[Printed]
    next: str | None


@router.get("/{code}/visit-code", response_model=VisitCode)
async def shown(request: Request, response: Response, key: Writer, code: StoreCode) -> VisitCode:
    """The code for the counter's screen now. Ask again at `changes_at`."""
    async with request.app.state.process.pool.acquire() as connection:
        id = await _store(connection, key, code)
    now = clock.now()
    token = visit_codes.on_screen(_secret(request), id, now)
    url = address(request.app.state.settings, token)
    response.headers["Cache-Control"] = "no-store"
    return VisitCode(
        store=code, code=token, url=url, changes_at=visit_codes.changes_at(now), svg=drawn(url)
    )


@router.post("/{code}/printed-codes", status_code=201, response_model=Printed)
async def add(
    request: Request, key: Owner, code: StoreCode, body: NewPrintedCode, idem: IdempotencyKey
) -> Printed:
    """Make a code to print and hang in the store."""
    named = {"store": code, **body.model_dump()}
    async with keyed(request, key, idem, "printed-code", named) as act:
        connection = act.batch.connection
        await _store(connection, key, code)
        if act.known is None:
            made = PrintedCode(act.id, code, **body.model_dump(), made_at=clock.now())
            await store.add(connection, made)
            told = {"printed_code": str(act.id), **named}
            audited(request, f"store:{code}", before=None, after=told)
        found = await store.code(connection, act.id)
    assert found is not None  # noqa: S101 - it was added under this key
    return listed(request, found)


@router.get("/{code}/printed-codes", response_model=PrintedPage)
async def every(
    request: Request,
    key: Owner,
    code: StoreCode,
    after: Annotated[UUID | None, Query(alias="cursor")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> PrintedPage:
    """A store's printed codes, the revoked ones too; `cursor` is the `next` of the page before."""
    async with request.app.state.process.pool.acquire() as connection:
        await _store(connection, key, code)
        rows = await store.codes(connection, code, after or FIRST, limit)
    following = str(rows[-1].id) if len(rows) == limit else None
    return PrintedPage(items=[listed(request, row) for row in rows], next=following)


@router.delete("/{code}/printed-codes/{id}", response_model=Printed)
async def revoke(request: Request, key: Owner, code: StoreCode, id: UUID) -> Printed:
    """Revoke a printed code: who scans it from now on is told that it counts no more."""
    async with acting(request) as batch:
        await _store(batch.connection, key, code)
        known = await store.code(batch.connection, id)
        found = await store.revoke(batch.connection, code, id, clock.now())
        if known is None or found is None:
            raise no_code()
        before = {"printed_code": str(id), "revoked_at": known.revoked_at}
        after = {"printed_code": str(id), "revoked_at": found.revoked_at}
        audited(request, f"store:{code}", before=before, after=after)
    return listed(request, found)


@router.get("/{code}/printed-codes/{id}/qr.svg", response_class=Response, responses=_SVG)
async def svg(request: Request, key: Owner, code: StoreCode, id: UUID) -> Response:
    """The QR code for print, at any size."""
    picture = io.BytesIO()
    qr = await _qr(request, key, code, id)
    qr.save(picture, kind="svg", scale=10, border=4, light="#fff")
    return Response(picture.getvalue(), media_type="image/svg+xml")


@router.get("/{code}/printed-codes/{id}/qr.png", response_class=Response, responses=_PNG)
async def png(request: Request, key: Owner, code: StoreCode, id: UUID) -> Response:
    """The QR code as a picture of about 1,000 pixels."""
    picture = io.BytesIO()
    (await _qr(request, key, code, id)).save(picture, kind="png", scale=PNG_SCALE, border=4)
    return Response(picture.getvalue(), media_type="image/png")


def address(settings: WebSettings, token: str) -> str:
    """Where a code leads: into LINE, to the card's page of visits; what stands in for LINE has no
    such address of its own."""
    query = f"visit?c={quote(token)}"
    if settings.line_api_base == LINE:
        return f"https://liff.line.me/{settings.liff_id}/{query}"
    return f"{settings.public_url.rstrip('/')}/card/{query}"


def listed(request: Request, row: PrintedCode) -> Printed:
    """A printed code as the API shows it."""
    token = visit_codes.in_print(_secret(request), row.id)
    url = address(request.app.state.settings, token)
    return Printed(
        id=row.id,
        store=row.store,
        label=row.label,
        per_member=row.per_member,
        per_day=row.per_day,
        url=url,
        made_at=row.made_at,
        revoked_at=row.revoked_at,
    )


def no_code() -> Problem:
    """The store has no such printed code."""
    return Problem(404, "no-such-code", "This store has no printed code with this id.")


async def _store(connection: Connection, key: Key, code: str) -> UUID:
    found = await store.store_named(connection, code)
    if found is None:
        raise Problem(404, "unknown-store", "There is no store with this code.")
    if not key.covers(code):
        raise Problem(403, "other-store", "You may not act for this store.")
    return found[0]


async def _qr(request: Request, key: Key, code: str, id: UUID) -> segno.QRCode:
    async with request.app.state.process.pool.acquire() as connection:
        await _store(connection, key, code)
        found = await store.code(connection, id)
    if found is None or found.store != code:
        raise no_code()
    return segno.make_qr(listed(request, found).url, error="q")


def drawn(url: str) -> str:
    """An address as a QR code within a page."""
    return segno.make_qr(url, error="m").svg_inline(scale=5, border=2, omitsize=True)


def _secret(request: Request) -> bytes:
    key: bytes = request.app.state.card.qr_keys.new
    return key
