"""Deleting what is too old to matter, a page a statement, so that nobody waits for it.

Each service lists in its `retention.py` what it keeps and for how long; this owns the rhythm. Any
number of processes may prune the same tables: what one is deleting the others pass over. Logs that
are kept by the month are dropped by the month, and have their next ones made (`shared/months.py`).
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from shared import clock, logs, months
from shared.db import CONFLICTS, UNREACHABLE, Pool

log = logs.logger(__name__)

PAGE = 5000
EVERY = timedelta(hours=1)
LOOK_SECONDS = 30.0
"""How often it is asked whether an hour has passed: the clock may have been moved."""


class Rule(NamedTuple):
    """`statement` deletes up to $2 rows that are older than the moment $1, which is `kept` ago."""

    what: str
    kept: timedelta
    statement: str


async def prune(pool: "Pool[Any]", rules: Sequence[Rule], now: datetime) -> dict[str, int]:
    """Delete all that is older than it is kept; how much of each, where there was any."""
    gone = {rule.what: await _prune(pool, rule, now - rule.kept) for rule in rules}
    return {what: count for what, count in gone.items() if count}


async def run(
    pool: "Pool[Any]", rules: Sequence[Rule], by_month: Sequence[months.Log] = ()
) -> None:
    """Prune once an hour, until cancelled. Waits for the database when it is away."""
    pruned_at: datetime | None = None
    while True:
        now = clock.now()
        if pruned_at is None or abs(now - pruned_at) >= EVERY:
            try:
                await months.keep(pool, by_month, now)
                gone = await prune(pool, rules, now)
                pruned_at = now
                if gone:
                    log.info("old rows deleted", **gone)
            except (*UNREACHABLE, *CONFLICTS) as problem:
                log.warning("old rows not deleted", problem=type(problem).__name__)
        await asyncio.sleep(LOOK_SECONDS)


async def _prune(pool: "Pool[Any]", rule: Rule, before: datetime) -> int:
    gone = 0
    while True:
        status = await pool.execute(rule.statement, before, PAGE)
        page = int(status.rpartition(" ")[2])
        gone += page
        if page < PAGE:
            return gone
