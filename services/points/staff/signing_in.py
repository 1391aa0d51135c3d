"""Signing in with a password: who it is, or that nobody is, after as many tries as are fair."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from services.points.staff import lockout, passwords
from services.points.store import staff as store
from services.points.store.staff import Person
from shared import clock
from shared.db import Pool
from shared.web import session_token


class Wait(Exception):
    """Too many wrong tries; the next one counts after `seconds`."""

    def __init__(self, wait: timedelta) -> None:
        self.seconds = max(1, -int(-wait.total_seconds() // 1))
        super().__init__(f"wait {self.seconds} s")


class Tries:
    """A try under way: counted as wrong before it is looked at, so that many at once are as many
    one after the other; forgotten when it was right.

    `counted` are (kind, name, tries that are free); the first is whom the try is about.
    """

    def __init__(self, pool: Pool, secret: str, *counted: tuple[str, str, int]) -> None:
        key = session_token.derived(secret, "attempts")
        self._pool = pool
        self._limits = {lockout.who(key, kind, name): free for kind, name, free in counted}
        self._about = next(iter(self._limits))
        self._at: datetime = clock.now()

    async def begin(self) -> None:
        """Count the try. Raises Wait, and counts nothing, while there is one."""
        async with self._pool.acquire() as connection, connection.transaction():
            waits = []
            for who in sorted(self._limits):
                since = self._at - lockout.REMEMBERED
                failed = await store.tries(connection, who, since)
                waits.append(lockout.wait(failed, self._limits[who], self._at))
            if longest := max(waits):
                raise Wait(longest)
            for who in self._limits:
                await store.tried(connection, who, self._at)

    async def right(self) -> None:
        """It was no wrong one: whom it is about begins anew, the others are given this one back."""
        async with self._pool.acquire() as connection, connection.transaction():
            for who in sorted(self._limits):
                await store.forget(connection, who, None if who == self._about else self._at)


class Device(msgspec.Struct, frozen=True):
    """A browser in which somebody has signed in before, as its cookie says."""

    staff: UUID
    device: UUID


def tries_of(
    pool: Pool, secret: str, login: str, address: str, device: Device | None = None
) -> Tries:
    """Tries to sign in as somebody, from an address. A browser of theirs (`device`) has tries of
    its own: who guesses elsewhere does not lock them out. (OWASP: device cookies.)"""
    about = ("account", login.lower(), lockout.TRIES_OF_ACCOUNT)
    if device is not None:
        about = ("device", str(device.device), lockout.TRIES_OF_ACCOUNT)
    return Tries(pool, secret, about, ("address", address, lockout.TRIES_OF_ADDRESS))


async def by_password(
    pool: Pool, secret: str, *, login: str, password: str, address: str, device: Device | None
) -> tuple[Person, Tries] | None:
    """Whose login and password these are; None for nobody's. `device` is what the browser shows.
    The caller says `right` once nothing more is asked. Raises Wait after too many wrong ones."""
    async with pool.acquire() as connection:
        person = await store.by_login(connection, login)
    theirs = device if device and person and device.staff == person.id else None
    tries = tries_of(pool, secret, login, address, theirs)
    await tries.begin()
    known = person.password_hash if person is not None and person.active else None
    if not await passwords.fits(known, password) or person is None:
        return None
    return person, tries
