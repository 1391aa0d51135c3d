"""Room for what is under way: beyond it a till is told at once to come again.

So memory stays bounded, and what was let in is answered soon: a till that waits for seconds thinks
that nothing happens. Bounds are what this process has in hand, how long the first of it has waited,
and what waits in the broker for points. Each refuses with 503 and Retry-After before anything is
read; what was accepted stays accepted.

A part is kept for those who take less than an even share: a store whose tills run wild sends itself
away, not the others.
"""

from collections.abc import Callable
from typing import NamedTuple
from uuid import UUID

from shared.bus.bus import Bus
from shared.problems import Problem, unavailable


class Need(NamedTuple):
    """What a request takes, about as the bodies' limits are to one another, and whether a till
    sends it: with a key, and for points."""

    cost: int
    of_till: bool = True


NEEDS: dict[str, Need] = {
    "/v1/purchases": Need(1),
    "/line/webhook": Need(4, of_till=False),
    "/v1/purchases/batch": Need(32),
}
"""By the address that it is posted to."""

MOST_UNDER_WAY = 400
KEPT = 100
"""Of these, for those who have less than an even share under way."""

FEW = 200
"""So many go out together: among fewer nobody waits for the others, only for Redis and the broker,
and to send some away would make nothing faster."""

LONG_SECONDS = 0.3
"""The first may have waited so long in one of the two places where purchases wait: for the gate,
and to be durable. Who comes last then waits about as long again in each."""

MOST_BEHIND = 500_000
"""Messages in the queue of purchases, each of up to 200: a day of any shop. Points may be away for
hours and tills still get their receipts."""

TOO_LONG_SECONDS = LONG_SECONDS / 2
"""What the first may have waited before others are asked to give way: well before a till is sent
away, and many times what a group takes when nothing is held up."""

MANY_BEHIND = 20
"""Messages that wait for points and are in nobody's hand: a second's work."""

LOOK_SECONDS = 5.0
AWARDS = "points.awards"


class Taken(NamedTuple):
    """Room that is to be given back, and who has it."""

    cost: int
    whose: UUID | str | None


class Room:
    """How much of it is taken, and by whom."""

    def __init__(self, waited: Callable[[], float]) -> None:
        self._waited = waited
        self._taken = 0
        self._by: dict[UUID | str | None, int] = {}
        self._behind = 0
        self._sent_away = False

    def take(self, path: str, whose: UUID | str | None) -> Taken:
        """Take room for a request, to be given back by `leave`. Raises Problem.

        It comes out of the share of `whose`. Who finds any room is let in whole: in a rush a batch
        has the same chance as a purchase."""
        if self._taken >= self._bound(whose):
            self._sent_away = True
            raise _busy(1)
        need = NEEDS[path]
        if self._behind > MOST_BEHIND and need.of_till:
            raise _busy(30)
        taken = Taken(need.cost, whose)
        self._taken += taken.cost
        self._by[whose] = self._by.get(whose, 0) + taken.cost
        return taken

    def leave(self, taken: Taken) -> None:
        """Give it back."""
        self._taken -= taken.cost
        left = self._by[taken.whose] - taken.cost
        if left:
            self._by[taken.whose] = left
        else:
            del self._by[taken.whose]

    def _bound(self, whose: UUID | str | None) -> int:
        """How much may be taken already when this one comes."""
        if self._taken < FEW:
            return FEW
        modest = self._by.get(whose, 0) * len(self._by) < self._taken
        if not modest and len(self._by) > 1:
            return FEW
        bound = FEW if self._waited() > LONG_SECONDS else MOST_UNDER_WAY - KEPT
        return bound + KEPT if modest else bound

    def people_waited(self) -> float:
        """Seconds that the first till has waited; more than too long if one was sent away since
        this was last asked, or if points are behind."""
        sent_away, self._sent_away = self._sent_away, False
        late = sent_away or self._behind > MANY_BEHIND
        return max(self._waited(), LONG_SECONDS if late else 0.0)

    def note_behind(self, messages: int) -> None:
        """So many messages of purchases wait for points."""
        self._behind = messages

    async def look(self, bus: Bus) -> None:
        """Ask the broker what waits for points. Raises BrokerUnavailable."""
        depth = (await bus.depths([AWARDS]))[AWARDS]
        self.note_behind(depth.messages if depth else 0)


def _busy(seconds: int) -> Problem:
    return unavailable("Too much is under way. Send it again, unchanged.", retry_after=seconds)
