"""`/sign-in` and `/session…`: staff come in by password, stay while they work, and leave.

The cookie that can renew is sent to `/session` only, so that is where people are led whose token is
over. Everything that sets a cookie here asks that the browser comes from a page of ours.
"""

from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel

from services.points.settings import WebSettings
from services.points.staff import sessions, signing_in
from services.points.staff.sessions import Begun
from services.points.staff.signing_in import Wait
from services.points.store.staff import Person
from services.points.web import forms
from services.points.web.pages import PAGES
from shared.problems import Problem
from shared.web.acting import acting
from shared.web.staff import Gate, Staff, own_path, session_expired

router = APIRouter(include_in_schema=False)

_SESSION = "tamaru_session"
NO_STORE = {"Cache-Control": "no-store"}


class Renewed(BaseModel):
    """What a page goes on with."""

    csrf: str
    expires_at: str


class ChosenStore(BaseModel):
    """Where the shift is, by the store's code."""

    store: str


@router.get("/sign-in")
async def page(request: Request, next: str = "") -> HTMLResponse:
    """The form."""
    return _page(request, next)


@router.post("/session/sign-in")
async def sign_in(request: Request) -> Response:
    """Begin a session for whose login and password these are. Whatever session the browser had is
    over: what anybody knew of it is worth nothing."""
    forms.require_own(request)
    given = await forms.fields(request, "login", "password", "next")
    try:
        found = await signing_in.by_password(
            request.app.state.process.pool,
            secret_of(request),
            login=given["login"],
            password=given["password"],
            address=forms.address_of(request),
        )
    except Wait as wait:
        return _page(
            request,
            given["next"],
            status=429,
            login=given["login"],
            wait=wait.seconds,
            headers={"Retry-After": str(wait.seconds)},
        )
    if found is None:
        return _page(request, given["next"], status=422, login=given["login"], wrong=True)
    person, tries = found
    await tries.right()
    begun = await begin(request, person, "password")
    return entered(request, begun, given["next"])


@router.get("/session/renew")
async def renew_and_go(request: Request, next: str = "") -> Response:
    """Another token, and back to the page; to the sign-in when the session is over."""
    staff = await _renewed(request)
    if staff is None:
        return to_sign_in(request, next)
    return _go(request, staff, next)


@router.post("/session/renew", response_model=Renewed)
async def renew(request: Request, response: Response) -> Renewed:
    """Another token, before the old one is over."""
    forms.require_own(request)
    staff = await _renewed(request)
    if staff is None:
        raise session_expired()
    return _renewal(request, response, staff)


@router.get("/session/store")
async def choose(request: Request, next: str = "") -> Response:
    """At which store does this shift take place?"""
    async with request.app.state.process.pool.acquire() as connection, connection.transaction():
        found = await sessions.find(connection, session_cookie(request))
        stores = await sessions.stores_of(connection, found[1]) if found else []
    if found is None:
        return to_sign_in(request, next)
    return PAGES.render(request, "choose_store.html", stores=stores, next=own_path(next, ""))


@router.post("/session/store")
async def chosen(request: Request) -> Response:
    """This shift takes place there; by a form, then on to the page, or by JSON."""
    forms.require_own(request)
    as_json = request.headers.get("content-type", "").startswith("application/json")
    if as_json:
        given = {"store": ChosenStore.model_validate_json(await request.body()).store, "next": ""}
    else:
        given = await forms.fields(request, "store", "next")
    async with request.app.state.process.pool.acquire() as connection, connection.transaction():
        try:
            staff = await sessions.choose_store(
                connection, session_cookie(request), secret_of(request), given["store"]
            )
        except LookupError:
            words = "この店舗は選べません。 This is no store of yours."
            raise Problem(403, "other-store", words) from None
    if staff is None:
        raise session_expired()
    if as_json:
        response = Response()
        renewal = _renewal(request, response, staff)
        return Response(
            renewal.model_dump_json(), headers=response.headers, media_type="application/json"
        )
    return _go(request, staff, given["next"])


