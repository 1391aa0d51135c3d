"""`/session/switch`: at the counter, somebody else takes over by their PIN."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, ValidationError

from services.points.staff import pins, sessions
from services.points.staff.pins import NoShift, WrongPin
from services.points.staff.signing_in import Wait
from services.points.store.staff import Person
from services.points.store.staff_sessions import Session
from services.points.web import entering, forms
from services.points.web.sign_in import Renewed
from shared.bus.handling import Connection
from shared.problems import Problem, malformed
from shared.web.acting import acting
from shared.web.staff import session_expired

router = APIRouter(include_in_schema=False)


class Colleague(BaseModel):
    """Somebody who may take over here; `here`: it is who is signed in now."""

    id: str
    name: str
    role: str
    here: bool


class Colleagues(BaseModel):
    """All of them, by name."""

    items: list[Colleague]


class Switch(BaseModel):
    """Who takes over, by their id, and their PIN."""

    model_config = ConfigDict(str_max_length=64)

    staff: str
    pin: str


class Switched(Renewed):
    """Who is signed in now."""

    id: str
    name: str
    role: str
    store: str | None


@router.get("/session/switch", response_model=Colleagues)
async def colleagues(request: Request) -> Colleagues:
    """Who may take over on this device by PIN."""
    async with request.app.state.process.pool.acquire() as connection, connection.transaction():
        session, _ = await _here(request, connection)
        try:
            found = await pins.people(connection, session)
        except NoShift:
            raise _no_shift() from None
    items = [
        Colleague(id=str(each.id), name=each.name, role=each.role, here=each.id == session.staff_id)
        for each in found
    ]
    return Colleagues(items=items)


@router.post("/session/switch", response_model=Switched)
async def switch(request: Request, response: Response) -> Switched:
    """Sign in the next one in place of who was: another session, at the same store, for the
    counter only."""
    forms.require_own(request)
    wish = await _wish(request)
    pool, secret = request.app.state.process.pool, entering.secret_of(request)
    async with pool.acquire() as connection, connection.transaction():
        session, _ = await _here(request, connection)
    try:
        person = await pins.check(
            pool,
            secret,
            session,
            who=wish.staff,
            pin=wish.pin,
            address=forms.address_of(request),
        )
    except NoShift:
        raise _no_shift() from None
    except WrongPin:
        raise Problem(
            422, "wrong-pin", "PINが違います。 The PIN is wrong.", errors=[("pin", "PINが違います")]
        ) from None
    except Wait as wait:
        raise waiting(wait) from None
    async with acting(request) as batch:
        session, _ = await _here(request, batch.connection)
        begun = await pins.take_over(
            batch, session, person, key=secret, device=request.headers.get("user-agent", "")
        )
    entering.keep(request, response, begun)
    staff = begun.staff
    return Switched(
        csrf=staff.csrf,
        expires_at=staff.expires_at.isoformat(),
        id=str(staff.id),
        name=staff.name,
        role=staff.role,
        store=staff.store,
    )


def waiting(wait: Wait) -> Problem:
    """Told to whoever has to wait after wrong tries."""
    return Problem(
        429,
        "locked",
        f"間違いが続いたため、{wait.seconds}秒後にもう一度お試しください。 "
        f"Too many wrong tries. Try again in {wait.seconds} seconds.",
        headers={"Retry-After": str(wait.seconds)},
        seconds=wait.seconds,
    )


async def _here(request: Request, connection: Connection) -> tuple[Session, Person]:
    found = await sessions.find(connection, entering.session_cookie(request))
    if found is None:
        raise session_expired()
    return found


async def _wish(request: Request) -> Switch:
    try:
        return Switch.model_validate_json(await request.body())
    except ValidationError:
        raise malformed('Send {"staff": "<id>", "pin": "<digits>"}.') from None


def _no_shift() -> Problem:
    return Problem(
        409,
        "no-shift",
        "この端末では、まずパスワードまたはLINEでログインして店舗を選んでください。 "
        "First sign in on this device with a password or LINE, and choose the store.",
    )
