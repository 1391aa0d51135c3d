"""How long others wait: some members buy by the clock beside whatever else goes on, and what counts
is the time from each POST that was accepted to the receipt on the phone."""

import asyncio
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import aiohttp

from deploy.bench import load
from deploy.bench.journey import latencies
from deploy.bench.load import Job, Outcome
from deploy.bench.phones import Phones
from deploy.local.stack import Stack
from tests.faults import records
from tests.faults.test_overload import DRAIN_SECONDS, accounted, job

RATE = 40
"""Purchases a second of those who are watched."""

CONNECTIONS = 64
"""Each is used again before webhook ends it for being idle."""


class Waits(NamedTuple):
    """`accepted` of `sent` were, since the crowd came; each receipt came after so many ms,
    sorted."""

    sent: int
    accepted: int
    delays: Sequence[float]

    def at(self, percent: int) -> float:
        """A percentile of the delays, in ms; nothing (NaN) where there is none."""
        if not self.delays:
            return math.nan
        return self.delays[(len(self.delays) - 1) * percent // 100]

    def __str__(self) -> str:
        return (
            f"{self.accepted} of {self.sent} accepted, receipts after "
            f"{self.at(50):.0f} ms (p50), {self.at(99):.0f} ms (p99)"
        )


async def beside(
    session: aiohttp.ClientSession,
    stack: Stack,
    cards: Mapping[str, str],
    crowd: Job,
    seconds: float,
    rate: int = RATE,
) -> Waits:
    """What the members of `cards` (by LINE user) wait while the crowd comes, for so many seconds;
    they buy at this rate.

    Returns once everything has come to rest. Every purchase that was accepted, of the crowd too,
    has its points exactly once, or this fails.
    """
    phones = Phones(session, stack.env["SANDBOX_URL"])
    already = await phones.arrived()
    name = f"beside {crowd.name}"
    watched = job(
        stack,
        list(cards.values()),
        int(rate * seconds),
        name,
        rate=rate,
        connections=CONNECTIONS,
    )
    theirs, others = await asyncio.gather(load.post(crowd), load.post(watched))
    await records.rest(session, stack, DRAIN_SECONDS)
    for who, outcome in ((crowd.name, theirs), (name, others)):
        await _once(stack, who, outcome)
    delays = latencies(others, await phones.landings(already), list(cards))
    came, refused = theirs.sent[0], set(others.refused)
    accepted = [at for number, at in enumerate(others.sent) if number not in refused]
    beside = [delay for at, delay in zip(accepted, delays, strict=True) if at >= came]
    return Waits(sum(at >= came for at in others.sent), len(beside), sorted(beside))


async def _once(stack: Stack, name: str, outcome: Outcome) -> None:
    assert set(outcome.statuses) <= {"202", "429", "503"}, outcome.statuses
    lost, doubled = await accounted(stack, f"{name}-", outcome)
    assert not lost, f"{name}: {len(lost)} are lost"
    assert not doubled
