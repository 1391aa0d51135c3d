"""Two-step sign-in: one-time codes, and recovery codes for a lost device."""

import hashlib
import secrets
from contextlib import suppress
from uuid import UUID

from services.points.staff import sealing, totp
from services.points.store import staff as store
from services.points.store import staff_codes
from services.points.store.staff import Person
from shared import clock, logs
from shared.bus.handling import Connection
from shared.keys import Keys

RECOVERY_CODES = 10

log = logs.logger(__name__)


class WrongCode(Exception):
    """It is not the present one, or was used already."""


async def start(connection: Connection, person: Person, keys: Keys[str]) -> bytes:
    """A secret that counts from its first code on; the same one while none was typed."""
    if person.totp_secret is not None and person.totp_since is None:
        with suppress(sealing.Broken):
            return unsealed(keys, person.totp_secret)
    secret = secrets.token_bytes(totp.SECRET_BYTES)
    await staff_codes.put_secret(connection, person.id, sealing.seal(keys.new, secret))
    return secret


async def confirm(connection: Connection, id: UUID, keys: Keys[str], typed: str) -> list[str]:
    """It works: from now on it is asked for. The recovery codes, told once. Raises WrongCode."""
    await _use(connection, id, keys, typed, waiting=True)
    await staff_codes.confirm(connection, id, clock.now())
    return await new_recovery_codes(connection, id)


async def check(connection: Connection, id: UUID, keys: Keys[str], typed: str) -> None:
    """Take a code of the app, or a recovery code, each once. Raises WrongCode."""
    plain = "".join(typed.split()).replace("-", "").lower()
    if len(plain) == totp.DIGITS and plain.isdigit():
        await _use(connection, id, keys, plain, waiting=False)
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


def unsealed(keys: Keys[str], sealed: bytes) -> bytes:
    """A secret that was sealed under either key. Raises Broken."""
    return keys.opened(lambda key: sealing.unseal(key, sealed), sealing.Broken)


async def reseal(connection: Connection, keys: Keys[str]) -> int:
    """Seal under the new key what is sealed under the old one; how many."""
    count = 0
    for id, sealed in await staff_codes.secrets(connection):
        try:
            sealing.unseal(keys.new, sealed)
        except sealing.Broken:
            with suppress(sealing.Broken):
                again = sealing.seal(keys.new, unsealed(keys, sealed))
                await staff_codes.reseal(connection, id, again)
                count += 1
    return count


async def _use(
    connection: Connection, id: UUID, keys: Keys[str], typed: str, *, waiting: bool
) -> None:
    person = await store.by_id(connection, id, lock=True)
    if person is None or person.totp_secret is None or (person.totp_since is None) != waiting:
        raise WrongCode
    try:
        secret = unsealed(keys, person.totp_secret)
    except sealing.Broken:
        log.error("a one-time secret is sealed under a SESSION_KEY that is gone", staff=str(id))
        raise WrongCode from None
    step = totp.step_of(secret, typed, clock.now(), person.totp_step)
    if step is None:
        raise WrongCode
    await staff_codes.put_step(connection, id, step)


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
