"""The brake: the more often a key is refused, the later its next refusal comes.

Refusing costs about as much as accepting does here. Whoever waits for each answer and then runs on,
whatever it was, would have this process do nothing else: those whom it has let in would wait until
their deadlines pass, as if broker and database were away. A till that heeds `Retry-After` is never
held.
"""

import asyncio
from uuid import UUID

MANY = 500
"""So many refusals of one key in a second are told MOST_SECONDS late; fewer, sooner."""

MOST_SECONDS = 1.0
LEAST_SECONDS = 0.05
MOST_HELD = 4000
"""Answers held at once: one is some kilobytes, and what is beyond is answered at once."""


class Brake:
    """Counts refusals by key: of this second and of the one before."""

    def __init__(self) -> None:
        self._second = 0
        self._before: dict[UUID | None, int] = {}
        self._now: dict[UUID | None, int] = {}
        self._held = 0

    async def hold(self, whose: UUID | None) -> None:
        """Count a refusal of this key, and come back when it may be told."""
        seconds = self.late(whose, asyncio.get_running_loop().time())
        if seconds < LEAST_SECONDS or self._held >= MOST_HELD:
            return
        self._held += 1
        try:
            await asyncio.sleep(seconds)
        finally:
            self._held -= 1

    def late(self, whose: UUID | None, now: float) -> float:
        """Count a refusal at this moment, and how many seconds late it is to be told."""
        if (second := int(now)) != self._second:
            self._before = self._now if second == self._second + 1 else {}
            self._now = {}
            self._second = second
        self._now[whose] = count = self._now.get(whose, 0) + 1
        return min(MOST_SECONDS, max(count, self._before.get(whose, 0)) / MANY)
