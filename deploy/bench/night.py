"""(f) The night on a large shop: its time, its memory, and what awards notice of it.

1 million members with 10 million entries: the points of 5 % of the members have expired, 2 % wait
to become active, the others' expire on all days of the coming year, so that tonight's are to be
warned; all are re-ranked and 1 % rise. The night runs in a process of its own, as `points ranks`
does it, while purchases of random members are awarded one by one at a steady rate.
"""

import asyncio
import os
import random
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import asyncpg
import msgspec

from deploy.bench import working
from deploy.bench.awards import QR_KEY, _forget
from deploy.bench.filling import POINTS, Filler
from deploy.bench.house import House
from deploy.bench.results import Line
from deploy.bench.shop import Shop, purchases, shop
from services.points.accounts.verifying import verify
from services.points.nights.night import NightShift
from services.points.programs import publishing
from services.points.programs.rulebook import Rulebook
from services.points.purchases.awards import Awards
from services.points.rankings.ranking import Ranking
from services.points.rules.program import DEMO
from services.points.store import nights
from shared import clock, ids, outbox
from shared.bus.bus import Bus
from shared.bus.handling import Batch
from shared.db import open_pool
from shared.keys import Keys

MEMBERS, ENTRIES = 1_000_000, 10_000_000
RATE = 40
"""Purchases a second: a busy evening for a few shops, and far from what awards can do."""

BEFORE_SECONDS = 30
TARGET = 2.0

_LOTS = f"""
INSERT INTO lots (member_id, entry_id, unit, opened, remaining, opened_at, active_at, expires_at,
                  pending)
SELECT bench_id(0, n % $2), bench_id(1, n), 'point', {POINTS}, {POINTS}, $3,
    CASE WHEN n < $2 AND n % 50 = 1 THEN $3::timestamptz END,
    $4::timestamptz + make_interval(days => CASE WHEN n < $2 AND n % 20 = 0 THEN 0
        ELSE (1 + (n % $2 * 31 + n / $2 * 37) % 365)::integer END),
    n < $2 AND n % 50 = 1
FROM generate_series(0, $1::bigint - 1) AS n
"""
_PENDING = f"""
UPDATE accounts SET in_lots = in_lots - {POINTS}, pending = pending + {POINTS}
WHERE member_id IN (SELECT member_id FROM lots WHERE pending)
"""
_WARNED = """
INSERT INTO expiry_warnings (member_id, expires_at, days, points, told)
SELECT member_id, expires_at, CASE WHEN expires_at < $1::timestamptz + '7 days' THEN 7 ELSE 30 END,
    sum(remaining), true
FROM lots WHERE expires_at > $1 AND expires_at < $1::timestamptz + '30 days' AND NOT pending
GROUP BY 1, 2
"""
_RANKS = """
INSERT INTO ranks (member_id, code, own, since, keep_until)
SELECT id, code, code, $1, $1::timestamptz + '1 year' FROM (
    SELECT id, CASE WHEN card::bigint % 100 = 7 THEN 'bronze' ELSE 'silver' END AS code FROM members
) AS m
"""
_INDEXES = """
SELECT c.relname AS name, pg_get_indexdef(i.indexrelid) AS definition
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = 'lots'::regclass AND NOT i.indisprimary
"""
_STEP = "SELECT step, finished_at IS NOT NULL FROM nights WHERE id = $1"


class Night(msgspec.Struct, frozen=True):
    """Seconds by step, MiB at most, seconds that each award took meanwhile, and what was done."""

    steps: dict[str, float]
    memory: float
    awards: list[float]
    done: dict[str, int]


async def measure(house: House, scale: float) -> list[Line]:
    """A smaller shop for a smaller scale."""
    members, entries = int(MEMBERS * scale), int(ENTRIES * scale)
    async with shop(house.database_url, 0) as empty_shop:
        house.tell(f"(f) filling up to {entries:,} entries of {members:,} members")
        open_shop = await _filled(empty_shop, entries, members)
        steady = Steady(open_shop)
        await steady.run(asyncio.sleep(5))  # what is cold warms up
        before = await steady.run(asyncio.sleep(BEFORE_SECONDS))
        house.tell("(f) the night begins")
        night = await _night(open_shop, house.amqp_url, steady)
        await _check(open_shop, entries)
    return _lines(members, before, night)


async def _filled(empty_shop: Shop, entries: int, members: int) -> Shop:
    filler = Filler(empty_shop.admin_url)
    await filler.grow(entries, members)
    cards = filler.cards
    random.Random(1).shuffle(cards)  # noqa: S311 - no secret
    async with empty_shop.pool.acquire() as connection, connection.transaction():
        rules = {**DEMO, "expiry": {"type": "fixed", "months": 12}}
        await publishing.publish(Batch(connection), msgspec.json.encode(rules), "bench")
        await connection.execute("DELETE FROM outbox")
    admin = await asyncpg.connect(
        empty_shop.admin_url, server_settings={"search_path": "points", "jit": "off"}
    )
    now = clock.now()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    indexes = await admin.fetch(_INDEXES)
    async with admin.transaction():
        await admin.execute("SET LOCAL maintenance_work_mem = '512MB'")
        await admin.execute("TRUNCATE lots")
        for index in indexes:
            await admin.execute(f"DROP INDEX {index['name']}")
        await admin.execute(_LOTS, entries, members, now - timedelta(hours=1), midnight)
        for index in indexes:
            await admin.execute(index["definition"])
        await admin.execute(_PENDING)
        await admin.execute(_WARNED, midnight)
        await admin.execute(_RANKS, now)
    await admin.execute("VACUUM (ANALYZE)")
    await admin.execute("CHECKPOINT")
    await admin.close()
    return Shop(empty_shop.pool, cards, empty_shop.admin_url)


