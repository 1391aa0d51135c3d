"""(c) From the POST to the message on the phone, through all real processes, beside a naive
pipeline; and (f) what memory the processes have before and after.

Sustained: no more than so many purchases are on their way at a time (the window), so nothing piles
up and the rate is what the whole line carries. Latency: purchases come by the clock, whatever
becomes of them; it is counted from the POST to the moment that the sandbox has the message. Both
pipelines go to the same sandbox, for the same members, from the same load.
"""

from collections import defaultdict, deque
from datetime import UTC, datetime

import aiohttp
import asyncpg
import msgspec

from deploy.bench import naive, procfs
from deploy.bench.at_once import nothing_waits
from deploy.bench.house import NAIVE, SERVICES, House
from deploy.bench.ingress import till_is_known
from deploy.bench.load import Job, Outcome, post
from deploy.bench.phones import Phones, until
from deploy.bench.results import Line
from deploy.sandbox.deliveries import Landing
from shared import clock

MEMBERS = 2_000
POSTS = 20_000
NAIVE_POSTS = 3_000
WINDOW = 1_000
NAIVE_WINDOW = 64  # more only makes it wait; its processes take 16 each at a time
SLOW_RATE = 100
SECONDS = 20
SETTLE_SECONDS = 180
RAMP = 0.1


