"""How long the oldest event has been waiting for its message, whatever two clocks differ by. Pure.

An event has the time of the machine that it comes from. What came a moment ago to a worker with
nothing in hand has not waited here: its age is what the clocks differ by, and the way. The least
such age of some minutes is the usual one, which is no wait.
"""

import math
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=5)
"""Long enough that something came quickly, and that no short trouble is taken for the usual."""

MOST_SECONDS = 5.0
"""Clocks that differ by more are set wrong; what is older was away, or is tried again."""


class Lateness:
    """Asked again and again, a few times a second."""

    def __init__(self) -> None:
        self._usual = 0.0
        self._least = math.inf
        self._until: datetime | None = None
        self._idle = False

    def waited(self, oldest: datetime | None, now: datetime) -> float:
        """Seconds that an event of this time, the oldest in hand, has waited beyond what is usual;
        0 when there is none."""
        self._turn(now)
        just_came, self._idle = self._idle, oldest is None
        if oldest is None:
            return 0.0
        age = (now - oldest).total_seconds()
        if just_came and abs(age) < MOST_SECONDS:
            self._least = min(self._least, age)
        return max(0.0, age - self._usual)

    def _turn(self, now: datetime) -> None:
        """At the end of a window what was seen in it is the usual, if anything was."""
        if self._until is None or now >= self._until:
            if self._least < math.inf:
                self._usual, self._least = self._least, math.inf
            self._until = now + WINDOW
