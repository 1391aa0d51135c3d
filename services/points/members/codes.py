"""Rotating codes at tills: a code belongs to the first terminal that uses it, for five minutes.

So a till can look the member up and then post the purchase, and a photograph of the code is worth
nothing anywhere else. Whether a code was fresh is judged at the time of acceptance. An act at a
counter spends the code: it opens no second one.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from services.points.errors import CodeRefused
from services.points.rules import qr
from services.points.store import qr_uses as store
from services.points.store.qr_uses import Use
from shared.bus.handling import Connection
from shared.keys import Keys

BELONGS_FOR = timedelta(minutes=5)


class Shown(msgspec.Struct, frozen=True):
    """A code shown at a terminal; `at` is when the input was accepted."""

    token: str
    terminal_id: UUID
    at: datetime


async def admit(
    connection: Connection, keys: Keys[bytes], shown: Sequence[Shown]
) -> list[UUID | CodeRefused]:
    """For each code the member that it names, or why it names nobody; fresh ones are bound."""
    if not shown:
        return []
    fresh = [
        Use(_hash(each.token), each.terminal_id, each.at) for each in shown if _is_fresh(keys, each)
    ]
    await store.first(connection, fresh)
    used = await store.find(connection, [_hash(each.token) for each in shown])
    return [_judge(keys, each, used.get(_hash(each.token))) for each in shown]


async def spend(connection: Connection, token: str, act: UUID) -> None:
    """Let an act be the last that a code is good for. Raises CodeRefused if another one was."""
    if not await store.spend(connection, _hash(token), act):
        raise CodeRefused("used")


def _judge(keys: Keys[bytes], shown: Shown, use: Use | None) -> UUID | CodeRefused:
    try:
        if use is None:
            return _read(keys, shown)
        member = keys.opened(lambda key: qr.member(key, shown.token), qr.Forged)
    except qr.Refused as problem:
        return CodeRefused("expired" if isinstance(problem, qr.Expired) else "forged")
    if use.spent_by is not None:
        return CodeRefused("used")
    if use.terminal_id != shown.terminal_id:
        return CodeRefused("elsewhere")
    if shown.at > use.used_at + BELONGS_FOR:
        return CodeRefused("expired")
    return member


def _is_fresh(keys: Keys[bytes], shown: Shown) -> bool:
    try:
        _read(keys, shown)
    except qr.Refused:
        return False
    return True


def _read(keys: Keys[bytes], shown: Shown) -> UUID:
    return keys.opened(lambda key: qr.read(key, shown.token, shown.at), qr.Forged)


def _hash(token: str) -> str:
    return hashlib.sha256(token.strip().upper().encode()).hexdigest()
