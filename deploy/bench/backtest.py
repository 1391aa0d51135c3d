"""(g) A draft of the rules over stored purchases, beside awarding them live without the bus.

The purchases are awarded first, in batches as the consumer makes them, which is the yardstick; then
copied within the database to as many as a busy year has. Rates are by the clock, and by the seconds
that this process itself computed: those are a core's, whatever else the machine does.
"""

import os
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from deploy.bench import procfs
from deploy.bench.house import House
from deploy.bench.results import Line
from deploy.bench.shop import Shop, in_groups, purchases, shop
from services.points.programs import backtesting
from services.points.programs.backtesting import Progress
from services.points.programs.rulebook import Rulebook
from services.points.purchases.awards import Awards
from services.points.rules import program
from shared import outbox
from shared.bus.handling import Batch
from shared.keys import Keys

MEMBERS = 5_000
LIVE = 30_000
STORED = 1_000_000
BATCH = 500

_COPY = """
INSERT INTO purchases (member_id, id, entry_id, store, terminal_id, occurred_at, accepted_at,
                       total, visits, points, purchase, context)
SELECT member_id, gen_random_uuid(), entry_id, store, terminal_id,
    occurred_at - n * interval '3 hours', accepted_at, total, visits, points, purchase, context
FROM purchases, generate_series(1, $1::integer) AS n
"""


class Rate(msgspec.Struct, frozen=True):
    """Purchases a second, by the clock and by this process's own computing."""

    clock: float
    core: float


class Memory:
    """How much this process grew, looked at after each page."""

    def __init__(self) -> None:
        self._before = procfs.memory_mib(os.getpid())
        self.grown = 0.0

    async def look(self, _: Progress) -> None:
        """Note it if it is more than ever."""
        self.grown = max(self.grown, procfs.memory_mib(os.getpid()) - self._before)


async def measure(house: House, scale: float) -> list[Line]:
    """Award live, copy, and try a draft out on all of them."""
    live_count, stored = int(LIVE * scale), int(STORED * scale)
    async with shop(house.database_url, MEMBERS) as open_shop:
        live = await _award(open_shop, live_count)
        await open_shop.pool.execute(_COPY, stored // live_count - 1, timeout=600)
        await open_shop.pool.execute("ANALYZE purchases")
        memory = Memory()
        tried = await _try_out(open_shop, stored // live_count * live_count, memory)
    yardstick = "live, no bus"
    note = f"{stored:,} purchases; the process grew by {memory.grown:.0f} MiB at most meanwhile"
    return [
        Line("(g) backtest", tried.clock, "/s", yardstick, live.clock, note=note),
        Line("(g) backtest, a core", tried.core, "/s", yardstick, live.core),
    ]


async def _award(open_shop: Shop, count: int) -> Rate:
    """The awards of purchases without the bus, a batch a transaction."""
    awards = Awards(Rulebook(), Keys(b"bench" * 8))
    batches: list[Sequence[Any]] = in_groups(purchases(open_shop, count), BATCH)
    started, computed = time.perf_counter(), time.process_time()
    for events in batches:
        async with open_shop.pool.acquire() as connection, connection.transaction():
            batch = Batch(connection)
            await awards.handle(batch, list(events))
            await outbox.write(connection, batch.emitted)
    return _rate(count, started, computed)


async def _try_out(open_shop: Shop, count: int, memory: Memory) -> Rate:
    """A draft that gives twice as much, over all of them."""
    rules = [{"id": "base", "type": "spend", "per": 50, "points": 1}]
    accrual = {**program.DEMO["accrual"], "rules": rules}
    draft = program.parse({**program.DEMO, "accrual": accrual})
    started, computed = time.perf_counter(), time.process_time()
    async with (
        open_shop.pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        found = await backtesting.run(connection, draft, (None, None), memory.look)
    rate = _rate(count, started, computed)
    if found["purchases"] != count:
        raise RuntimeError(f"{found['purchases']} purchases of {count}")
    return rate


def _rate(count: int, started: float, computed: float) -> Rate:
    took, own = time.perf_counter() - started, time.process_time() - computed
    return Rate(count / took, count / own)
