"""Rotating codes at tills: a code belongs to the first terminal that uses it, for five minutes.

So a till can look the member up and then post the purchase, and a photograph of the code is worth
nothing anywhere else. Whether a code was fresh is judged at the time of acceptance.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from services.points.errors import BadReference
from services.points.rules import qr
from services.points.store import qr_uses as store
from services.points.store.qr_uses import Use
from shared.bus.handling import Connection

BELONGS_FOR = timedelta(minutes=5)


class Shown(msgspec.Struct, frozen=True):
    """A code shown at a terminal; `at` is when the input was accepted."""

    token: str
    terminal_id: UUID
    at: datetime


async def admit(
    connection: Connection, key: bytes, shown: Sequence[Shown]
) -> list[UUID | BadReference]:
    """For each code the member that it names, or why it names nobody; fresh ones are bound."""
    if not shown:
        return []
    fresh = [Use(_hash(each), each.terminal_id, each.at) for each in shown if _is_fresh(key, each)]
    await store.first(connection, fresh)
    used = await store.find(connection, [_hash(each) for each in shown])
    return [_judge(key, each, used.get(_hash(each))) for each in shown]


def _judge(key: bytes, shown: Shown, use: Use | None) -> UUID | BadReference:
    try:
        if use is None:
            return qr.read(key, shown.token, shown.at)
        member = qr.member(key, shown.token)
    except qr.Refused as problem:
        return BadReference(str(problem))
    if use.terminal_id != shown.terminal_id:
        return BadReference("this code was used at another till; show a new one")
    if shown.at > use.used_at + BELONGS_FOR:
        return BadReference("the code was used some minutes ago; show a new one")
    return member


def _is_fresh(key: bytes, shown: Shown) -> bool:
    try:
        qr.read(key, shown.token, shown.at)
    except qr.Refused:
        return False
    return True


def _hash(shown: Shown) -> str:
    return hashlib.sha256(shown.token.strip().upper().encode()).hexdigest()
