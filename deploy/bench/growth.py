"""(e) How awards change with the size of the ledger: 1 thousand, 1 million and 10 million entries.

One database grows. The first run after each checkpoint pays for the whole pages that PostgreSQL
logs once after it (`cold`); the runs after it (`warm`) go to the same members, as the many
purchases between two checkpoints do.
"""

import random
import statistics
from collections.abc import Sequence

import asyncpg
import msgspec

from deploy.bench.awards import GROUP, ours
from deploy.bench.filling import Filler
from deploy.bench.house import House
from deploy.bench.results import Line
from deploy.bench.shop import Shop, shop

SIZES = ((1_000, 2_000), (1_000_000, 100_000), (10_000_000, 200_000))
"""Entries in the ledger, and members that they belong to."""

COUNT = 30_000
WARM_RUNS = 3
TARGET = 0.8


_COUNTERS = """
SELECT wal_bytes::bigint AS wal, wal_fpi AS images, sum(blks_read)::bigint AS reads
FROM pg_stat_wal, pg_stat_database GROUP BY 1, 2
"""


class Speed(msgspec.Struct, frozen=True):
    """Purchases a second, grouped. Of each `warm` one: bytes of WAL, whole pages in it, and pages
    that were not in PostgreSQL's own memory."""

    cold: float
    warm: float
    wal: float
    images: float
    reads: float


async def measure(house: House, scale: float) -> list[Line]:
    """The last size is left out of a quick run."""
    sizes = SIZES if scale >= 1 else SIZES[:-1]
    speeds: dict[int, Speed] = {}
    async with shop(house.database_url, 0) as open_shop:
        filler = Filler(open_shop.admin_url)
        for entries, members in sizes:
            house.tell(f"(e) filling up to {entries:,} entries of {members:,} members")
            await filler.grow(entries, members)
            grown = Shop(open_shop.pool, _shuffled(filler.cards), open_shop.admin_url)
            speeds[entries] = await _speed(house, grown, int(COUNT * scale))
    return _lines(speeds)


async def _speed(house: House, grown: Shop, count: int) -> Speed:
    cold = await ours(grown, house.amqp_url, count, GROUP)
    before = await _counters(grown)
    warm = [await ours(grown, house.amqp_url, count, GROUP) for _ in range(WARM_RUNS)]
    after = await _counters(grown)
    spent = [(now - then) / (count * WARM_RUNS) for then, now in zip(before, after, strict=True)]
    return Speed(cold, statistics.median(warm), *spent)


async def _counters(grown: Shop) -> Sequence[int]:
    connection = await asyncpg.connect(grown.admin_url)
    row = (await connection.fetch(_COUNTERS))[0]
    await connection.close()
    return list(row)


def _shuffled(cards: list[str]) -> list[str]:
    """Customers come in no order; the same order every time, so that runs meet the same members."""
    random.Random(1).shuffle(cards)  # noqa: S311 - no secret
    return cards


def _lines(speeds: dict[int, Speed]) -> list[Line]:
    (smallest, first), *others = speeds.items()
    lines = [Line(f"(e) awards grouped, ledger of {smallest:,}", first.warm)]
    for entries, speed in others:
        last = entries == max(speeds)
        note = (
            f"right after a checkpoint {speed.cold:,.0f} (smallest: {first.cold:,.0f}); "
            f"a purchase costs {_needs(speed)} (smallest: {_needs(first)})"
        )
        lines.append(
            Line(
                f"(e) awards grouped, ledger of {entries:,}",
                speed.warm,
                yardstick=f"of {smallest:,}",
                beside=first.warm,
                target=TARGET if last else None,
                note=note,
            )
        )
    return lines


def _needs(speed: Speed) -> str:
    return (
        f"{speed.wal / 1024:.1f} KiB of WAL with {speed.images:.2f} whole pages and "
        f"{speed.reads:.1f} reads"
    )
