"""Room for what is under way: beyond it a till is told at once to come again.

So memory stays bounded, and what was let in is answered soon: a till that waits for seconds thinks
that nothing happens. Bounds are what this process has in hand, how long the first of it has waited,
and what waits in the broker for points. Each refuses with 503 and Retry-After before anything is
read; what was accepted stays accepted.
"""

from collections.abc import Callable

from shared.bus.bus import Bus
from shared.problems import Problem, unavailable

COSTS: dict[str, int] = {"/v1/purchases": 1, "/line/webhook": 4, "/v1/purchases/batch": 32}
"""What a request takes, about as the bodies' limits are to one another."""

MOST_UNDER_WAY = 400
FEW = 200
"""So many go out together: among fewer nobody waits for the others, only for Redis and the broker,
and to send some away would make nothing faster."""

LONG_SECONDS = 0.3
"""The first may have waited so long in one of the two places where purchases wait: for the gate,
and to be durable. Who comes last then waits about as long again in each."""

MOST_BEHIND = 500_000
"""Messages in the queue of purchases, each of up to 200: a day of any shop. Points may be away for
hours and tills still get their receipts."""

LOOK_SECONDS = 5.0
AWARDS = "points.awards"


class Room:
    """How much of it is taken."""

    def __init__(self, waited: Callable[[], float], most: int = MOST_UNDER_WAY) -> None:
        self._waited = waited
        self._most = most
        self._taken = 0
        self._behind = 0

    def take(self, path: str) -> int:
        """Take room for a request and say how much; to be given back by `leave`. Raises Problem.

        Who finds any is let in whole: in a rush a batch has the same chance as a purchase."""
        if self._taken >= self._most or (self._taken >= FEW and self._waited() > LONG_SECONDS):
            raise _busy(1)
        if self._behind > MOST_BEHIND and path != "/line/webhook":
            raise _busy(30)
        cost = COSTS[path]
        self._taken += cost
        return cost

    def leave(self, cost: int) -> None:
        """Give it back."""
        self._taken -= cost

    def note_behind(self, messages: int) -> None:
        """So many messages of purchases wait for points."""
        self._behind = messages

    async def look(self, bus: Bus) -> None:
        """Ask the broker what waits for points. Raises BrokerUnavailable."""
        depth = (await bus.depths([AWARDS]))[AWARDS]
        self.note_behind(depth.messages if depth else 0)


def _busy(seconds: int) -> Problem:
    return unavailable("Too much is under way. Send it again, unchanged.", retry_after=seconds)
