"""Looking at what matters now and then, beside the work: figures that cost a query each.

Never on the way of a request or a batch. An age grows by itself between two looks, also while the
database cannot be asked: what was waiting then still waits.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from prometheus_client import Gauge

from shared import clock, logs
from shared.bus.errors import BrokerUnavailable
from shared.db import CONFLICTS, UNREACHABLE

log = logs.logger(__name__)

LOOK_SECONDS = 15.0

_AWAY: tuple[type[Exception], ...] = (*UNREACHABLE, *CONFLICTS, BrokerUnavailable)

Look = Callable[[], Awaitable[None]]


class Age:
    """Shows in a gauge (or a labelled part of one) how many seconds the oldest of something has
    been waiting; 0 while there is nothing."""

    def __init__(self, gauge: Gauge) -> None:
        self._since: datetime | None = None
        gauge.set_function(self.seconds)

    def since(self, moment: datetime | None) -> None:
        """The oldest waits since `moment`; None: nothing waits."""
        self._since = moment

    def while_so(self, waiting: bool) -> None:
        """Something waits, since when it was first seen to; or nothing does."""
        self._since = (self._since or clock.now()) if waiting else None

    def seconds(self) -> float:
        """How long it has been waiting now."""
        return clock.seconds_since(self._since)


async def run(what: str, look: Look, seconds: float = LOOK_SECONDS) -> None:
    """Look every so many seconds, until cancelled. What is not reached is looked at the next time;
    the alerts on readiness tell of that."""
    while True:
        try:
            await look()
        except _AWAY as problem:
            log.info("not looked at", what=what, problem=type(problem).__name__)
        await asyncio.sleep(seconds)
