"""`/console/stores`: stores, the keys of their tills, and what to print and hang up."""

import re
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse

from services.points.store import routes as routes_store
from services.points.store import terminals
from services.points.store import visits as visits_store
from services.points.store.terminals import Listed, Store
from services.points.web.pages import PAGES
from services.points.web.reports import shop_zone
from services.points.web.terminals import NONE, stops
from shared import clock
from shared.bus.handling import Connection
from shared.problems import Problem
from shared.web.staff import Manager, OwnerOnly, Staff, Viewer

router = APIRouter(include_in_schema=False)

MOST_KEYS = 500
Code = Annotated[str, Path(max_length=100, pattern=r"^[^\x00]+$")]
RouteCode = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]


@router.get("/console/stores")
async def page(request: Request, staff: Viewer) -> HTMLResponse:
    """All stores, and for the owner all keys."""
    async with request.app.state.process.pool.acquire() as connection:
        stores = [each for each in await terminals.every_store(connection) if _sees(staff, each)]
        keys = await _keys(connection, None) if staff.role == "owner" else []
    return PAGES.render(
        request,
        "stores.html",
        stores=stores,
        keys=keys,
        tills=_tills(keys),
        names={each.code: each.name for each in stores},
        **_about(request),
    )


@router.get("/console/stores/keys/{key_id}")
async def key(request: Request, staff: OwnerOnly, key_id: UUID) -> HTMLResponse:
    """One key: how to connect a till with it, its replacement, its end."""
    async with request.app.state.process.pool.acquire() as connection:
        found = await terminals.find(connection, key_id, clock.now())
        if found is None:
            raise Problem(404, "unknown-key", "この鍵はありません。 There is no such key.")
        stores = await terminals.every_store(connection)
        last = not await terminals.others_of(connection, found.kind, key_id)
    return PAGES.render(
        request,
        "store_key.html",
        key=found,
        stores=[each for each in stores if each.active or each.code == found.store],
        stops=stops(found.kind, last),
        now=clock.now().astimezone(shop_zone(request.app.state.rulebook)).isoformat("T", "seconds"),
        **_about(request),
    )


@router.get("/console/stores/{code}")
async def store(request: Request, staff: Viewer, code: Code) -> HTMLResponse:
    """One store: what is told of it, its keys, its posters and codes."""
    async with request.app.state.process.pool.acquire() as connection:
        there = await _found(connection, staff, code)
        keys = await _keys(connection, code) if staff.role == "owner" else []
        posters = await routes_store.of_store(connection, code)
        printed = await visits_store.codes(connection, code, NONE, 100)
    return PAGES.render(
        request,
        "store.html",
        store=there,
        keys=keys,
        posters=posters,
        printed=printed,
        poster_code=_poster_code(code),
        **_about(request),
    )


@router.get("/console/stores/{code}/posters/{route}")
async def poster(request: Request, staff: Viewer, code: Code, route: RouteCode) -> HTMLResponse:
    """A sheet to print: whoever scans it becomes a friend and a member."""
    async with request.app.state.process.pool.acquire() as connection:
        there = await _found(connection, staff, code)
        found = await routes_store.find(connection, route)
    if found is None or found.store != code:
        raise _nothing()
    picture = f"/v1/routes/{route}/qr.svg"
    return PAGES.render(request, "store_sheet.html", store=there, picture=picture, visit=None)


@router.get("/console/stores/{code}/visit-codes/{id}")
async def visit_code(request: Request, staff: Manager, code: Code, id: UUID) -> HTMLResponse:
    """A sheet to print: whoever scans it has come today."""
    async with request.app.state.process.pool.acquire() as connection:
        there = await _found(connection, staff, code)
        printed = await visits_store.codes(connection, code, NONE, 100)
    found = next((each for each in printed if each.id == id), None)
    if found is None:
        raise _nothing()
    picture = f"/v1/stores/{code}/printed-codes/{id}/qr.svg"
    return PAGES.render(request, "store_sheet.html", store=there, picture=picture, visit=found)


def _about(request: Request) -> dict[str, Any]:
    """What every page of stores needs: where tills post, and the shop's clock."""
    own = request.app.state.settings.public_url or str(request.base_url)
    return {"api": own.rstrip("/"), "zone": shop_zone(request.app.state.rulebook)}


async def _keys(connection: Connection, store_code: str | None) -> list[Listed]:
    found = await terminals.page(connection, clock.now(), NONE, store_code, False, MOST_KEYS)
    return sorted(found, key=lambda each: (each.store or "", each.name))


def _tills(keys: list[Listed]) -> dict[str | None, int]:
    """How many tills' keys each store has; None: those for any store."""
    tills = [each.store for each in keys if each.kind == "pos"]
    return {code: tills.count(code) for code in set(tills)}


async def _found(connection: Connection, staff: Staff, code: str) -> Store:
    for each in await terminals.every_store(connection):
        if each.code == code and _sees(staff, each):
            return each
    raise Problem(404, "unknown-store", "この店舗はありません。 There is no such store.")


def _sees(staff: Staff, store: Store) -> bool:
    return staff.stores is None or store.code in staff.stores


def _nothing() -> Problem:
    return Problem(404, "unknown-code", "このコードはありません。 There is no such code.")


def _poster_code(code: str) -> str:
    """What a store's first route of joining is called: lower case letters, digits, hyphens."""
    plain = re.sub(r"[^a-z0-9]+", "-", code.lower()).strip("-")
    return f"store-{plain}"[:40].rstrip("-")
