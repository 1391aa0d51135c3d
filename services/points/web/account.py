"""`/v1/account`: what somebody who is signed in decides about their own account.

Who came in by a PIN works at the counter and decides nothing here: four digits prove too little.
"""

from typing import Literal

from fastapi import APIRouter, Request, Response

from services.points.staff import passwords, people, pins, sessions, signing_in
from services.points.staff.signing_in import Tries, Wait
from services.points.store import staff as store
from services.points.store import staff_codes
from services.points.store import staff_sessions as session_store
from services.points.store.staff import Person
from services.points.store.staff_sessions import Session
from services.points.web import account_schemas as schemas
from services.points.web import forms
from services.points.web.entering import secret_of
from services.points.web.switching import waiting
from shared import clock
from shared.bus.handling import Connection
from shared.problems import Problem, invalid
from shared.web.acting import acting, audited, audited_fields
from shared.web.auth import InPerson
from shared.web.staff import Staff, session_expired

router = APIRouter(prefix="/v1/account", tags=["account"])

_WRONG = "パスワードが違います。 The password is wrong."


@router.get("", response_model=schemas.Account)
async def account(request: Request, staff: InPerson) -> schemas.Account:
    """Who is signed in, and how they sign in."""
    async with request.app.state.process.pool.acquire() as connection:
        person = await _person(connection, staff)
        left = await staff_codes.codes_left(connection, staff.id)
    return schemas.Account(
        id=str(person.id),
        name=person.name,
        login=person.login,
        role=person.role,
        stores=person.stores,
        store=staff.store,
        password=person.password_hash is not None,
        pin=person.pin_hash is not None,
        line=person.line_user_id is not None,
        one_time_codes=one_time_codes(person),
        recovery_codes_left=left,
    )


@router.patch("", response_model=schemas.Account)
async def rename(request: Request, staff: InPerson, body: schemas.AccountChange) -> schemas.Account:
    """Another name for oneself; shown from the next renewal on."""
    async with acting(request) as batch:
        await require_more_than_a_pin(batch.connection, staff)
        await people.change(batch, staff.id, {"name": body.name.strip()})
        audited_fields(request, f"staff:{staff.id}", ["name"])
    return await account(request, staff)


@router.put("/password", status_code=204)
async def put_password(request: Request, staff: InPerson, body: schemas.NewPassword) -> Response:
    """Another password. Everywhere else somebody was signed in with the old one they are out."""
    person, tries = await _proven(request, staff, body.current)
    login = body.login or person.login
    if login is None:
        raise invalid([("login", "メールアドレスを入力してください。 Give an e-mail address.")])
    if login.lower() in body.new.lower():
        raise invalid([("new", "メールアドレスを含まないものにしてください。 Not your address.")])
    hashed = await passwords.hashed(body.new)
    async with acting(request) as batch:
        if not await store.put_login(batch.connection, staff.id, login, clock.now()):
            raise invalid([("login", "使えません。別のメールアドレスを入力してください。 Taken.")])
        await people.put_password(batch, staff.id, hashed, kept=staff.session_id)
        audited_fields(request, f"staff:{staff.id}", ["password"])
    await tries.right()
    return Response(status_code=204)


@router.put("/pin", status_code=204)
async def put_pin(request: Request, staff: InPerson, body: schemas.NewPin) -> Response:
    """A PIN to take over at the counter."""
    await _put_pin(request, staff, await hashed_pin(body.pin))
    return Response(status_code=204)


@router.delete("/pin", status_code=204)
async def drop_pin(request: Request, staff: InPerson) -> Response:
    """No PIN any more."""
    await _put_pin(request, staff, None)
    return Response(status_code=204)


@router.delete("/line", status_code=204)
async def drop_line(request: Request, staff: InPerson) -> Response:
    """Sign in with LINE no more; there must be a password then."""
    async with acting(request) as batch:
        person = await require_more_than_a_pin(batch.connection, staff)
        if person.password_hash is None:
            raise Problem(
                409,
                "no-password",
                "先にパスワードを設定してください。 Set a password first, or nothing lets you in.",
            )
        await store.put_line(batch.connection, staff.id, None, clock.now())
        audited(request, f"staff:{staff.id}", before={"line": True}, after={"line": False})
    return Response(status_code=204)


