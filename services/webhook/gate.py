"""The gate in Redis: a rate for each API key, and an early word on reused Idempotency-Keys.

Neither is what anything's truth depends on: points has the last word on repeats. So when Redis is
away the gate stands open. All purchases that come while Redis is being asked share the next
question.
"""

import asyncio
from collections.abc import Sequence
from importlib import resources
from math import ceil
from typing import NamedTuple
from uuid import UUID

from redis.asyncio import Redis

from shared.coalesce import Coalescer
from shared.ratelimit import GCRA, FailOpen

REMEMBER_SECONDS = 24 * 3600
DIGEST_BYTES = 16

_SCRIPT = GCRA + resources.files(__package__).joinpath("gate.lua").read_text()


class Passing(NamedTuple):
    """Purchases that one request of a terminal brings: (id, SHA-256 of the body) each."""

    terminal_id: UUID
    purchases: Sequence[tuple[UUID, bytes]]


class Verdict(NamedTuple):
    """`wait_seconds` > 0: too fast, come again then. `conflicts`: for each purchase, whether its
    key came with another body before."""

    wait_seconds: int
    conflicts: Sequence[bool]


_ONE_PASSES = Verdict(0, (False,))


class Gate:
    """`limit` is purchases a second for each key; a second's worth may come at once."""

    def __init__(self, redis: "Redis", namespace: str, limit: int) -> None:
        self._prefix = f"{{{namespace}:webhook}}:"  # braces: all on one shard of a cluster
        self._limit = limit
        self._script = redis.register_script(_SCRIPT)
        self._door = FailOpen("rate limit, early conflicts")
        self._questions: Coalescer[Passing, Verdict] = Coalescer(self._ask)
        self._away: dict[UUID, float] = {}  # until when, by this process's clock

    def judge(self, passing: Passing) -> "asyncio.Future[Verdict]":
        """Count these purchases and remember their bodies."""
        return self._questions.submit(passing)

    def stays_away(self, terminal_id: UUID) -> int:
        """For how many seconds yet this terminal was told not to come; 0: it may. Known without
        asking Redis."""
        until = self._away.get(terminal_id)
        if until is None:
            return 0
        left = until - asyncio.get_running_loop().time()
        if left > 0:
            return ceil(left)
        del self._away[terminal_id]
        return 0

    def waited(self) -> float:
        """Seconds that the first one has waited which is not judged yet."""
        return self._questions.waited()

    async def _ask(self, group: list[Passing]) -> Sequence[Verdict]:
        verdicts = await self._door.ask(lambda: self._ask_redis(group))
        return [_open(passing) for passing in group] if verdicts is None else verdicts

    async def _ask_redis(self, group: list[Passing]) -> Sequence[Verdict]:
        places: dict[UUID, int] = {}
        keys: list[str] = []
        bodies: list[bytes] = []
        calls: list[str] = []
        for terminal_id, purchases in group:
            place = places.setdefault(terminal_id, len(places) + 1)
            calls.append(f"{place}:{len(purchases)}")
            for purchase_id, digest in purchases:
                keys.append(f"{self._prefix}key:{purchase_id.hex}")
                bodies.append(digest[:DIGEST_BYTES])
        rates = [f"{self._prefix}rate:{terminal_id.hex}" for terminal_id in places]
        found, waits = await self._script(
            [*rates, *keys], [len(rates), self._limit, REMEMBER_SECONDS, " ".join(calls), *bodies]
        )
        verdicts = _verdicts(group, found, waits)
        now = asyncio.get_running_loop().time()
        for passing, verdict in zip(group, verdicts, strict=True):
            if verdict.wait_seconds:
                self._away[passing.terminal_id] = now + verdict.wait_seconds
        return verdicts


def _verdicts(group: list[Passing], found: bytes, waits: Sequence[int]) -> Sequence[Verdict]:
    verdicts: list[Verdict] = []
    at = 0
    for passing, wait in zip(group, waits, strict=True):
        count = len(passing.purchases)
        conflicts = [mark == 0x31 for mark in found[at : at + count]]
        at += count
        verdicts.append(Verdict(wait, conflicts))
    return verdicts


def _open(passing: Passing) -> Verdict:
    count = len(passing.purchases)
    return _ONE_PASSES if count == 1 else Verdict(0, (False,) * count)
