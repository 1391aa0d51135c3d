"""Whether people wait: said by whoever serves somebody at once, heard by what can wait.

A word in Redis that fades by itself some seconds after it was last said. Nothing's truth depends on
it: while Redis is away it is not heard, and nothing gives way.
"""

import asyncio
import math
from collections.abc import Callable

from redis.asyncio import Redis

from shared.ratelimit import FailOpen

LOOK_SECONDS = 0.25
FADES_SECONDS = 3.0
"""Longer than a process stands still that is short of processor time: then its word must hold."""


class PeopleWait:
    """The word of one installation."""

    def __init__(self, redis: "Redis", namespace: str) -> None:
        self._redis = redis
        self._key = f"{{{namespace}}}.people-wait"
        self._door = FailOpen("word of people who wait")
        self._holds_until = -math.inf

    async def say(self) -> None:
        """Somebody waits now."""
        await self._door.ask(lambda: self._redis.set(self._key, b"1", px=int(FADES_SECONDS * 1000)))

    async def heard(self) -> bool:
        """Whether it was said a moment ago. When Redis does not answer, what it said last holds for
        as long as the word would."""
        said = await self._door.ask(lambda: self._redis.exists(self._key))
        now = asyncio.get_running_loop().time()
        if said is not None:
            self._holds_until = now + FADES_SECONDS if said else -math.inf
        return now < self._holds_until

    async def watch(self, waited: Callable[[], float], too_long: float) -> None:
        """Say it while somebody has `waited` for more seconds than `too_long`, until cancelled."""
        while True:
            if waited() > too_long:
                await self.say()
            await asyncio.sleep(LOOK_SECONDS)