@router.get("/sessions", response_model=schemas.Sessions)
async def own_sessions(request: Request, staff: InPerson) -> schemas.Sessions:
    """Where oneself is signed in."""
    async with request.app.state.process.pool.acquire() as connection:
        living = await sessions.live_of(connection, [staff.id])
    return shown_sessions(living, staff)


@router.delete("/sessions", status_code=204)
async def end_others(request: Request, staff: InPerson) -> Response:
    """End all but this one."""
    async with acting(request) as batch:
        await require_more_than_a_pin(batch.connection, staff)
        ended = await sessions.end_all_of(batch, staff.id, but=staff.session_id)
        before, after = {"sessions": ended + 1}, {"sessions": 1}
        audited(request, f"staff:{staff.id}", before=before, after=after)
    return Response(status_code=204)


@router.delete("/sessions/{session_id}", status_code=204)
async def end_one(request: Request, staff: InPerson, session_id: str) -> Response:
    """End one of one's own sessions."""
    async with acting(request) as batch:
        await require_more_than_a_pin(batch.connection, staff)
        living = await sessions.live_of(batch.connection, [staff.id])
        named = [each.id for each in living if str(each.id) == session_id]
        if not named:
            raise no_such_session()
        await sessions.end(batch, named)
        before, after = {"sessions": len(living)}, {"sessions": len(living) - 1}
        audited(request, f"staff:{staff.id}", before=before, after=after)
    return Response(status_code=204)


async def require_more_than_a_pin(connection: Connection, staff: Staff) -> Person:
    """Whose account it is. Raises Problem 403 for who came in by a PIN."""
    session = await session_store.by_id(connection, staff.session_id)
    if session is not None and session.way == "pin":
        raise Problem(
            403,
            "pin-only",
            "PINではなく、パスワードまたはLINEでログインしてから変更してください。 "
            "Sign in with your password or LINE first; a PIN is for the counter only.",
        )
    return await _person(connection, staff)


def one_time_codes(person: Person) -> Literal["on", "waiting", "off"]:
    """Whether a second step is asked for."""
    if person.totp_secret is None:
        return "off"
    return "on" if person.totp_since is not None else "waiting"


def shown_sessions(living: list[Session], staff: Staff | None) -> schemas.Sessions:
    """Sessions as the API shows them; `staff` is who looks."""
    here = staff.session_id if staff else None
    items = [
        schemas.Session(
            id=str(each.id),
            way=each.way,
            device=each.device,
            store=each.store,
            since=each.created_at,
            last_seen_at=each.renewed_at,
            here=each.id == here,
        )
        for each in living
    ]
    return schemas.Sessions(items=items)


def no_such_session() -> Problem:
    """It is over, or never was."""
    return Problem(
        404, "unknown-session", "このログインはすでに終了しています。 This session is over."
    )


async def hashed_pin(pin: str) -> str:
    """What is kept of a PIN. Raises Problem 422 for a weak one."""
    if weakness := pins.weakness(pin):
        raise invalid([("pin", " ".join(weakness))])
    return await passwords.hashed(pin)


async def _put_pin(request: Request, staff: Staff, hashed: str | None) -> None:
    async with acting(request) as batch:
        await require_more_than_a_pin(batch.connection, staff)
        await store.put_pin(batch.connection, staff.id, hashed, clock.now())
        audited_fields(request, f"staff:{staff.id}", ["pin"])


async def _proven(request: Request, staff: Staff, current: str) -> tuple[Person, Tries]:
    """The account of who gives its password, as often as may be tried; while it has none, of who
    is signed in."""
    person, tries = await one_try(request, staff)
    if person.password_hash is not None and not await passwords.fits(person.password_hash, current):
        raise invalid([("current", _WRONG)])
    return person, tries


async def one_try(request: Request, staff: Staff) -> tuple[Person, Tries]:
    """Who is signed in, and their try at a secret, counted as one to sign in."""
    pool = request.app.state.process.pool
    async with pool.acquire() as connection:
        person = await require_more_than_a_pin(connection, staff)
    address = forms.address_of(request)
    tries = signing_in.tries_of(pool, secret_of(request), person.login or str(person.id), address)
    try:
        await tries.begin()
    except Wait as wait:
        raise waiting(wait) from None
    return person, tries


async def _person(connection: Connection, staff: Staff) -> Person:
    person = await store.by_id(connection, staff.id)
    if person is None or not person.active:
        raise session_expired()
    return person
