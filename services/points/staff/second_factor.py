"""Two-step sign-in: one-time codes, and recovery codes for a lost device."""

import hashlib
import secrets
from uuid import UUID

from services.points.staff import sealing, totp
from services.points.store import staff as store
from services.points.store import staff_codes
from services.points.store.staff import Person
from shared import clock
from shared.bus.handling import Connection

RECOVERY_CODES = 10


class WrongCode(Exception):
    """It is not the present one, or was used already."""


async def start(connection: Connection, person: Person, key: str) -> bytes:
    """A secret that counts from its first code on; the same one while none was typed."""
    if person.totp_secret is not None and person.totp_since is None:
        return sealing.unseal(key, person.totp_secret)
    secret = secrets.token_bytes(totp.SECRET_BYTES)
    await staff_codes.put_secret(connection, person.id, sealing.seal(key, secret))
    return secret


async def confirm(connection: Connection, id: UUID, key: str, typed: str) -> list[str]:
    """It works: from now on it is asked for. The recovery codes, told once. Raises WrongCode."""
    await _use(connection, id, key, typed, waiting=True)
    await staff_codes.confirm(connection, id, clock.now())
    return await new_recovery_codes(connection, id)


async def check(connection: Connection, id: UUID, key: str, typed: str) -> None:
    """Take a code of the app, or a recovery code, each once. Raises WrongCode."""
    plain = "".join(typed.split()).replace("-", "").lower()
    if len(plain) == totp.DIGITS and plain.isdigit():
        await _use(connection, id, key, plain, waiting=False)
    elif not await staff_codes.use_recovery_code(connection, id, _hash(plain), clock.now()):
        raise WrongCode


async def remove(connection: Connection, id: UUID) -> None:
    """Ask for no code any more."""
    await staff_codes.put_secret(connection, id, None)
    await staff_codes.put_recovery_codes(connection, id, [])


async def new_recovery_codes(connection: Connection, id: UUID) -> list[str]:
    """Other recovery codes; the earlier ones are good no more."""
    codes = [secrets.token_hex(8) for _ in range(RECOVERY_CODES)]
    await staff_codes.put_recovery_codes(connection, id, [_hash(each) for each in codes])
    return [f"{each[:4]}-{each[4:8]}-{each[8:12]}-{each[12:]}" for each in codes]


async def _use(connection: Connection, id: UUID, key: str, typed: str, *, waiting: bool) -> None:
    person = await store.by_id(connection, id, lock=True)
    if person is None or person.totp_secret is None or (person.totp_since is None) != waiting:
        raise WrongCode
    secret = sealing.unseal(key, person.totp_secret)
    step = totp.step_of(secret, typed, clock.now(), person.totp_step)
    if step is None:
        raise WrongCode
    await staff_codes.put_step(connection, id, step)


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
