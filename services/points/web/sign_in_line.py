"""`/session/line`: in with LINE, by an invitation too; or LINE linked to one's own account."""

import hmac
from typing import Literal
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from services.points.errors import LinkOver, LoginTaken
from services.points.staff import invitations, line_sign_in, sessions, tickets
from services.points.staff.line_sign_in import LineRefused, LineSignIn
from services.points.store import staff as store
from services.points.web import entering, invitation_page, sign_in
from services.points.web.entering import secret_of, session_cookie
from shared import clock
from shared.problems import Problem
from shared.web.acting import acting, audited
from shared.web.staff import own_path, session_expired

router = APIRouter(include_in_schema=False)

_NOTE = "tamaru_line"
ACCOUNT = "/console/account"


class Trip(msgspec.Struct, frozen=True):
    """What a browser takes along to LINE and must bring back; `detail` is an invitation's code, or
    the session that LINE is to be linked to."""

    state: str
    nonce: str
    verifier: str
    purpose: Literal["sign-in", "invitation", "link"]
    next: str
    detail: str = ""


@router.get("/session/line")
async def leave(request: Request, next: str = "", link: str = "", invitation: str = "") -> Response:
    """To LINE."""
    line = _line(request)
    purpose: Literal["sign-in", "invitation", "link"] = "sign-in"
    detail = ""
    if invitation:
        purpose, detail = "invitation", invitation[:100]
    elif link:
        purpose, detail = "link", await _session(request)
    state, nonce, verifier = (line_sign_in.random_text() for _ in range(3))
    trip = Trip(state, nonce, verifier, purpose, own_path(next, ""), detail)
    address = line.address(state=trip.state, nonce=trip.nonce, verifier=trip.verifier)
    response = RedirectResponse(address, 303, headers=entering.NO_STORE)
    entering.set_note(
        request, response, _NOTE, tickets.write(secret_of(request), trip, clock.now())
    )
    return response


@router.get(line_sign_in.CALLBACK)
async def back(request: Request, code: str = "", state: str = "") -> Response:
    """Back from LINE, which is believed only about the trip that this browser began."""
    line = _line(request)
    note = entering.note_of(request, _NOTE)
    trip = tickets.read(entering.keys_of(request), note, Trip, clock.now())
    response = await _arrived(request, line, trip, code, state)
    entering.drop_note(request, response, _NOTE)
    return response


async def _arrived(
    request: Request, line: LineSignIn, trip: Trip | None, code: str, state: str
) -> Response:
    if trip is None or not hmac.compare_digest(trip.state.encode(), state.encode()) or not code:
        return _failed(request, trip)
    try:
        user = await line.user(code, nonce=trip.nonce, verifier=trip.verifier)
    except LineRefused:
        return _failed(request, trip)
    if trip.purpose == "link":
        return await _link(request, trip, user)
    if trip.purpose == "invitation":
        return await _accept(request, trip, user)
    async with request.app.state.process.pool.acquire() as connection:
        person = await store.by_line(connection, user)
    if person is None or not person.active:
        return sign_in.form(request, trip.next, problem="line-unknown")
    return await entering.admit(request, person, "line", trip.next)


async def _accept(request: Request, trip: Trip, user: str) -> Response:
    try:
        async with acting(request) as batch:
            person = await invitations.accept(batch, trip.detail, line_user_id=user)
    except LinkOver:
        return invitation_page.over(request)
    except LoginTaken:
        return sign_in.form(request, "", problem="line-taken")
    return await entering.admit(request, person, "line", "")


async def _link(request: Request, trip: Trip, user: str) -> Response:
    async with acting(request) as batch:
        found = await sessions.find(batch.connection, session_cookie(request))
        if found is None or str(found[0].id) != trip.detail:
            return entering.to_sign_in(request, ACCOUNT)
        _, person = found
        request.state.staff = await sessions.renew(
            batch.connection, session_cookie(request), secret_of(request)
        )
        linked = await store.put_line(batch.connection, person.id, user, clock.now())
        before = {"line": person.line_user_id is not None}
        after = {"line": linked or before["line"]}
        audited(request, f"staff:{person.id}", before=before, after=after)
    return _to_account("linked" if linked else "taken")


def _failed(request: Request, trip: Trip | None) -> Response:
    if trip is not None and trip.purpose == "link":
        return _to_account("failed")
    return sign_in.form(request, trip.next if trip else "", problem="line")


def _to_account(said: str) -> Response:
    address = f"{ACCOUNT}?{urlencode({'line': said})}"
    return RedirectResponse(address, 303, headers=entering.NO_STORE)


def _line(request: Request) -> LineSignIn:
    line: LineSignIn | None = request.app.state.line_sign_in
    if line is None:
        words = "LINEログインは設定されていません。 LINE Login is not set up."
        raise Problem(404, "no-line-login", words)
    return line


async def _session(request: Request) -> str:
    """The session that LINE is to be linked to: one that began with more than a PIN."""
    async with request.app.state.process.pool.acquire() as connection, connection.transaction():
        found = await sessions.find(connection, session_cookie(request))
    if found is None or found[0].way == "pin":
        raise session_expired()
    return str(found[0].id)
