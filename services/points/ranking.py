"""Ranks, recomputed from what members did: at once when points move, everybody at night.

Each recomputation starts from the facts, so repeats and disorder change nothing. Going up happens
at once; going down only in an evaluation (the nightly tick), never before the keep period ends.
"""

import asyncio
from uuid import UUID

from services.points import ranks
from services.points.program import Program
from services.points.rulebook import Rulebook
from services.points.store import rank_runs
from services.points.store import ranks as store
from services.points.store.ranks import Measured, NewStanding, Standing
from shared import clock, logs, outbox
from shared.bus.handling import Batch
from shared.db import UNREACHABLE, Pool
from shared.events import (
    Event,
    PointsAdjusted,
    PointsEarned,
    ProgramPublished,
    RankChanged,
    ScheduleTicked,
    new_event,
)

SOURCE = "/points/ranks"
NIGHTLY = "nightly"
PAGE = 500
POLL_SECONDS = 5.0

log = logs.logger(__name__)
Moved = Event[PointsEarned] | Event[PointsAdjusted]


class Ranking:
    """The handlers of the `ranks` process, and its runs over everybody."""

    def __init__(self, rulebook: Rulebook) -> None:
        self._rulebook = rulebook
        self._asked = asyncio.Event()

    async def points_moved(self, batch: Batch, events: list[Moved]) -> None:
        """Rank the members whose points moved."""
        members = {event.data.member_id: event for event in events}
        await self._rank(batch, members, evaluation=False)

    async def program_published(self, batch: Batch, events: list[Event[ProgramPublished]]) -> None:
        """Rank everybody by the new rules; nobody goes down before the next evaluation."""
        for event in events:
            await self._start(batch, event.id, "program", evaluation=False)

    async def ticked(self, batch: Batch, events: list[Event[ScheduleTicked]]) -> None:
        """The nightly tick: evaluate everybody."""
        for event in events:
            if event.data.name == NIGHTLY:
                await self._start(batch, event.id, NIGHTLY, evaluation=True)

    async def run(self, pool: "Pool", relay: outbox.Relay) -> None:
        """Work through runs, a page a transaction, until cancelled."""
        while True:
            try:
                while await self._page(pool, relay):
                    pass
            except UNREACHABLE as problem:
                log.warning("rank run waits for the database", problem=repr(problem))
            self._asked.clear()
            try:
                await asyncio.wait_for(self._asked.wait(), POLL_SECONDS)
            except TimeoutError:
                continue

    async def _start(self, batch: Batch, id: UUID, reason: str, evaluation: bool) -> None:
        await rank_runs.start(batch.connection, id, reason, evaluation, clock.now())
        batch.when_committed(self._asked.set)

    async def _page(self, pool: "Pool", relay: outbox.Relay) -> bool:
        async with pool.acquire() as connection, connection.transaction():
            run = await rank_runs.next_page(connection)
            if run is None:
                return False
            members = await store.members_after(connection, run.after_member, PAGE)
            batch = Batch(connection)
            await self._rank(batch, dict.fromkeys(members), evaluation=run.evaluation)
            last = members[-1] if members else run.after_member
            finished_at = None if len(members) == PAGE else clock.now()
            await rank_runs.advance(connection, run, last, finished_at)
            rows = await outbox.write(connection, batch.emitted)
        await relay.hand_over(rows)
        if finished_at:
            log.info("everybody ranked", reason=run.reason, run=str(run.id))
        return True

    async def _rank(
        self, batch: Batch, members: dict[UUID, Moved] | dict[UUID, None], *, evaluation: bool
    ) -> None:
        await self._rulebook.refresh(batch.connection)
        if self._rulebook.empty or not members:
            return
        now, program = clock.now(), self._rulebook.newest().program
        standings = await store.lock(batch.connection, list(members), now)
        since = ranks.window_start(program, now)
        measured = await store.measure(batch.connection, list(members), since)
        decided = [
            (standing, _decide(program, standing, measured[standing.member_id], evaluation))
            for standing in standings
        ]
        changed = [(old, new) for old, new in decided if _differs(old, new)]
        if changed:
            await store.write(batch.connection, [new for _, new in changed])
        for old, new in changed:
            if old.code != new.code:
                cause = members[old.member_id]
                data = _changed(program, old, new)
                batch.emit(new_event(SOURCE, data, subject=str(old.member_id), cause=cause))


def _decide(
    program: Program, standing: Standing, measured: Measured, evaluation: bool
) -> NewStanding:
    now = clock.now()
    metrics = ranks.Metrics(
        points_earned=measured.points_earned,
        amount_spent=measured.amount_spent,
        visits=measured.visits,
    )
    decision = ranks.evaluate(
        program,
        metrics,
        standing.code,
        now,
        keep_until=standing.keep_until,
        manual_floor=standing.floor,
        evaluation=evaluation,
    )
    since = now if decision.rank != standing.code else standing.since
    return NewStanding(standing.member_id, decision.rank, since, decision.keep_until)


def _differs(old: Standing, new: NewStanding) -> bool:
    return (old.code, old.keep_until) != (new.code, new.keep_until)


def _changed(program: Program, old: Standing, new: NewStanding) -> RankChanged:
    codes = [level.code for level in program.ranks.levels]
    names = {level.code: level.name for level in program.ranks.levels}

    def height(code: str | None) -> int:
        return codes.index(code) if code in codes else -1

    return RankChanged(
        member_id=old.member_id,
        direction="up" if height(new.code) > height(old.code) else "down",
        to_rank=new.code,
        to_name=names.get(new.code or ""),
        from_rank=old.code,
        from_name=names.get(old.code or ""),
        line_user_id=old.line_user_id,
    )
