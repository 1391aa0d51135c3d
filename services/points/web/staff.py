"""`/v1/staff`: who works here, in which role, and where they are signed in. For owners."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.points.errors import LastOwner, UnknownStore
from services.points.staff import people, second_factor, sessions
from services.points.store import staff as store
from services.points.store.staff import Person
from services.points.store.staff_sessions import Session
from services.points.web import account_schemas
from services.points.web import staff_schemas as schemas
from services.points.web.account import (
    hashed_pin,
    no_such_session,
    one_time_codes,
    shown_sessions,
)
from shared import clock
from shared.bus.handling import Connection
from shared.problems import Problem, invalid
from shared.web.acting import acting, audited, audited_fields
from shared.web.auth import OwnerOnly

router = APIRouter(prefix="/v1/staff", tags=["staff"])


@router.get("", response_model=schemas.Colleagues)
async def every(request: Request, key: OwnerOnly) -> schemas.Colleagues:
    """Everybody who works here or did."""
    async with request.app.state.process.pool.acquire() as connection:
        found = await store.every(connection)
        living = await sessions.live_of(connection, [each.id for each in found])
    return schemas.Colleagues(items=[shown(each, living) for each in found])


@router.get("/{staff_id}", response_model=schemas.Colleague)
async def one(request: Request, key: OwnerOnly, staff_id: str) -> schemas.Colleague:
    """Somebody."""
    async with request.app.state.process.pool.acquire() as connection:
        return await _shown(connection, await there(connection, staff_id))


@router.patch("/{staff_id}", response_model=schemas.Colleague)
async def change(
    request: Request, key: OwnerOnly, staff_id: str, body: schemas.StaffChange
) -> schemas.Colleague:
    """Another role, other stores, another name, or the end (and return) of their work here. There
    must always be an owner."""
    wanted = body.model_dump(include=body.model_fields_set)
    columns = {
        name: value for name, value in wanted.items() if value is not None or name == "stores"
    }
    async with acting(request) as batch:
        person = await there(batch.connection, staff_id)
        try:
            changed = await people.change(batch, person.id, columns)
        except LastOwner:
            raise last_owner() from None
        except UnknownStore as problem:
            raise unknown_store(problem) from None
        before, after = changed or (person, person)
        audited(
            request,
            f"staff:{person.id}",
            before=_audit(before, columns),
            after=_audit(after, columns),
        )
        return await _shown(batch.connection, after)


@router.get("/{staff_id}/sessions", response_model=account_schemas.Sessions)
async def theirs(request: Request, key: OwnerOnly, staff_id: str) -> account_schemas.Sessions:
    """Where somebody is signed in."""
    async with request.app.state.process.pool.acquire() as connection:
        person = await there(connection, staff_id)
        living = await sessions.live_of(connection, [person.id])
    return shown_sessions(living, getattr(request.state, "staff", None))


@router.delete("/{staff_id}/sessions", status_code=204)
async def end_all(request: Request, key: OwnerOnly, staff_id: str) -> Response:
    """Sign somebody out everywhere, at once."""
    async with acting(request) as batch:
        person = await there(batch.connection, staff_id)
        ended = await sessions.end_all_of(batch, person.id)
        before, after = {"sessions": ended}, {"sessions": 0}
        audited(request, f"staff:{person.id}", before=before, after=after)
    return Response(status_code=204)


@router.delete("/{staff_id}/sessions/{session_id}", status_code=204)
async def end_one(request: Request, key: OwnerOnly, staff_id: str, session_id: str) -> Response:
    """End one session of somebody's."""
    async with acting(request) as batch:
        person = await there(batch.connection, staff_id)
        living = await sessions.live_of(batch.connection, [person.id])
        named = [each.id for each in living if str(each.id) == session_id]
        if not named:
            raise no_such_session()
        await sessions.end(batch, named)
        before, after = {"sessions": len(living)}, {"sessions": len(living) - 1}
        audited(request, f"staff:{person.id}", before=before, after=after)
    return Response(status_code=204)


@router.put("/{staff_id}/pin", status_code=204)
async def put_pin(
    request: Request, key: OwnerOnly, staff_id: str, body: schemas.GivenPin
) -> Response:
    """A PIN for somebody, to take over at the counter with."""
    hashed = await hashed_pin(body.pin)
    async with acting(request) as batch:
        person = await there(batch.connection, staff_id)
        await store.put_pin(batch.connection, person.id, hashed, clock.now())
        audited_fields(request, f"staff:{person.id}", ["pin"])
    return Response(status_code=204)


@router.delete("/{staff_id}/pin", status_code=204)
async def drop_pin(request: Request, key: OwnerOnly, staff_id: str) -> Response:
    """No PIN any more."""
    async with acting(request) as batch:
        person = await there(batch.connection, staff_id)
        await store.put_pin(batch.connection, person.id, None, clock.now())
        audited_fields(request, f"staff:{person.id}", ["pin"])
    return Response(status_code=204)


@router.delete("/{staff_id}/one-time-codes", status_code=204)
async def drop_codes(request: Request, key: OwnerOnly, staff_id: str) -> Response:
    """Ask somebody who has lost their device for no code any more; they are signed out too."""
    async with acting(request) as batch:
        person = await there(batch.connection, staff_id)
        await second_factor.remove(batch.connection, person.id)
        await sessions.end_all_of(batch, person.id)
        before = {"one_time_codes": one_time_codes(person)}
        audited(request, f"staff:{person.id}", before=before, after={"one_time_codes": "off"})
    return Response(status_code=204)


async def there(connection: Connection, staff_id: str) -> Person:
    """Somebody by the id in an address. Raises Problem 404."""
    try:
        person = await store.by_id(connection, UUID(staff_id))
    except ValueError:
        person = None
    if person is None:
        words = "このスタッフは見つかりません。 Nobody who works here has this id."
        raise Problem(404, "unknown-staff", words)
    return person


def shown(person: Person, living: Sequence[Session]) -> schemas.Colleague:
    """Somebody as the API shows them; `living` has their sessions among others'."""
    theirs = [each for each in living if each.staff_id == person.id]
    return schemas.Colleague(
        id=str(person.id),
        name=person.name,
        login=person.login,
        role=person.role,
        stores=person.stores,
        active=person.active,
        password=person.password_hash is not None,
        pin=person.pin_hash is not None,
        line=person.line_user_id is not None,
        one_time_codes=one_time_codes(person),
        sessions=len(theirs),
        last_seen_at=max((each.renewed_at for each in theirs), default=None),
        created_at=person.created_at,
    )


def last_owner() -> Problem:
    """Told to whoever would leave the shop without an owner."""
    return Problem(
        409,
        "last-owner",
        "オーナーが一人もいなくなるため変更できません。先に別の方をオーナーにしてください。 "
        "There must be an owner: make somebody else one first.",
    )


def unknown_store(problem: UnknownStore) -> Problem:
    """Told to whoever names a store that there is not."""
    return invalid([("stores", f"{problem}.")])


async def _shown(connection: Connection, person: Person) -> schemas.Colleague:
    return shown(person, await sessions.live_of(connection, [person.id]))


def _audit(person: Person, columns: dict[str, Any]) -> dict[str, Any]:
    """The fields that were to be changed, without the name."""
    return {name: "…" if name == "name" else getattr(person, name) for name in columns}
