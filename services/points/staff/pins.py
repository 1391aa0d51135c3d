"""PINs: at the counter people take turns on one device, within a shift that began with more.

A PIN is good only where somebody is signed in at the same store, for a day at most after somebody
signed in there with a password or LINE; and it opens nothing but the counter.
"""

import re
from datetime import timedelta

from services.points.staff import lockout, passwords, sessions, signing_in
from services.points.staff.sessions import Begun
from services.points.store import staff as store
from services.points.store.staff import Person
from services.points.store.staff_sessions import Session
from shared import clock
from shared.bus.handling import Batch, Connection
from shared.db import Pool

SHIFT = timedelta(hours=16)
FORM = re.compile(r"\d{4,8}")
SEQUENCES = ("0123456789", "9876543210")


class NoShift(Exception):
    """Nobody is signed in here, or not since long enough: sign in with a password or LINE."""


class WrongPin(Exception):
    """It is not that person's, or nobody may take over here by that name."""


def weakness(pin: str) -> tuple[str, str] | None:
    """What is wrong with a PIN, in Japanese and English; None for one that will do."""
    if not FORM.fullmatch(pin):
        return "4〜8桁の数字にしてください。", "Choose 4 to 8 digits."
    if len(set(pin)) == 1 or any(pin in each for each in SEQUENCES):
        return "同じ数字や連番は使えません。", "Not the same digit throughout, and no sequence."
    return None


async def people(connection: Connection, session: Session) -> list[Person]:
    """Who may take over on this device. Raises NoShift."""
    return await store.with_pin(connection, _shift(session))


async def check(
    pool: Pool, secret: str, session: Session, *, who: str, pin: str, address: str
) -> Person:
    """Whose PIN this is. Raises NoShift, WrongPin, or Wait after too many wrong ones."""
    code = _shift(session)
    tries = signing_in.Tries(
        pool,
        secret,
        ("pin", who, lockout.TRIES_OF_PIN),
        ("address", address, lockout.TRIES_OF_ADDRESS),
    )
    await tries.begin()
    async with pool.acquire() as connection:
        known = {str(each.id): each for each in await store.with_pin(connection, code)}
    person = known.get(who)
    if not await passwords.fits(person.pin_hash if person else None, pin) or person is None:
        raise WrongPin
    await tries.right()
    return person


async def take_over(
    batch: Batch, session: Session, person: Person, *, key: str, device: str
) -> Begun:
    """A session of `person` in place of the one that was, at the same store."""
    await sessions.end(batch, [session.id])
    return await sessions.begin(
        batch,
        person,
        key=key,
        way="pin",
        device=device,
        store_code=session.store,
        shift_since=session.shift_since,
    )


def _shift(session: Session) -> str:
    if session.store is None or clock.now() - session.shift_since >= SHIFT:
        raise NoShift
    return session.store
