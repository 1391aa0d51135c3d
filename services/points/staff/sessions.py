"""Sessions: begun when somebody signs in, renewed while they work, ended at once.

A browser holds two cookies. The session's own secret goes to `/session` only, and buys a token of
five minutes, which every service can read (`shared.web.session_token`).
"""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import msgspec

from services.points.store import staff as people
from services.points.store import staff_sessions as store
from services.points.store import terminals
from services.points.store.staff import Person
from services.points.store.staff_sessions import Session
from shared import clock, ids
from shared.bus.handling import Batch, Connection
from shared.events import StaffSessionEnded, new_event
from shared.web import session_token, sessions
from shared.web.session_token import Staff

SOURCE = "/points/staff"
IDLE = timedelta(hours=12)
"""A session that nobody renews for so long is over: sign in once a shift."""
LONGEST = timedelta(days=7)
"""And every session after this."""
KEPT = timedelta(days=90)
"""Sessions that are over, for whoever asks who was signed in."""


class Begun(NamedTuple):
    """A session and its secret, which is told once."""

    secret: str
    session: Session
    staff: Staff


async def begin(
    batch: Batch,
    person: Person,
    *,
    key: str,
    way: str,
    device: str,
    store_code: str | None = None,
    shift_since: datetime | None = None,
) -> Begun:
    """A new session, with a secret and a CSRF token that nobody knew before (against fixation).

    Where nobody says which store, it is the only one there is for them, else none yet."""
    now = clock.now()
    if store_code is None:
        store_code = _only(await stores_of(batch.connection, person))
    session = Session(
        ids.new_id(), person.id, store_code, way, device[:120], shift_since or now, now, now
    )
    secret = secrets.token_urlsafe(32)
    await store.add(batch.connection, session, _hash(secret))
    return Begun(secret, session, _token(person, session, key, now))


async def find(connection: Connection, secret: str) -> tuple[Session, Person] | None:
    """The living session of a cookie, locked, and whose it is; None when it is over."""
    session = await store.by_secret(connection, _hash(secret)) if secret else None
    if session is None or not _lives(session, clock.now()):
        return None
    person = await people.by_id(connection, session.staff_id)
    return (session, person) if person is not None and person.active else None


async def renew(connection: Connection, secret: str, key: str) -> Staff | None:
    """Another token for a session that lives; None when it is over."""
    found = await find(connection, secret)
    if found is None:
        return None
    session, person = found
    now = clock.now()
    await store.renew(connection, session.id, now)
    return _token(person, session, key, now)


async def choose_store(connection: Connection, secret: str, key: str, code: str) -> Staff | None:
    """Where this shift is; None when the session is over. Raises LookupError for a store that is
    not theirs."""
    found = await find(connection, secret)
    if found is None:
        return None
    session, person = found
    if code not in {each.code for each in await stores_of(connection, person)}:
        raise LookupError(code)
    await store.put_store(connection, session.id, code)
    moved = msgspec.structs.replace(session, store=code)
    return _token(person, moved, key, clock.now())


async def end(batch: Batch, ended: Sequence[UUID]) -> int:
    """End sessions everywhere, at once; how many were not over yet."""
    now = clock.now()
    gone = await store.end(batch.connection, ended, now)
    await sessions.end(batch.connection, [id for id, _ in gone], now)
    for id, staff_id in gone:
        batch.emit(new_event(SOURCE, StaffSessionEnded(id, staff_id, now)))
    return len(gone)


async def live_of(connection: Connection, staff: Sequence[UUID]) -> list[Session]:
    """Where these people are signed in."""
    now = clock.now()
    return await store.live(connection, staff, now - IDLE, now - LONGEST)


async def end_all_of(batch: Batch, person: UUID, *, but: UUID | None = None) -> int:
    """End all sessions of somebody, `but` one."""
    living = await live_of(batch.connection, [person])
    return await end(batch, [each.id for each in living if each.id != but])


async def stores_of(connection: Connection, person: Person) -> list[terminals.Store]:
    """The stores that somebody may work at."""
    every = await terminals.every_store(connection)
    return [
        each
        for each in every
        if each.active and (person.stores is None or each.code in person.stores)
    ]


def role_of(person: Person, session: Session) -> str:
    """A PIN is for the counter, whoever enters it: four digits open no console."""
    return "staff" if session.way == "pin" else person.role


def _token(person: Person, session: Session, key: str, now: datetime) -> Staff:
    return Staff(
        id=person.id,
        session_id=session.id,
        name=person.name,
        role=role_of(person, session),
        stores=None if person.stores is None else tuple(person.stores),
        store=session.store,
        csrf=session_token.csrf_of(key, session.id),
        expires_at=now + session_token.LIFE,
    )


def _lives(session: Session, now: datetime) -> bool:
    return (
        session.ended_at is None
        and now - session.renewed_at < IDLE
        and now - session.created_at < LONGEST
    )


def _only(stores: Sequence[terminals.Store]) -> str | None:
    return stores[0].code if len(stores) == 1 else None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
