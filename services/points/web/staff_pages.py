"""`/console/staff`, `/console/account`: who works here, and oneself."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from services.points.staff import invitations, sessions
from services.points.staff.devices import device_of
from services.points.store import audit as audit_store
from services.points.store import staff as store
from services.points.store import staff_codes, terminals
from services.points.store import staff_invitations as invitation_store
from services.points.store import staff_sessions as session_store
from services.points.store.audit import Wanted
from services.points.web import audit_pages, staff_invitations
from services.points.web import staff as staff_api
from services.points.web.account import one_time_codes
from services.points.web.card_shown import zone_of
from services.points.web.pages import PAGES
from shared import clock
from shared.bus.handling import Connection
from shared.web.staff import Anybody, OwnerOnly, SignIn

router = APIRouter(include_in_schema=False)

ROLES = {
    "owner": ("オーナー", "Owner"),
    "manager": ("マネージャー", "Manager"),
    "staff": ("スタッフ", "Staff"),
    "viewer": ("閲覧のみ", "Viewer"),
}
WAYS = {
    "password": ("パスワード", "Password"),
    "line": ("LINE", "LINE"),
    "pin": ("PIN", "PIN"),
    "invitation": ("招待", "Invitation"),
}


@router.get("/console/staff")
async def people(request: Request, staff: OwnerOnly) -> HTMLResponse:
    """Everybody, and invitations that are out."""
    now = clock.now()
    async with request.app.state.process.pool.acquire() as connection:
        found = await store.every(connection)
        living = await sessions.live_of(connection, [each.id for each in found])
        links = await invitation_store.good(connection, now - invitations.LIFE, now)
        names = await _store_names(connection)
    return PAGES.render(
        request,
        "staff.html",
        people=[staff_api.shown(each, living) for each in found],
        invitations=[staff_invitations.shown(request, each) for each in links],
        **_words(request, names),
    )


@router.get("/console/staff/{staff_id}")
async def person(request: Request, staff: OwnerOnly, staff_id: str) -> HTMLResponse:
    """Somebody: role, stores, where they are signed in, help when something was lost."""
    async with request.app.state.process.pool.acquire() as connection:
        found = await staff_api.there(connection, staff_id)
        living = await sessions.live_of(connection, [found.id])
        names = await _store_names(connection)
        wanted = Wanted(staff=found.id)
        acts = await audit_store.newest(connection, wanted, None, 10)
        actors = await audit_pages.actors_of(connection)
    return PAGES.render(
        request,
        "staff_person.html",
        person=staff_api.shown(found, living),
        sessions=[(each, device_of(each.device)) for each in living],
        acts=audit_pages.rows(request, acts, actors),
        **_words(request, names),
    )


@router.get("/console/account")
async def account(request: Request, staff: Anybody) -> HTMLResponse:
    """Oneself: password, PIN, one-time codes, LINE, sessions."""
    async with request.app.state.process.pool.acquire() as connection:
        found = await store.by_id(connection, staff.id)
        if found is None:
            raise SignIn
        session = await session_store.by_id(connection, staff.session_id)
        living = await sessions.live_of(connection, [staff.id])
        left = await staff_codes.codes_left(connection, staff.id)
        names = await _store_names(connection)
    return PAGES.render(
        request,
        "account.html",
        person=found,
        codes=one_time_codes(found),
        codes_left=left,
        sessions=[(each, device_of(each.device)) for each in living],
        pin_only=session is not None and session.way == "pin",
        with_line=request.app.state.line_sign_in is not None,
        said=request.query_params.get("line", ""),
        **_words(request, names),
    )


def _words(request: Request, names: dict[str, str]) -> dict[str, Any]:
    return {"roles": ROLES, "ways": WAYS, "stores": names, "zone": zone_of(request)}


async def _store_names(connection: Connection) -> dict[str, str]:
    return {each.code: each.name for each in await terminals.every_store(connection)}
