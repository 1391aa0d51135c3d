"""Ranks, recomputed from what members did: at once when points move, everybody at night.

Each recomputation starts from the facts, so repeats and disorder change nothing. Going up happens
at once; going down only in an evaluation (the nightly tick), never before the keep period ends.
"""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

from services.points.nights import pacing
from services.points.programs.rulebook import Rulebook
from services.points.rankings import rank_moves
from services.points.store import rank_runs
from services.points.store import ranks as store
from services.points.store.rank_runs import Run
from shared import clock, logs, outbox
from shared.bus.handling import Batch
from shared.db import Pool
from shared.events import Event, ProgramPublished

NIGHTLY = "nightly"
PAGE = 500
POLL_SECONDS = 5.0

log = logs.logger(__name__)


class Ranking:
    """The handlers of the `ranks` process, and its runs over everybody."""

    def __init__(self, rulebook: Rulebook, page: int = PAGE) -> None:
        self._rulebook = rulebook
        self._page_size = page
        self._asked = asyncio.Event()
        self.after_run: Callable[[], None] = lambda: None
        """Called when a run is finished."""

    async def points_moved(self, batch: Batch, events: list[Event[Any]]) -> None:
        """Rank the members whose points moved: for any event that names a `member_id`."""
        members = {event.data.member_id: event for event in events}
        await rank_moves.rank(batch, self._rulebook, members, evaluation=False)

    async def program_published(self, batch: Batch, events: list[Event[ProgramPublished]]) -> None:
        """Rank everybody by the new rules; nobody goes down before the next evaluation."""
        for event in events:
            await self._start(batch, event.id, "program", evaluation=False)

    async def evaluate(self, batch: Batch, id: UUID) -> None:
        """Start to evaluate everybody, as the night wants it; the run has its id."""
        await self._start(batch, id, NIGHTLY, evaluation=True)

    async def run(self, pool: "Pool", relay: outbox.Relay) -> None:
        """Work through runs, a page a transaction, until cancelled."""
        await pacing.work("ranks", lambda: self.page(pool, relay), self._asked, POLL_SECONDS)

    async def _start(self, batch: Batch, id: UUID, reason: str, evaluation: bool) -> None:
        await rank_runs.start(batch.connection, id, reason, evaluation, clock.now())
        batch.when_committed(self._asked.set)

    async def page(self, pool: "Pool", relay: outbox.Relay) -> bool:
        """Do the next page of the oldest run; false when there is none."""
        async with pool.acquire() as connection, connection.transaction():
            run = await rank_runs.next_page(connection)
            if run is None:
                return False
            if run.superseded_by:
                await rank_runs.supersede(connection, run, clock.now())
                log.info("a later run takes over", run=str(run.id), by=str(run.superseded_by))
                return True
            batch = Batch(connection)
            finished = await self._rank_page(batch, run)
            rows = await outbox.write(connection, batch.emitted)
        await relay.hand_over(rows)
        if finished:
            log.info("everybody ranked", reason=run.reason, run=str(run.id))
            self.after_run()
        return True

    async def _rank_page(self, batch: Batch, run: Run) -> bool:
        """Rank the run's next page of members; true when it was the last one."""
        members = await store.members_after(batch.connection, run.after_member, self._page_size)
        causes = dict.fromkeys(members)
        await rank_moves.rank(batch, self._rulebook, causes, evaluation=run.evaluation)
        last = members[-1] if members else run.after_member
        finished_at = None if len(members) == self._page_size else clock.now()
        await rank_runs.advance(batch.connection, run, last, len(members), finished_at)
        return finished_at is not None
