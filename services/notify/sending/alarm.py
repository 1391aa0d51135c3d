"""When the next window of this process's own deliveries ends, so that the poller looks then and not
up to half a second later. What others stored, it finds in its own time.
"""

import heapq
import math
from datetime import datetime

GRAIN_SECONDS = 0.02
"""What ends within that is taken together."""


class Alarm:
    """Moments at which to look, each a whole grain."""

    def __init__(self) -> None:
        self._heap: list[int] = []
        self._known: set[int] = set()

    def set(self, moment: datetime) -> None:
        """Something is due at `moment`."""
        grain = math.ceil(moment.timestamp() / GRAIN_SECONDS)
        if grain not in self._known:
            self._known.add(grain)
            heapq.heappush(self._heap, grain)

    def pause(self, now: datetime, most: float) -> float:
        """Seconds until something is due, at most `most`; what is due already is forgotten."""
        grain = now.timestamp() / GRAIN_SECONDS
        while self._heap and self._heap[0] <= grain:
            self._known.discard(heapq.heappop(self._heap))
        if not self._heap:
            return most
        return min(most, (self._heap[0] - grain) * GRAIN_SECONDS)