class Steady:
    """Purchases that come at a steady rate, each awarded by itself."""

    def __init__(self, open_shop: Shop) -> None:
        self._shop = open_shop
        self._awards = Awards(Rulebook(), Keys(QR_KEY))
        self._came = 0

    async def run(self, meanwhile: Any) -> list[float]:
        """The seconds that each award took, from when it was to begin, until something is over."""
        over = asyncio.ensure_future(meanwhile)
        took: list[float] = []
        at_work: set[asyncio.Task[None]] = set()
        begin = time.perf_counter()
        while not over.done():
            due = begin + len(took) / RATE
            took.append(0.0)
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            task = asyncio.create_task(self._award(took, len(took) - 1, due))
            at_work.add(task)
            task.add_done_callback(at_work.discard)
        await asyncio.gather(over, *at_work)
        return took

    async def _award(self, took: list[float], place: int, due: float) -> None:
        self._came += 1
        card = self._shop.cards[self._came % len(self._shop.cards)]
        one = Shop(self._shop.pool, [card], self._shop.admin_url)
        async with self._shop.pool.acquire() as connection, connection.transaction():
            batch = Batch(connection)
            await self._awards.handle(batch, purchases(one, 1))
            rows = await outbox.write(connection, batch.emitted)
        took[place] = time.perf_counter() - due
        await self._shop.pool.execute(
            "DELETE FROM outbox WHERE id = ANY($1)", [row.id for row in rows]
        )


async def _night(open_shop: Shop, amqp: str, steady: Steady) -> Night:
    """The night in a process of its own, with purchases all the while."""
    night = ids.new_id()
    namespace = f"bench-{night.hex[:12]}"
    url = await _service_url(open_shop)
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.bench.night", url, amqp, namespace),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ},
    )
    assert worker.stdout is not None  # noqa: S101 - it is a pipe
    await worker.stdout.readline()
    async with open_shop.pool.acquire() as connection:
        await nights.start(connection, night, "activate", clock.now())
    steps: dict[str, float] = {}

    async def watch() -> None:
        last = time.perf_counter()
        while True:
            row: Any = await open_shop.pool.fetchrow(_STEP, night)
            step, finished = row
            await asyncio.sleep(0.1)
            now = time.perf_counter()
            steps[step] = steps.get(step, 0.0) + now - last
            last = now
            if finished:
                return

    awards = await steady.run(watch())
    worker.terminate()
    told, _ = await worker.communicate()
    await _forget(amqp, namespace)
    row: Any = await open_shop.pool.fetchrow(
        "SELECT activated, expired, warned FROM nights WHERE id = $1", night
    )
    return Night(steps, float(told.split()[-1]), awards, dict(row))


async def _service_url(open_shop: Shop) -> str:
    from deploy.bench.databases import PASSWORD  # noqa: PLC0415
    from deploy.local.plan import role_url  # noqa: PLC0415

    return role_url(open_shop.admin_url, "points", PASSWORD)


async def _check(open_shop: Shop, entries: int) -> None:
    """A night that broke the books would be no figure; at full size only the first ones."""
    async with open_shop.pool.acquire() as connection:
        checked = 0
        async for page in verify(connection):
            for finding in page.findings:
                # the filler made up requests of its own and no stores for its purchases
                if finding.member_id is not None:
                    raise SystemExit(f"the night broke the books: {finding}")
            checked += page.members
            if checked >= 20_000:
                return


def _lines(members: int, before: Sequence[float], night: Night) -> list[Line]:
    seconds = sum(night.steps.values())
    steps = ", ".join(f"{name} {took:,.0f} s" for name, took in night.steps.items())
    done = ", ".join(f"{name} {count:,}" for name, count in night.done.items())
    quiet, busy = _percentile(before, 99), _percentile(night.awards, 99)
    latency = (
        f"{quiet:.1f} ms before, {busy:.1f} ms during {len(night.awards):,} purchases; median "
        f"{_percentile(before, 50):.1f} and {_percentile(night.awards, 50):.1f} ms, longest "
        f"{max(before) * 1000:.0f} and {max(night.awards) * 1000:.0f} ms"
    )
    return [
        Line(f"(f) the night over {members:,} members", seconds, "s", note=f"{steps}; {done}"),
        Line("(f) members a second of the night", members / seconds),
        Line("(f) memory of the night at most", night.memory, "MiB"),
        Line(
            "(f) p99 of awards during the night, in those before",
            busy / quiet,
            "x",
            target=TARGET,
            most=True,
            note=latency,
        ),
    ]


def _percentile(seconds: Sequence[float], share: int) -> float:
    """In milliseconds."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, len(ordered) * share // 100)] * 1000


async def _work(url: str, amqp: str, namespace: str) -> None:
    """What the `ranks` process does at night, until it is told to stop; says its memory then."""
    pool = await open_pool(url, schema="points", size=4)
    bus = Bus(amqp, namespace, "bench-night")
    relay = outbox.Relay(pool, bus.publisher)
    rulebook = Rulebook()
    ranking = Ranking(rulebook)
    shift = NightShift(rulebook, ranking)
    await working.until_told(bus, pool, relay, ranking.run(pool, relay), shift.run(pool, relay))


if __name__ == "__main__":
    working.main("bench-night", _work(*sys.argv[1:]))
