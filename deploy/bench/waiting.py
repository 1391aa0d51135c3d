"""(i) Handing over 10,000 due items with 10,000 and with 1,000,000 more waiting.

The same Ticker as the process runs, its events to the outbox and to the broker; the yardstick is
the same hand-over with few waiting, in turns with it.
"""

import asyncio
import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import msgspec

from deploy.bench.databases import Scratch, scratch
from deploy.bench.house import House
from deploy.bench.results import Line
from services.scheduler.ticking import Ticker
from shared import clock
from shared.bus.bus import Bus
from shared.db import Pool, open_pool
from shared.events import ScheduleCancelled
from shared.outbox import Relay

DUE = 10_000
FEW, MANY = 10_000, 1_000_000
ROUNDS = 5
MOST_GROWTH = 2.0

_FILL = """
INSERT INTO items (key, due_at, event_type, data, request_id, subject)
SELECT $1 || n, $2::timestamptz + n * $3::interval, 'schedule.cancelled.v1', $4, gen_random_uuid(),
    n::text
FROM generate_series(1, $5) AS n
"""


async def measure(house: House, scale: float) -> list[Line]:
    """The median of some rounds; each fills in what is due and hands it over."""
    bus = Bus(house.amqp_url, "bench-waiting", "bench")
    running = asyncio.create_task(bus.run())
    await bus.wait_up()
    seconds: dict[int, list[float]] = {FEW: [], MANY: []}
    async with (
        scratch(house.database_url, "scheduler") as few,
        scratch(house.database_url, "scheduler") as many,
    ):
        for waiting, where in ((FEW, few), (MANY, many)):
            house.tell(f"(i) filling up to {int(waiting * scale):,} waiting items")
            await _fill(where, "later", clock.now() + timedelta(days=1), int(waiting * scale))
        for _ in range(ROUNDS):
            for waiting, where in ((FEW, few), (MANY, many)):
                seconds[waiting].append(await _hand_over(where, bus, int(DUE * scale)))
    await bus.stop()
    await running
    return _lines(seconds, int(DUE * scale))


async def _fill(where: Scratch, name: str, at: datetime, count: int) -> None:
    connection = await asyncpg.connect(
        where.admin_url, server_settings={"search_path": "scheduler"}, command_timeout=600
    )
    data = msgspec.json.encode(ScheduleCancelled(key="x" * 100))
    await connection.execute(_FILL, name, at, timedelta(milliseconds=100), data, count)
    await connection.execute("ANALYZE items")
    await connection.close()


async def _hand_over(where: Scratch, bus: Bus, count: int) -> float:
    """Seconds until all that is due has left, confirmed by the broker."""
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    await _fill(where, f"due {time.monotonic_ns()} ", long_ago, count)
    pool: Pool[Any] = await open_pool(where.url, schema="scheduler")
    relay = Relay(pool, bus.publisher)
    await pool.fetchval("SELECT 1")
    started = time.perf_counter()
    await Ticker(pool, relay).round()
    await relay.join()
    taken = time.perf_counter() - started
    await pool.close()
    return taken


def _lines(seconds: dict[int, list[float]], due: int) -> list[Line]:
    few, many = (statistics.median(seconds[waiting]) for waiting in (FEW, MANY))
    note = f"{few * 1000:,.0f} ms with {FEW:,} waiting, {many * 1000:,.0f} ms with {MANY:,}"
    return [
        Line(f"(i) {due:,} due items handed over", due / many, note=note),
        Line(
            "(i) growth from 10,000 to 1,000,000 waiting",
            many / few,
            unit="x",
            target=MOST_GROWTH,
            most=True,
        ),
    ]
