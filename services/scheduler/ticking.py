"""The worker's loop: sleep until something is due, fire it, hand it to the relay.

Any number of replicas run it. The effect (a tick's row, an item's removal) and the event's outbox
row stand in one transaction, so a crash anywhere repeats or does nothing, never half.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from prometheus_client import Counter, Gauge

from services.scheduler import firing
from services.scheduler.store import items, schedules
from shared import clock, logs, outbox
from shared.bus.handling import Connection
from shared.db import CONFLICTS, UNREACHABLE, Pool
from shared.events import Event
from shared.watching import Age

log = logs.logger(__name__)

LONGEST_SLEEP = 1.0
"""Seconds. Other replicas register items and the clock may be moved: look again after this."""

SHORTEST_SLEEP = 0.02

UNSEEN = timedelta(seconds=5)
"""Whoever has not looked for so long may have missed something that came due: that is lag, too."""

Fire = Callable[[Connection, datetime], Awaitable[Sequence[Event[Any]]]]

_fired = Counter("tamaru_scheduler_fired", "Events that came due and were fired.", ["kind"])
_lag = Age(Gauge("tamaru_scheduler_lag_seconds", "How long the oldest due work has been waiting."))


class Ticker:
    """Fires what is due from one process."""

    def __init__(self, pool: "Pool[Any]", relay: outbox.Relay) -> None:
        self._pool = pool
        self._relay = relay

    async def run(self) -> None:
        """Fire what comes due, until cancelled. Waits for the database when it is away."""
        while True:
            pause = LONGEST_SLEEP
            try:
                pause = await self.round()
            except UNREACHABLE as problem:
                log.warning("database not reached, ticks wait", problem=repr(problem))
            except CONFLICTS as problem:
                log.info("met another replica, once more", problem=repr(problem))
            await asyncio.sleep(pause)

    async def round(self) -> float:
        """Fire everything that is due now; returns the seconds to sleep until the next."""
        while await self._fire("item", firing.items) == firing.PAGE:
            pass
        soonest, due = await self._look()
        if due:
            await self._fire("tick", firing.ticks)
            soonest, _ = await self._look()
        return _seconds_until(soonest)

    async def _fire(self, kind: str, fire: Fire) -> int:
        async with self._pool.acquire() as connection, connection.transaction():
            events = await fire(connection, clock.now())
            rows = await outbox.write(connection, events)
        await self._relay.hand_over(rows)
        _fired.labels(kind).inc(len(events))
        return len(events)

    async def _look(self) -> tuple[datetime | None, bool]:
        """When something comes due next, and whether a schedule has to be fired now."""
        async with self._pool.acquire() as connection:
            now = clock.now()
            item = await items.next_item(connection)
            known = await schedules.every(connection, firing.DEFAULT_ZONE)
        coming = [item, *(firing.next_moment(schedule, now) for schedule in known)]
        missed = [moments[0] for each in known if (moments := firing.due_moments(each, now))]
        _lag.since(min(each for each in [*coming, *missed, now + UNSEEN] if each is not None))
        due = bool(missed) or any(schedule.checked_until is None for schedule in known)
        return min((moment for moment in coming if moment is not None), default=None), due


def _seconds_until(moment: datetime | None) -> float:
    """Never nothing: what is due already and still there, another replica is just taking."""
    if moment is None:
        return LONGEST_SLEEP
    return min(LONGEST_SLEEP, max(SHORTEST_SLEEP, (moment - clock.now()).total_seconds()))
