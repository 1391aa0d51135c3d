"""(f) The page of today in a shop with 10 million entries: how long its figures take to read.

The ledger grew evenly over a quarter, 110,000 entries a day; the last hours are not kept yet, as
always. Beside it: the same days added up from the rows. Then awards, with everything that keeping
figures needs and without it: its indexes gone, nobody keeping.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import asyncpg

from deploy.bench.awards import GROUP, ours
from deploy.bench.filling import Filler
from deploy.bench.house import House
from deploy.bench.results import Line
from deploy.bench.shop import Shop, shop
from services.points.programs.rulebook import Rulebook
from services.points.reports import days as reading
from services.points.reports.keeping import Keeper
from shared.bus.handling import Connection

ENTRIES, MEMBERS = 10_000_000, 200_000
SPREAD = timedelta(days=90)
DAYS = 28
READS = 20
MOST_MS = 100.0
AWARDS = 30_000
INDEXES = ("entries_recorded", "refunds_refunded", "members_joined")

Read = Callable[[Connection], Awaitable[Any]]


async def measure(house: House, scale: float) -> list[Line]:
    """A smaller ledger for a smaller scale."""
    entries, members = int(ENTRIES * scale), int(MEMBERS * scale)
    async with shop(house.database_url, 0) as empty_shop:
        house.tell(f"(f) filling up to {entries:,} entries over {SPREAD.days} days")
        filler = Filler(empty_shop.admin_url)
        await filler.grow(entries, members, SPREAD)
        open_shop = Shop(empty_shop.pool, filler.cards, empty_shop.admin_url)
        house.tell("(f) keeping all of it")
        kept = await _kept(open_shop)
        rulebook = Rulebook()
        lines = await _reads(open_shop, rulebook)
        lines.append(Line("(f) figures of the whole ledger kept for the first time", kept, "s"))
        lines.append(await _awards(open_shop, house.amqp_url, int(AWARDS * scale)))
    return lines


async def _kept(open_shop: Shop) -> float:
    keeper, began = Keeper(Rulebook()), time.perf_counter()
    while await keeper.page(open_shop.pool):
        pass
    return time.perf_counter() - began


async def _reads(open_shop: Shop, rulebook: Rulebook) -> list[Line]:
    async def page(connection: Connection) -> None:
        what = await reading.counted(connection, rulebook, None)
        await reading.today(connection, what, DAYS)

    async def from_rows(connection: Connection) -> None:
        what = await reading.counted(connection, rulebook, None)
        first = what.today - timedelta(days=DAYS - 1)
        unkept = reading.Counted(what.now, what.zone, what.span(first, first).since, True, None)
        await reading.between(connection, unkept, first, what.today)

    fast = sorted([await _timed(open_shop, page) for _ in range(READS)])
    slow = [await _timed(open_shop, from_rows) for _ in range(3)]
    note = f"slowest of {READS}: {fast[-1]:.0f} ms"
    return [
        Line(
            "(f) today and 28 days, median",
            statistics.median(fast),
            "ms",
            yardstick="from rows",
            beside=statistics.median(slow),
            target=MOST_MS,
            most=True,
            note=note,
        )
    ]


async def _timed(open_shop: Shop, read: Read) -> float:
    began = time.perf_counter()
    async with (
        open_shop.pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        await read(connection)
    return (time.perf_counter() - began) * 1000


async def _awards(open_shop: Shop, amqp_url: str, count: int) -> Line:
    """Purchases a second, with everything and without; each side's better run of two."""
    keeping = asyncio.create_task(Keeper(Rulebook()).run(open_shop.pool))
    await ours(open_shop, amqp_url, count, GROUP)  # after a checkpoint: whole pages
    having = max([await ours(open_shop, amqp_url, count, GROUP) for _ in range(2)])
    keeping.cancel()
    admin = await asyncpg.connect(open_shop.admin_url, server_settings={"search_path": "points"})
    for index in INDEXES:
        await admin.execute(f"DROP INDEX {index}")
    await admin.close()
    lacking = max([await ours(open_shop, amqp_url, count, GROUP) for _ in range(2)])
    return Line(
        "(f) awards while figures are kept",
        having,
        yardstick="without",
        beside=lacking,
        target=0.9,
    )
