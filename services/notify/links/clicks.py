"""Clicks, counted in memory and written down together, so that nobody who taps waits for a disk.

What was counted within the last second is lost when the process is killed; nothing else is. While
the database is away counts are kept and added when it is back: there are no more of them than links
times hours. A batch has an id, and is repeated under it until it is known to be written.
"""

import asyncio
from collections import Counter
from datetime import datetime
from typing import Any
from uuid import UUID

from services.notify.store import links as store
from shared import clock, ids, logs
from shared.db import CONFLICTS, UNREACHABLE, Pool

log = logs.logger(__name__)

WRITE_SECONDS = 1.0
MOST_ROWS = 2000


class Clicks:
    """What this process has counted and not written down yet."""

    def __init__(self, pool: "Pool[Any]") -> None:
        self._pool = pool
        self._counts: Counter[tuple[UUID, datetime]] = Counter()
        self._batch: tuple[UUID, dict[tuple[UUID, datetime], int]] | None = None
        self._writing = asyncio.Lock()

    def count(self, link: UUID) -> None:
        """One person has opened the link, now."""
        self._counts[link, clock.now().replace(minute=0, second=0, microsecond=0)] += 1

    async def write(self) -> None:
        """Write down what was counted until now. Raises what a database raises that is away."""
        async with self._writing:
            while self._batch or self._counts:
                if self._batch is None:
                    self._batch = (ids.new_id(), self._taken())
                async with self._pool.acquire() as connection:
                    await store.count(connection, *self._batch, clock.now())
                self._batch = None

    async def run(self) -> None:
        """Write every second, until cancelled."""
        while True:
            await asyncio.sleep(WRITE_SECONDS)
            await self._try()

    async def close(self) -> None:
        """Write what is left; said in the log if that fails."""
        await self._try()

    async def _try(self) -> None:
        try:
            await self.write()
        except (*UNREACHABLE, *CONFLICTS) as problem:
            log.warning("clicks not written down yet", problem=type(problem).__name__)

    def _taken(self) -> dict[tuple[UUID, datetime], int]:
        taken = dict(list(self._counts.items())[:MOST_ROWS])
        for key in taken:
            del self._counts[key]
        return taken
