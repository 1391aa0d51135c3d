"""Asking LINE who people are, so that they are spoken to by name and in their language.

Soon after somebody follows, and once a month from then on; a few calls at a time, far below LINE's
limit, in no transaction and on nobody's way. What LINE does not tell changes nothing.
"""

import asyncio
from datetime import timedelta
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from prometheus_client import Counter

from services.notify.sending.pace import Pace
from services.notify.store import profiles as store
from services.notify.store.profiles import Told
from shared import clock, logs
from shared.db import CONFLICTS, UNREACHABLE, Pool

log = logs.logger(__name__)

LOOK_SECONDS = 1.0
PAGE = 40
CALLS_A_SECOND = 50
"""Of all replicas together; LINE allows 2,000."""

REFRESHED_AFTER = timedelta(days=30)
AGAIN_AFTER = timedelta(minutes=10)
"""When LINE did not answer, or this process ended in between."""

_profiles = Counter("tamaru_notify_profiles", "Profiles asked of LINE.", ["outcome"])


class Found(StrEnum):
    """What came of asking."""

    TOLD = "told"
    NONE = "none"
    LATER = "later"


class Profile(NamedTuple):
    """LINE's answer; `language` as LINE writes it, say ja or zh-Hant."""

    found: Found
    name: str | None = None
    language: str | None = None


class ProfileSource(Protocol):
    """Who tells profiles: `line_client.LineClient`."""

    async def profile(self, line_user_id: str) -> Profile: ...


def spoken(language: str | None) -> str | None:
    """The one of our languages for somebody whose LINE is in `language`; None if it is not told."""
    if not language:
        return None
    return "ja" if language.lower().startswith("ja") else "en"


async def run(pool: "Pool[Any]", line: ProfileSource, pace: Pace) -> None:
    """Read what is due, until cancelled."""
    while True:
        try:
            while await read_due(pool, line, pace):
                pass
        except (*UNREACHABLE, *CONFLICTS) as problem:
            log.warning("profiles not read", problem=type(problem).__name__)
        await asyncio.sleep(LOOK_SECONDS)


async def read_due(pool: "Pool[Any]", line: ProfileSource, pace: Pace) -> bool:
    """Read one page; true when there may be more and LINE answers."""
    now = clock.now()
    users = await store.take(pool, now, now + AGAIN_AFTER, PAGE)

    async def ask(user: str) -> Profile:
        await pace.take(len(users))
        return await line.profile(user)

    answers = dict(zip(users, await asyncio.gather(*map(ask, users)), strict=True))
    for answer in answers.values():
        _profiles.labels(answer.found.value).inc()
    told = [
        Told(user, answer.name, spoken(answer.language))
        for user, answer in answers.items()
        if answer.found is Found.TOLD
    ]
    none = [user for user, answer in answers.items() if answer.found is Found.NONE]
    async with pool.acquire() as connection, connection.transaction():
        if told:
            await store.note(connection, sorted(told), clock.now(), now + REFRESHED_AFTER)
        if none:
            await store.forgo(connection, sorted(none))
    return len(users) == PAGE and bool(told)
