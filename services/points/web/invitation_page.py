"""`/invitation/{code}`: somebody who was invited chooses how to sign in; so does who forgot."""

import re

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from services.points.errors import LinkOver, LoginTaken
from services.points.staff import invitations, passwords
from services.points.store import staff as people
from services.points.store import terminals
from services.points.store.staff_invitations import Invitation
from services.points.web import entering, forms
from services.points.web.pages import PAGES
from shared.web.acting import acting

router = APIRouter(include_in_schema=False)

_LOGIN = re.compile(r"[^@\s\x00]{1,100}@[^@\s\x00]+\.[^@\s\x00]+")
LONGEST_LOGIN = 200


@router.get("/invitation/{code}")
async def page(request: Request, code: str) -> Response:
    """What was decided, and the form. Looking uses nothing up."""
    return await _page(request, code)


@router.post("/invitation/{code}")
async def accept(request: Request, code: str) -> Response:
    """Somebody new works here, or somebody has another password; they are signed in at once."""
    forms.require_own(request)
    given = await forms.fields(request, "login", "password")
    login, password = given["login"], given["password"]
    if problem := _problem(login, password):
        return await _page(request, code, login=login, problem=problem)
    hashed = await passwords.hashed(password)
    try:
        async with acting(request) as batch:
            person = await invitations.accept(batch, code, login=login, password_hash=hashed)
    except LinkOver:
        return over(request)
    except LoginTaken:
        return await _page(request, code, login=login, problem="taken")
    return await entering.admit(request, person, "invitation", "")


def over(request: Request) -> HTMLResponse:
    """Told to who comes with a link that lets nobody in any more."""
    return PAGES.render(request, "invitation_over.html", status=410)


async def _page(request: Request, code: str, *, login: str = "", problem: str = "") -> HTMLResponse:
    async with request.app.state.process.pool.acquire() as connection:
        try:
            invitation: Invitation = await invitations.find(connection, code)
        except LinkOver:
            return over(request)
        known = {each.code: each.name for each in await terminals.every_store(connection)}
        staff_id = invitation.staff_id
        person = await people.by_id(connection, staff_id) if staff_id else None
    stores = [known.get(each, each) for each in invitation.stores or ()]
    return PAGES.render(
        request,
        "invitation.html",
        status=422 if problem else 200,
        invitation=invitation,
        code=code,
        stores=stores,
        login=login or (person.login if person and person.login else ""),
        problem=problem,
        shortest=passwords.SHORTEST,
        with_line=request.app.state.line_sign_in is not None,
    )


def _problem(login: str, password: str) -> str:
    if len(login) > LONGEST_LOGIN or not _LOGIN.fullmatch(login):
        return "login"
    if not passwords.SHORTEST <= len(password) <= passwords.LONGEST:
        return "password"
    return "same" if login.lower() in password.lower() else ""
