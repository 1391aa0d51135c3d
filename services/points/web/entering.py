"""How a browser gets into a session and out of it: the cookies, and the step that is still missing.

The cookie that can renew is sent to `/session` only; the token goes everywhere
(`shared.web.staff`).
"""

from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from services.points.settings import WebSettings
from services.points.staff import sessions, tickets
from services.points.staff.sessions import Begun
from services.points.staff.signing_in import Device
from services.points.store.staff import Person
from shared import clock, ids
from shared.keys import Keys
from shared.web.acting import acting
from shared.web.staff import Gate, Staff, own_path

NO_STORE = {"Cache-Control": "no-store"}
_SESSION = "tamaru_session"
_CHALLENGE = "tamaru_challenge"
_DEVICE = "tamaru_device"
_DEVICE_LIFE = timedelta(days=90)


class Challenge(msgspec.Struct, frozen=True):
    """Who has shown a password or LINE account, and not yet a one-time code."""

    staff: UUID
    way: str
    next: str


def secret_of(request: Request) -> str:
    """The key that signs sessions."""
    return keys_of(request).new


def keys_of(request: Request) -> Keys[str]:
    """The keys under which what somebody shows is good."""
    settings: WebSettings = request.app.state.settings
    return settings.session_keys


def gate_of(request: Request) -> Gate:
    """How tokens are made here."""
    gate: Gate = request.app.state.staff_gate
    return gate


def session_cookie(request: Request) -> str:
    """The session's own secret, as the browser shows it; empty without one."""
    return note_of(request, _SESSION)


async def admit(request: Request, person: Person, way: str, next: str) -> Response:
    """In, or to the page that asks for a one-time code. Whatever session the browser had is over:
    what anybody knew of it is worth nothing."""
    if person.totp_since is not None:
        note = Challenge(person.id, way, own_path(next, ""))
        response = RedirectResponse("/session/code", 303, headers=NO_STORE)
        text = tickets.write(secret_of(request), note, clock.now())
        set_note(request, response, _CHALLENGE, text)
        return response
    return await enter(request, person, way, next)


async def enter(request: Request, person: Person, way: str, next: str) -> Response:
    """A session for somebody, and on to where they were going."""
    async with acting(request) as batch:
        before = await sessions.find(batch.connection, session_cookie(request))
        if before is not None:
            await sessions.end(batch, [before[0].id])
        begun = await sessions.begin(
            batch,
            person,
            key=secret_of(request),
            way=way,
            device=request.headers.get("user-agent", ""),
        )
    response = RedirectResponse(home(begun.staff, next), 303)
    keep(request, response, begun)
    _know(request, response, person)
    if note_of(request, _CHALLENGE):
        drop_note(request, response, _CHALLENGE)
    return response


def device_of(request: Request) -> Device | None:
    """Whose browser this is: who signed in here last."""
    return tickets.read(keys_of(request), note_of(request, _DEVICE), Device, clock.now())


def challenge(request: Request) -> Challenge | None:
    """Who is asked for a one-time code in this browser."""
    text = note_of(request, _CHALLENGE)
    return tickets.read(keys_of(request), text, Challenge, clock.now())


def keep(request: Request, response: Response, begun: Begun) -> None:
    """Put a new session's cookies into the answer."""
    gate_of(request).give(response, begun.staff)
    response.headers["cache-control"] = "no-store"
    life = int(sessions.LONGEST.total_seconds())
    set_note(request, response, _SESSION, begun.secret, life)


def take(request: Request, response: Response) -> None:
    """Take a session's cookies back."""
    gate_of(request).take(response)
    drop_note(request, response, _SESSION)


def _know(request: Request, response: Response, person: Person) -> None:
    """This browser is somebody's from now on."""
    before = device_of(request)
    device = before if before and before.staff == person.id else Device(person.id, ids.new_id())
    text = tickets.write(secret_of(request), device, clock.now(), _DEVICE_LIFE)
    set_note(request, response, _DEVICE, text, int(_DEVICE_LIFE.total_seconds()))


def set_note(
    request: Request, response: Response, name: str, text: str, seconds: int = 600
) -> None:
    """A cookie for `/session` alone."""
    response.set_cookie(
        _named(request, name),
        text,
        max_age=seconds,
        path="/session",
        secure=gate_of(request).secure,
        httponly=True,
        samesite="lax",
    )


def drop_note(request: Request, response: Response, name: str) -> None:
    """Take such a cookie back."""
    secure = gate_of(request).secure
    response.delete_cookie(
        _named(request, name), path="/session", secure=secure, httponly=True, samesite="lax"
    )


def note_of(request: Request, name: str) -> str:
    """What such a cookie holds; empty without one."""
    return request.cookies.get(_named(request, name), "")


def home(staff: Staff, next: str) -> str:
    """Where somebody goes on: to `next`, if it is a page of ours, else where they work."""
    return own_path(next, "/counter" if staff.role == "staff" else "/console")


def to_sign_in(request: Request, next: str) -> Response:
    """The sign-in, and then back to `next`; the cookies that led nowhere are taken back."""
    back = own_path(next, "")
    query = f"?{urlencode({'next': back})}" if back else ""
    response = RedirectResponse(f"/sign-in{query}", 303, headers=NO_STORE)
    take(request, response)
    return response


def _named(request: Request, name: str) -> str:
    """Over HTTPS of a name that plain HTTP cannot set."""
    return f"__Secure-{name}" if gate_of(request).secure else name
