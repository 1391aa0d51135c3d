"""`/sign-in` and `/session…`: staff come in by password, stay while they work, and leave.

Whatever sets a cookie here asks that the browser comes from a page of ours.
"""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, ValidationError

from services.points.staff import second_factor, sessions, signing_in
from services.points.staff.second_factor import WrongCode
from services.points.staff.signing_in import Wait
from services.points.store import staff as store
from services.points.web import entering, forms
from services.points.web.entering import secret_of, session_cookie
from services.points.web.pages import PAGES
from shared.problems import Problem, malformed
from shared.web.acting import acting
from shared.web.staff import Staff, own_path, session_expired

router = APIRouter(include_in_schema=False)


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
    return form(request, next)


@router.post("/session/sign-in")
async def sign_in(request: Request) -> Response:
    """Begin a session for whose login and password these are."""
    forms.require_own(request)
    given = await forms.fields(request, "login", "password", "next")
    try:
        found = await signing_in.by_password(
            request.app.state.process.pool,
            secret_of(request),
            login=given["login"],
            password=given["password"],
            address=forms.address_of(request),
            device=entering.device_of(request),
        )
    except Wait as wait:
        return form(request, given["next"], login=given["login"], wait=wait)
    if found is None:
        return form(request, given["next"], login=given["login"], problem="wrong")
    person, tries = found
    if person.totp_since is None:
        await tries.right()
    return await entering.admit(request, person, "password", given["next"])


@router.get("/session/code")
async def code_page(request: Request) -> Response:
    """The form for a one-time code."""
    if entering.challenge(request) is None:
        return entering.to_sign_in(request, "")
    return _code_form(request)


@router.post("/session/code")
async def code(request: Request) -> Response:
    """The second step: a code of the app, or a recovery code; tries count as those before."""
    forms.require_own(request)
    given = await forms.fields(request, "code")
    asked = entering.challenge(request)
    pool = request.app.state.process.pool
    async with pool.acquire() as connection:
        person = await store.by_id(connection, asked.staff) if asked else None
    if asked is None or person is None or not person.active:
        return entering.to_sign_in(request, asked.next if asked else "")
    device = entering.device_of(request)
    tries = signing_in.tries_of(
        pool,
        secret_of(request),
        person.login or str(person.id),
        forms.address_of(request),
        device if device and device.staff == person.id else None,
    )
    try:
        await tries.begin()
        async with pool.acquire() as connection, connection.transaction():
            await second_factor.check(
                connection, person.id, entering.keys_of(request), given["code"]
            )
    except Wait as wait:
        return _code_form(request, wait=wait)
    except WrongCode:
        return _code_form(request, wrong=True)
    await tries.right()
    return await entering.enter(request, person, asked.way, asked.next)


@router.get("/session/renew")
async def renew_and_go(request: Request, next: str = "") -> Response:
    """Another token, and back to the page; to the sign-in when the session is over."""
    staff = await _renewed(request)
    if staff is None:
        return entering.to_sign_in(request, next)
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
        return entering.to_sign_in(request, next)
    return PAGES.render(request, "choose_store.html", stores=stores, next=own_path(next, ""))


@router.post("/session/store")
async def chosen(request: Request, response: Response) -> Response:
    """This shift takes place there; by a form, then on to the page, or by JSON."""
    forms.require_own(request)
    if not request.headers.get("content-type", "").startswith("application/json"):
        given = await forms.fields(request, "store", "next")
        return _go(request, await _at(request, given["store"]), given["next"])
    try:
        wish = ChosenStore.model_validate_json(await request.body())
    except ValidationError:
        raise malformed('Send {"store": "<code>"}.') from None
    renewal = _renewal(request, response, await _at(request, wish.store))
    headers = dict(response.headers) | {"content-type": "application/json"}
    return Response(renewal.model_dump_json(), headers=headers)


@router.post("/session/end")
async def sign_out(request: Request) -> Response:
    """The session is over, here and everywhere."""
    forms.require_own(request)
    async with acting(request) as batch:
        found = await sessions.find(batch.connection, session_cookie(request))
        if found is not None:
            await sessions.end(batch, [found[0].id])
    response = RedirectResponse("/sign-in", 303, headers=entering.NO_STORE)
    entering.take(request, response)
    return response


def form(
    request: Request, next: str, *, login: str = "", problem: str = "", wait: Wait | None = None
) -> HTMLResponse:
    """The sign-in page; `problem` is one of wrong, line, line-unknown, line-taken."""
    seconds = wait.seconds if wait else 0
    return PAGES.render(
        request,
        "sign_in.html",
        status=429 if wait else 422 if problem else 200,
        headers={"Retry-After": str(seconds)} if wait else None,
        next=own_path(next, ""),
        login=login,
        problem=problem,
        wait=seconds,
        with_line=request.app.state.line_sign_in is not None,
    )


def _code_form(request: Request, *, wrong: bool = False, wait: Wait | None = None) -> HTMLResponse:
    seconds = wait.seconds if wait else 0
    return PAGES.render(
        request,
        "sign_in_code.html",
        status=429 if wait else 422 if wrong else 200,
        headers={"Retry-After": str(seconds)} if wait else None,
        wrong=wrong,
        wait=seconds,
    )


async def _at(request: Request, store_code: str) -> Staff:
    async with request.app.state.process.pool.acquire() as connection, connection.transaction():
        try:
            staff = await sessions.choose_store(
                connection, session_cookie(request), secret_of(request), store_code
            )
        except LookupError:
            words = "この店舗は選べません。 This is no store of yours."
            raise Problem(403, "other-store", words) from None
    if staff is None:
        raise session_expired()
    return staff


async def _renewed(request: Request) -> Staff | None:
    async with request.app.state.process.pool.acquire() as connection, connection.transaction():
        return await sessions.renew(connection, session_cookie(request), secret_of(request))


def _go(request: Request, staff: Staff, next: str) -> Response:
    response = RedirectResponse(entering.home(staff, next), 303, headers=entering.NO_STORE)
    entering.gate_of(request).give(response, staff)
    return response


def _renewal(request: Request, response: Response, staff: Staff) -> Renewed:
    entering.gate_of(request).give(response, staff)
    response.headers["cache-control"] = "no-store"
    return Renewed(csrf=staff.csrf, expires_at=staff.expires_at.isoformat())
