"""Writing down what became of deliveries, many in one statement.

Owns the way from a result to the database; a database that is away only delays it. A result that
is lost with the process costs nothing: its lease ends and the retry key answers for it.
"""

import asyncio
from collections import Counter as Tally
from collections.abc import Sequence
from typing import Any

from prometheus_client import Counter

from services.notify.sending.deliveries import Record
from services.notify.store import deliveries as store
from shared import logs
from shared.coalesce import Coalescer
from shared.db import CONFLICTS, UNREACHABLE, Pool

log = logs.logger(__name__)

PAUSE_SECONDS = 0.5
GROUP = 500

_deliveries = Counter(
    "tamaru_notify_deliveries", "What deliveries came to, as written down.", ["outcome"]
)


class Recorder:
    """Groups records; the future of each is done once it is committed."""

    def __init__(self, pool: "Pool[Any]") -> None:
        self._pool = pool
        self._group: Coalescer[Record, None] = Coalescer(self._write, limit=GROUP)

    def record(self, record: Record) -> asyncio.Future[None]:
        """Write down `record`; waiting for it is for those who need it on disk first."""
        return self._group.submit(record)

    async def join(self) -> None:
        """Wait until everything is written."""
        await self._group.join()

    async def _write(self, records: list[Record]) -> Sequence[None]:
        while True:
            try:
                await store.record(self._pool, records)
                break
            except (*UNREACHABLE, *CONFLICTS) as problem:
                log.warning("results not written yet", problem=type(problem).__name__)
                await asyncio.sleep(PAUSE_SECONDS)
            except Exception as problem:
                log.error("results not written; the lease will end", problem=repr(problem))
                raise
        count_outcomes(record.status for record in records)
        return [None] * len(records)


def count_outcomes(outcomes: Any) -> None:
    """Count deliveries by what they came to."""
    for outcome, count in Tally(outcomes).items():
        _deliveries.labels(outcome).inc(count)
