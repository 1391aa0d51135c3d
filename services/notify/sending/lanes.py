"""Which delivery in memory goes next: the most urgent person's, each person's in order.

A person's lane is as urgent as the most urgent of what waits in it: what stands before that goes
out first, at once. A rush of what nobody waits for takes at most three quarters of the calls, so
there is always one for a receipt. Owns order and waiting; nothing here knows LINE.
"""

import asyncio
from collections import deque
from collections.abc import Sequence

from services.notify.categories import CAMPAIGN, URGENT
from services.notify.sending.deliveries import Delivery

PRIORITIES = CAMPAIGN + 1

MOST_OF_ONE = 20
"""For whom so many calls are to be made, the rest waits in the database: whatever there is to say
to one person, memory is bounded and the others' turn comes."""


class Lanes:
    """Take with `next`, and say with `done` when the person's next one may go."""

    def __init__(self, calls: int) -> None:
        self.backlog = 0
        self.calls = calls
        self._lanes: dict[str, deque[Delivery]] = {}
        self._out: set[str] = set()
        self._level: dict[str, int] = {}
        self._ready: tuple[deque[str], ...] = tuple(deque() for _ in range(PRIORITIES))
        self._patient = 0  # out, and not urgent
        self._takers: deque[asyncio.Future[None]] = deque()
        self._empty = asyncio.Event()
        self._empty.set()

    def add(self, deliveries: Sequence[Delivery]) -> None:
        """Let these wait, each behind what waits for the same person already."""
        self.backlog += len(deliveries)
        if self.backlog:
            self._empty.clear()
        for delivery in deliveries:
            user = delivery.line_user_id
            lane = self._lanes.get(user)
            if lane is None:
                lane = self._lanes[user] = deque()
            lane.append(delivery)
            if user not in self._out:
                self._queue(user, delivery.priority)

    def crowded(self) -> list[str]:
        """For whom no more is to be taken yet."""
        return [user for user, lane in self._lanes.items() if len(lane) >= MOST_OF_ONE]

    def urgent(self) -> Delivery | None:
        """One that goes next of those that somebody waits for right now; None when all are out."""
        for level, queue in enumerate(self._ready[: URGENT + 1]):
            for user in queue:
                if self._level.get(user) == level:
                    return self._lanes[user][0]
        return None

    async def next(self) -> Delivery:
        """The next one to send, as soon as there is one."""
        while (user := self._most_urgent()) is None:
            taker: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._takers.append(taker)
            try:
                await taker
            except asyncio.CancelledError:
                if taker.done() and not taker.cancelled():
                    self._wake()  # it was for somebody else then
                raise
        self._out.add(user)
        delivery = self._lanes[user].popleft()
        self._patient += delivery.priority > URGENT
        return delivery

    def done(self, delivery: Delivery) -> None:
        """This one went out, or back: the person's next one may go."""
        user = delivery.line_user_id
        self._out.discard(user)
        if delivery.priority > URGENT:
            self._patient -= 1
            self._wake()
        if lane := self._lanes[user]:
            self._queue(user, min(each.priority for each in lane))
        else:
            del self._lanes[user]
        self.backlog -= 1
        if not self.backlog:
            self._empty.set()

    async def wait_empty(self) -> None:
        """Until nothing waits and nothing is out."""
        await self._empty.wait()

    def _queue(self, user: str, level: int) -> None:
        if level < self._level.get(user, PRIORITIES):
            self._level[user] = level  # its place among the less urgent counts no more
            self._ready[level].append(user)
            self._wake()

    def _most_urgent(self) -> str | None:
        for level, queue in enumerate(self._ready):
            if level > URGENT and self._patient >= max(1, self.calls * 3 // 4):
                return None
            while queue:
                user = queue.popleft()
                if self._level.get(user) == level:
                    del self._level[user]
                    return user
        return None

    def _wake(self) -> None:
        while self._takers:
            taker = self._takers.popleft()
            if not taker.done():
                taker.set_result(None)
                return
