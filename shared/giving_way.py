"""What can wait gives way while people do, at a till or for their receipt: to a trickle, and back.

Both live on the same processors, the same database and the same LINE. Whoever serves people says
that they wait (`shared.people_wait`); how much of its pace a broadcast, or the count of a segment,
keeps follows from that.
"""

import asyncio
import math
from typing import Protocol

from prometheus_client import Counter

from shared.people_wait import LOOK_SECONDS

LEAST = 0.05
"""The share of its pace that is always kept: in an overload that does not end a broadcast still
arrives, and one more purchase in twenty would not have made it better."""

HALVES_SECONDS = 0.25
DOUBLES_SECONDS = 0.5
"""Giving way is done within about a second, and taking up again takes two: what is itself too much
finds the pace at which nobody waits."""


class Word(Protocol):
    """What tells: `people_wait.PeopleWait`."""

    async def heard(self) -> bool: ...


def share_after(share: float, seconds: float, *, waiting: bool, least: float = LEAST) -> float:
    """The share of its pace that is kept, so many seconds after it was `share`; all the while
    people were waiting, or nobody was."""
    if waiting:
        return max(least, share * math.exp2(-seconds / HALVES_SECONDS))
    return min(1.0, share * math.exp2(min(10.0, seconds / DOUBLES_SECONDS)))


class GivingWay:
    """One for all that a process does which can wait. `held_back` counts the seconds that it has
    rested."""

    def __init__(self, word: Word, held_back: Counter, least: float = LEAST) -> None:
        self._word = word
        self._held_back = held_back
        self._least = least
        self._share = 1.0
        self._looked_at = 0.0
        self._rests_until = 0.0

    async def share(self) -> float:
        """The share of its pace that is kept now. Looks a few times a second at most."""
        passed = asyncio.get_running_loop().time() - self._looked_at
        if passed >= LOOK_SECONDS:
            self._looked_at += passed
            waiting = await self._word.heard()
            self._share = share_after(self._share, passed, waiting=waiting, least=self._least)
        return self._share

    async def rest(self, seconds: float) -> None:
        """After what takes so many seconds at the full pace: as long as it takes at the share that
        is kept. Not at all while that is the whole."""
        while seconds > 0 and (share := await self.share()) < 1:
            nap = min(LOOK_SECONDS, seconds / share)
            self._note(nap)
            await asyncio.sleep(nap)
            seconds -= nap * share

    def _note(self, nap: float) -> None:
        """Count a rest, and what several rest at the same time only once."""
        now = asyncio.get_running_loop().time()
        until = max(self._rests_until, now + nap)
        self._held_back.inc(until - max(self._rests_until, now))
        self._rests_until = until