@router.post("/session/end")
async def sign_out(request: Request) -> Response:
    """The session is over, here and everywhere."""
    forms.require_own(request)
    async with acting(request) as batch:
        found = await sessions.find(batch.connection, session_cookie(request))
        if found is not None:
            await sessions.end(batch, [found[0].id])
    response = RedirectResponse("/sign-in", 303, headers=NO_STORE)
    _take(request, response)
    return response


async def begin(request: Request, person: Person, way: str) -> Begun:
    """A session for somebody, in place of the one that the browser had."""
    async with acting(request) as batch:
        before = await sessions.find(batch.connection, session_cookie(request))
        if before is not None:
            await sessions.end(batch, [before[0].id])
        return await sessions.begin(
            batch,
            person,
            key=secret_of(request),
            way=way,
            device=request.headers.get("user-agent", ""),
        )


def entered(request: Request, begun: Begun, next: str) -> Response:
    """On to where somebody was going, with a new session's cookies."""
    response = RedirectResponse(_home(begun.staff, next), 303)
    keep(request, response, begun)
    return response


def keep(request: Request, response: Response, begun: Begun) -> None:
    """Put a new session's cookies into the answer."""
    gate = _gate(request)
    gate.give(response, begun.staff)
    response.headers["cache-control"] = "no-store"
    response.set_cookie(
        _cookie(gate),
        begun.secret,
        max_age=int(sessions.LONGEST.total_seconds()),
        path="/session",
        secure=gate.secure,
        httponly=True,
        samesite="lax",
    )


def to_sign_in(request: Request, next: str) -> Response:
    """The sign-in, and then back to `next`; the cookies that led nowhere are taken back."""
    back = own_path(next, "")
    to = RedirectResponse("/sign-in", 303, headers=NO_STORE)
    if back:
        to.headers["location"] = f"/sign-in?{_query(back)}"
    _take(request, to)
    return to


def secret_of(request: Request) -> str:
    """The key that signs sessions."""
    settings: WebSettings = request.app.state.settings
    return settings.session_key.get_secret_value()


async def _renewed(request: Request) -> Staff | None:
    async with request.app.state.process.pool.acquire() as connection, connection.transaction():
        return await sessions.renew(connection, session_cookie(request), secret_of(request))


def _go(request: Request, staff: Staff, next: str) -> Response:
    response = RedirectResponse(_home(staff, next), 303, headers=NO_STORE)
    _gate(request).give(response, staff)
    return response


def _home(staff: Staff, next: str) -> str:
    return own_path(next, "/counter" if staff.role == "staff" else "/console")


def _renewal(request: Request, response: Response, staff: Staff) -> Renewed:
    _gate(request).give(response, staff)
    response.headers["cache-control"] = "no-store"
    return Renewed(csrf=staff.csrf, expires_at=staff.expires_at.isoformat())


def _take(request: Request, response: Response) -> None:
    gate = _gate(request)
    gate.take(response)
    response.delete_cookie(
        _cookie(gate), path="/session", secure=gate.secure, httponly=True, samesite="lax"
    )


def _page(
    request: Request,
    next: str,
    *,
    status: int = 200,
    login: str = "",
    wrong: bool = False,
    wait: int = 0,
    headers: dict[str, str] | None = None,
) -> HTMLResponse:
    return PAGES.render(
        request,
        "sign_in.html",
        status=status,
        headers=headers,
        next=own_path(next, ""),
        login=login,
        wrong=wrong,
        wait=wait,
    )


def _gate(request: Request) -> Gate:
    gate: Gate = request.app.state.staff_gate
    return gate


def _cookie(gate: Gate) -> str:
    return f"__Secure-{_SESSION}" if gate.secure else _SESSION


def session_cookie(request: Request) -> str:
    """The session's own secret, as the browser shows it; empty without one."""
    return request.cookies.get(_cookie(_gate(request)), "")


def _query(next: str) -> str:
    return urlencode({"next": next})