class Journey(msgspec.Struct):
    """What one pipeline did in one run. `milliseconds` are sorted latencies."""

    rate: float
    milliseconds: list[float]
    cpu: dict[str, float]

    def at(self, percent: int) -> float:
        """A percentile of the latencies, in ms."""
        return self.milliseconds[(len(self.milliseconds) - 1) * percent // 100]


class Road:
    """Where purchases go in, and the cards to post for."""

    def __init__(self, house: House, phones: Phones, cards: dict[str, str], url_name: str) -> None:
        self._house = house
        self._phones = phones
        self._cards = cards
        self._url_name = url_name

    async def sustained(self, posts: int, window: int) -> Journey:
        """As many as it carries."""
        return await self._drive(posts, window=window, connections=64)

    async def paced(self, rate: float, seconds: float) -> Journey:
        """So many a second."""
        return await self._drive(int(rate * seconds), rate=rate, connections=256)

    async def _drive(self, posts: int, **pace: float | None) -> Journey:
        already = await self._phones.arrived()
        cpu = self._house.cpu()
        outcome = await post(self.job(posts, already, **pace))
        if set(outcome.statuses) != {"202"}:
            raise RuntimeError(f"not all accepted: {outcome.statuses}")
        landings = await self._landed(already, posts)
        used = procfs.spent(cpu, self._house.cpu())
        per_purchase = {name: seconds / posts * 1e6 for name, seconds in used.items()}
        times = latencies(outcome, landings, list(self._cards.values()))
        return Journey(steady_rate(landings), sorted(times), per_purchase)

    async def _landed(self, already: int, posts: int) -> list[Landing]:
        async def all_there() -> bool:
            return await self._phones.arrived() - already >= posts

        await until(all_there, SETTLE_SECONDS, f"{posts} messages on the phones")
        landings = await self._phones.landings(already)
        if len(landings) != posts:
            raise RuntimeError(f"{posts} purchases, but {len(landings)} receipts")
        return landings

    def job(self, posts: int, already: int, **pace: float | None) -> Job:
        """Purchases of all cards in turn, at this pace."""
        host, port = self._house.place(self._url_name)
        given = {
            "host": host,
            "port": port,
            "path": "/v1/purchases",
            "api_key": self._house.env["POS_API_KEY"],
            "cards": list(self._cards),
            "posts": posts,
            "name": f"journey-{clock.now().timestamp()}",
            "occurred_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "delivered_url": self._phones.stats_url,
            "already": already,
        }
        return msgspec.convert({**given, **pace}, Job)


def latencies(outcome: Outcome, landings: list[Landing], users: list[str]) -> list[float]:
    """Milliseconds from each accepted POST to its message: a member's n-th message tells of the
    n-th that was accepted."""
    landed: dict[str, deque[int]] = defaultdict(deque)
    for landing in landings:
        landed[landing.user].append(landing.at_ns)
    refused = set(outcome.refused)
    return [
        (landed[users[number % len(users)]].popleft() - sent) / 1e6
        for number, sent in enumerate(outcome.sent)
        if number not in refused
    ]


def steady_rate(landings: list[Landing]) -> float:
    """Messages a second, without the ramp at the beginning."""
    moments = [landing.at_ns for landing in landings][int(len(landings) * RAMP) :]
    return (len(moments) - 1) / (moments[-1] - moments[0]) * 1e9


async def measure(house: House, scale: float) -> list[Line]:
    """The lines of (c) and (f)."""
    house.call("migrate", "demo")
    await nothing_waits(house.database_url)
    house.call(*SERVICES)
    await till_is_known(house)
    async with aiohttp.ClientSession() as session:
        phones = Phones(session, house.env["SANDBOX_URL"])
        await _one_rank(session, house)
        cards = await _members(house, phones, int(MEMBERS * max(scale, 0.1)))
        before = house.memory()
        ours = await _ours(Road(house, phones, cards, "WEBHOOK_URL"), house, scale)
        memory = _memory(before, house.memory())
        theirs = await _naive(Road(house, phones, cards, "NAIVE_WEB_URL"), house, scale)
    return [*_lines(ours, theirs), *memory]


async def _ours(road: Road, house: House, scale: float) -> tuple[Journey, Journey, Journey]:
    house.tell("(c) our pipeline: sustained, then by the clock")
    sustained = await road.sustained(int(POSTS * scale), WINDOW)
    slow = await road.paced(SLOW_RATE, SECONDS * max(scale, 0.25))
    half = await road.paced(sustained.rate / 2, SECONDS * max(scale, 0.25))
    return sustained, slow, half


async def _naive(road: Road, house: House, scale: float) -> tuple[Journey, Journey]:
    house.tell("(c) the naive pipeline")
    connection = await asyncpg.connect(house.database_url)
    await connection.execute(naive.SCHEMA)
    await connection.close()
    house.call(*(process.name for process in NAIVE))
    sustained = await road.sustained(int(NAIVE_POSTS * scale), NAIVE_WINDOW)
    slow = await road.paced(SLOW_RATE, SECONDS * max(scale, 0.25))
    house.send_away(*(process.name for process in NAIVE))
    return sustained, slow


async def _one_rank(session: aiohttp.ClientSession, house: House) -> None:
    """Everybody is to reach the first rank with the first purchase, and no more: a message for a
    rank in the middle would be counted as a receipt's delay. So everybody is at the top, and what
    they did is not counted anew for their ranks."""
    url = f"{house.env['POINTS_URL']}/v1/program"
    headers = {"Authorization": f"Bearer {house.env['OWNER_API_KEY']}"}
    async with session.get(url, headers=headers) as answer:
        answer.raise_for_status()
        program = await answer.json()
    program["ranks"]["levels"] = program["ranks"]["levels"][:1]
    headers["Idempotency-Key"] = "bench-one-rank"
    async with session.put(url, json=program, headers=headers) as answer:
        answer.raise_for_status()


async def _members(house: House, phones: Phones, count: int) -> dict[str, str]:
    """Members by card (with their LINE user), welcomed, and each with a first purchase."""
    house.tell(f"(c) {count} members join and buy for the first time")
    already = await phones.arrived()
    await phones.prepare(count)

    async def welcomed() -> bool:
        return await phones.arrived() - already >= count

    await until(welcomed, SETTLE_SECONDS, f"{count} members welcomed")
    cards = await phones.cards(house.database_url)
    already = await phones.arrived()
    job = Road(house, phones, cards, "WEBHOOK_URL").job(count, already, window=WINDOW)
    await post(job)

    async def ranked() -> bool:  # a receipt and a rank for each
        return await phones.arrived() - already >= 2 * count

    await until(ranked, SETTLE_SECONDS, f"{count} members ranked")
    return cards


def _lines(ours: tuple[Journey, Journey, Journey], theirs: tuple[Journey, Journey]) -> list[Line]:
    sustained, slow, half = ours
    naive_sustained, naive_slow = theirs
    return [
        Line(
            "(c) POST to phone, sustained",
            sustained.rate,
            yardstick="naive",
            beside=naive_sustained.rate,
            target=6,
            note=f"CPU µs a purchase: {_costs(sustained.cpu)}",
        ),
        Line("(c) p50 at 100 a second", slow.at(50), "ms", "naive", naive_slow.at(50)),
        Line(
            "(c) p99 at 100 a second",
            slow.at(99),
            "ms",
            "naive",
            naive_slow.at(99),
            target=40,
            most=True,
        ),
        Line(f"(c) p50 at {half.rate:,.0f} a second (half)", half.at(50), "ms"),
        Line(f"(c) p99 at {half.rate:,.0f} a second (half)", half.at(99), "ms"),
    ]


def _costs(cpu: dict[str, float]) -> str:
    return ", ".join(f"{name} {microseconds:.0f}" for name, microseconds in cpu.items())


def _memory(before: dict[str, float], after: dict[str, float]) -> list[Line]:
    return [
        Line(f"(f) memory of {name} after", after[name], "MiB", "before", before[name])
        for name in after
        if name in before
    ]
