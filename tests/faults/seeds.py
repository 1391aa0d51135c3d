"""One seed: a day in the shop while its plan strikes, and the verdict; and the table of many."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import aiohttp
import asyncpg

from deploy.local.layout import DEFAULT_FOLDER
from tests.faults import day, plan, reckoning, records, rush
from tests.faults.arena import Arena
from tests.faults.day import Progress, Record, Size, Tills
from tests.faults.plan import Fault
from tests.faults.reckoning import Seen, Verdict
from tests.faults.verdict import told

RECORDS = DEFAULT_FOLDER / "reports"
REST_SECONDS = 150.0
SETTLE_SECONDS = 20.0
"""What is in a process's hands shows nowhere: what seems lost gets so long to turn up."""

REDELIVERY_SECONDS = (0.5, 1.0, 1.0, 2.0, 2.0, 4.0, 4.0, 8.0, 8.0, 16.0)
Command = Callable[..., str]


@dataclass
class Outcome:
    """A seed's figures and its verdict."""

    seed: int
    faults: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    messages: int = 0
    verdict: Verdict = field(default_factory=Verdict)
    seconds: float = 0.0


async def run(
    arena: Arena,
    seed: int,
    tamaru: Command | None = None,
    line: Mapping[str, float] | None = None,
    once_joined: Callable[[], None] | None = None,
    faults: Sequence[Fault] | None = None,
) -> Outcome:
    """One seed from the first new member to the verdict.

    `tamaru` lets the operator's commands have a say, which look at the whole shop and not at this
    day alone. `line` are misfortunes at LINE's side, which end when everything was sent.
    `once_joined` is done when everybody has joined and nothing is sold yet. `faults` take the place
    of the seed's.
    """
    size = Size()
    began = time.monotonic()
    outcome = Outcome(seed)
    dice = random.Random(seed)
    record = Record(RECORDS / arena.name / f"{seed}.jsonl")
    async with rush.client() as session:
        calm = {"redelivery_seconds": REDELIVERY_SECONDS}
        await arena.line.all_day(**calm)
        cards = await rush.join(session, arena.stack, size.members)
        if once_joined is not None:
            await asyncio.to_thread(once_joined)
        await arena.line.all_day(**calm, **(line or {}), seed=seed)
        every = day.work(sorted(cards), size, dice)
        progress = Progress(len(every))
        tills = Tills(session, arena.stack, cards, record, dice)
        pending = iter(every)
        async with asyncio.TaskGroup() as group:
            for _ in range(size.tills):
                group.create_task(day.serve(tills, pending, progress))
            for fault in faults or plan.plan(seed, victims=arena.victims):
                group.create_task(_befall(arena, fault, progress, outcome))
        await arena.heal()
        await arena.line.all_day(**calm)
        await _judge(session, arena, cards, record, outcome)
    if tamaru is not None:
        outcome.verdict.wrong += await _operator_sees(tamaru)
    outcome.answers = record.answers
    outcome.seconds = time.monotonic() - began
    return outcome


async def _befall(arena: Arena, fault: Fault, progress: Progress, outcome: Outcome) -> None:
    await progress.reached(fault.at)
    if await arena.strike(fault):
        outcome.faults[fault.kind] += 1


async def _judge(
    session: aiohttp.ClientSession,
    arena: Arena,
    cards: dict[str, str],
    record: Record,
    outcome: Outcome,
) -> None:
    lines = record.read()
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        try:
            await records.rest(session, arena.stack, REST_SECONDS)
            seen = await _seen(session, arena, cards)
        except (AssertionError, OSError, asyncpg.PostgresError) as problem:
            outcome.verdict = Verdict(wrong=[f"no rest: {problem}"])
            return
        outcome.verdict = reckoning.judge(lines, seen)
        if not outcome.verdict.lost or time.monotonic() > deadline:
            break
        await asyncio.sleep(1)
    outcome.counts = reckoning.counted(lines)
    outcome.messages = len(seen.landings)


async def _seen(session: aiohttp.ClientSession, arena: Arena, cards: dict[str, str]) -> Seen:
    entries, accounts, undelivered = await records.ledger(arena.stack, cards)
    landings = await records.landings(session, arena.stack, cards)
    return Seen(cards, entries, accounts, landings, undelivered)


async def _operator_sees(tamaru: Command) -> list[str]:
    """What the operator's own commands say is wrong."""
    asked = (("ledger", "verify"), ("dlq", "list"))
    verified, dead = await asyncio.gather(*(asyncio.to_thread(tamaru, *words) for words in asked))
    wrong = [] if "0 differences" in verified else [f"ledger verify: {verified}"]
    return wrong + ([] if dead.strip() == "no dead letters" else [f"dead letters: {dead}"])


async def several(
    arena: Arena, wanted: Iterable[int], tamaru: Command, tell: Callable[[str], None]
) -> None:
    """One day after the other, each a line of the table, until one is not clean."""
    table = Table(list(arena.victims))
    outcomes: list[Outcome] = []
    tell(table.line(table.head))
    for seed in wanted:
        outcomes.append(await run(arena, seed, tamaru))
        tell(table.line(table.row(outcomes[-1])))
        verdict = outcomes[-1].verdict
        assert verdict.clean, (
            f"seed {seed}\nLOST\n{told(verdict.lost)}\nDOUBLED\n{told(verdict.doubled)}\n"
            f"WRONG\n{told(verdict.wrong)}"
        )
    tell(table.line(table.total(outcomes)))


class Table:
    """Of many seeds: how often each of `kinds` struck, what was done, and what was not right."""

    def __init__(self, kinds: Sequence[str]) -> None:
        self._kinds = kinds
        self.head = ("seed", *kinds, "purchases", "redemptions", "returns", "messages")
        self.head += ("lost", "doubled", "wrong", "seconds")

    def row(self, outcome: Outcome) -> list[str]:
        """A seed's cells."""
        counts, verdict = outcome.counts, outcome.verdict
        figures = [
            *(outcome.faults[kind] for kind in self._kinds),
            *(counts[what] for what in ("purchase", "spend", "return")),
            outcome.messages,
            *(len(found) for found in (verdict.lost, verdict.doubled, verdict.wrong)),
            round(outcome.seconds),
        ]
        return [str(outcome.seed), *map(str, figures)]

    def total(self, outcomes: Sequence[Outcome]) -> list[str]:
        """The cells of all seeds together."""
        columns = zip(*(self.row(each)[1:] for each in outcomes), strict=True)
        return ["total", *(str(sum(map(int, column))) for column in columns)]

    def line(self, cells: Sequence[str]) -> str:
        """Cells as they are shown, in columns as wide as their heads."""
        return "  ".join(cell.rjust(len(head)) for cell, head in zip(cells, self.head, strict=True))
