"""What becomes due by itself: each sweep starts at its own pace and works until nothing is left.

Their intervals are how late they may be, not how long they take.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from services.points.members import searching
from services.points.programs.rulebook import Rulebook
from services.points.purchases import redeeming, refunding, waiting
from shared import logs, outbox
from shared.db import UNREACHABLE, Pool

Sweep = Callable[[Pool, outbox.Relay, Rulebook], Awaitable[None]]
SWEEPS: Mapping[Sweep, float] = {
    refunding.sweep: 1.0,
    redeeming.time_out: 60.0,
    waiting.sweep: 60.0,
    searching.sweep: 60.0,
}
"""All sweeps, and after how many seconds each is started again. Each commits page by page, and may
run in several processes at once."""

log = logs.logger(__name__)


async def run(
    pool: Pool, relay: outbox.Relay, rulebook: Rulebook, sweeps: Mapping[Sweep, float] = SWEEPS
) -> None:
    """Sweep until cancelled; what cannot be reached now is swept the next time."""
    async with asyncio.TaskGroup() as tasks:
        for sweep, seconds in sweeps.items():
            tasks.create_task(_again(sweep, seconds, pool, relay, rulebook))


async def _again(
    sweep: Sweep, seconds: float, pool: Pool, relay: outbox.Relay, rulebook: Rulebook
) -> None:
    while True:
        try:
            await sweep(pool, relay, rulebook)
        except UNREACHABLE as problem:
            log.warning("sweep waits for the database", problem=repr(problem))
        await asyncio.sleep(seconds)
