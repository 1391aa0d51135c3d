"""Runs of backtests over the stored purchases, in pages of members, from one snapshot.

Nothing is locked and nothing written but how far a run is. A run has one worker at a time; when it
dies, whoever looks next begins the run again, with a snapshot of its own. Memory does not follow
the number of purchases.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from services.points.rules import program as programs
from services.points.rules.backtest import Budget, Replay, Stored, least_budget
from services.points.rules.backtest_sums import Sums, outcome
from services.points.rules.compiled import CompiledProgram, compile_program
from services.points.rules.program import Program
from services.points.rules.terms import Problem, ProgramInvalid, moment
from services.points.store import backtests as store
from services.points.store import programs as program_store
from services.points.store.backtests import Run
from shared import clock, logs
from shared.bus.handling import Connection
from shared.db import UNREACHABLE, Pool, snapshot

PAGE = 1_000
CHUNK = 500
ATTEMPTS = 3
POLL_SECONDS = 2.0
_EVER = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)

log = logs.logger(__name__)

Span = tuple[datetime | None, datetime | None]
"""From (inclusive) and until (exclusive); None: no bound."""


class Progress(msgspec.Struct, frozen=True):
    """How far a run is: members of all members, and purchases."""

    members: int
    of: int
    purchases: int


Tell = Callable[[Progress], Awaitable[None]]
"""Is told after each page; raises to stop the run."""


class Cancelled(Exception):
    """The run was taken back while it went on."""


def span(program: Program, start: str | None, end: str | None) -> Span:
    """The period between two days or moments as people write them, in the program's time zone; an
    end that is a day is included. Raises ProgramInvalid."""
    found: list[datetime | None] = []
    problems = []
    for name, text in (("from", start), ("until", end)):
        try:
            found.append(moment(text, program.zone, end=name == "until") if text else None)
        except ValueError:
            words = "must be a day (2026-04-01) or a time with offset (2026-04-01T10:00:00+09:00)"
            problems.append(Problem(name, words))
            found.append(None)
    since, until = found
    if since and until and since >= until:
        problems.append(Problem("until", "must be later than from"))
    if problems:
        raise ProgramInvalid(problems)
    return since, until


async def run(connection: Connection, program: Program, period: Span, tell: Tell) -> dict[str, Any]:
    """The draft over the period's purchases, as `outcome` gives it. Within a transaction that
    reads one snapshot. Points as given are valued by the program in force."""
    compiled = compile_program(program)
    current = await program_store.in_force(connection, clock.now())
    now = programs.read(current.document) if current else program
    budget = Budget()
    if least_budget(compiled) is not None:
        rehearsal = Replay(compiled, period[0]).by_hour()
        await _replay(connection, compiled, period, rehearsal, _silent)
        budget = Budget.of(compiled, rehearsal.hours or {})
    sums = await _replay(connection, compiled, period, Replay(compiled, period[0], budget), tell)
    codes = dict.fromkeys(each.code for each in (*now.ranks.levels, *program.ranks.levels))
    worth = now.redemption.value, program.redemption.value
    return outcome(sums, codes, *worth, await store.outstanding(connection))


async def _replay(
    connection: Connection, compiled: CompiledProgram, period: Span, replay: Replay, tell: Tell
) -> Sums:
    since, until = period
    reach = since - compiled.looks_back if since else None
    bounds = reach or _EVER[0], until or _EVER[1]
    of = await store.members(connection)
    after, members = UUID(int=0), 0
    while after != store.LAST:
        end = await store.page_end(connection, after, PAGE)
        async for rows in store.purchases(connection, (after, end), bounds, CHUNK):
            replay.feed([Stored(*row) for row in rows])
            await asyncio.sleep(0)  # whoever else is in this process has its turn
        after, members = end, min(members + PAGE, of)
        await tell(Progress(members, of, replay.sums.total.purchases))
    return replay.finish()


async def _silent(_: Progress) -> None:
    return None


async def work(pool: "Pool[Any]") -> None:
    """Work through what was asked for, one run after another, until cancelled."""
    while True:
        try:
            while await work_one(pool):
                pass
        except UNREACHABLE as problem:
            log.warning("backtests wait for the database", problem=repr(problem))
        await asyncio.sleep(POLL_SECONDS)


async def work_one(pool: "Pool[Any]") -> bool:
    """Take the oldest run that nobody has, and do it; False when there is none."""
    async with snapshot(pool) as connection:
        for id in await store.unfinished(connection, 20):
            if await store.claim(connection, id):
                members = await store.members(connection)
                asked = await store.begin(pool, id, members)
                if asked is not None:
                    await _do(pool, connection, asked)
                    return True
    return False


async def _do(pool: "Pool[Any]", connection: Connection, asked: Run) -> None:
    async def tell(progress: Progress) -> None:
        if not await store.advance(pool, asked.id, progress.members, progress.purchases):
            raise Cancelled

    if asked.attempts > ATTEMPTS:
        problem = f"given up after {ATTEMPTS} attempts; ask for a shorter period"
        await store.finish(pool, asked.id, "failed", clock.now(), problem=problem)
        return
    try:
        draft = programs.read(asked.document)
        found = await run(connection, draft, (asked.from_at, asked.until_at), tell)
    except Cancelled:
        log.info("backtest cancelled", run=str(asked.id))
        return
    except UNREACHABLE:
        raise
    except Exception as problem:  # noted on the run, for whoever asked
        log.error("backtest failed", run=str(asked.id), problem=repr(problem), exc_info=problem)
        words = f"the run failed: {type(problem).__name__}"
        await store.finish(pool, asked.id, "failed", clock.now(), problem=words)
        return
    result = msgspec.json.encode(found).decode()
    await store.finish(pool, asked.id, "done", clock.now(), result=result)
    log.info("backtest done", run=str(asked.id), purchases=found["purchases"])
