"""(g) Messages to many: their rate, and what a receipt notices of 50,000 of them.

100,000 members joined through the product. Receipts come by the clock, first on an idle system and
then while a broadcast to half of the members goes out by multicast at the default pace; each
is counted from the POST of the purchase to the message on the phone.
"""

import asyncio

import aiohttp

from deploy.bench import broadcast_rates
from deploy.bench.at_once import nothing_waits
from deploy.bench.campaign import Owner, tag_members
from deploy.bench.house import SERVICES, House
from deploy.bench.ingress import till_is_known
from deploy.bench.journey import Road, latencies
from deploy.bench.load import post
from deploy.bench.phones import Phones, until
from deploy.bench.results import Line

MEMBERS, SEGMENT, SHOPPERS = 100_000, 50_000, 2_000
RATE = 50
"""Purchases a second."""

CONNECTIONS = 32
"""Each is used again before the server ends it for idleness (5 s)."""

SECONDS = 9
JOIN_SECONDS = 900
TARGET = 3.0
BULK = 10_000


async def measure(house: House, scale: float) -> list[Line]:
    """The lines of (g)."""
    lines = await broadcast_rates.measure(house, scale)
    house.call("migrate", "demo", *SERVICES)
    await nothing_waits(house.database_url)
    await till_is_known(house)
    async with aiohttp.ClientSession() as session:
        phones = Phones(session, house.env["SANDBOX_URL"])
        cards = await _members(house, phones, int(MEMBERS * scale))
        await tag_members(house.database_url, int(SEGMENT * scale))
        owner = Owner(session, house.env["NOTIFY_WEB_URL"], house.env["OWNER_API_KEY"])
        road = Road(house, phones, cards, "WEBHOOK_URL")
        await _receipts(road, phones, cards, SECONDS)  # what is cold warms up
        idle = await _receipts(road, phones, cards, SECONDS)
        house.tell("(g) the broadcast begins")
        id = await owner.confirmed(int(SEGMENT * scale))
        busy = await _receipts(road, phones, cards, SECONDS)
        report = await owner.sent(id, 300)
        if report["delivered"] != int(SEGMENT * scale):
            raise RuntimeError(f"not all got it: {report}")
    return [*lines, *_lines(idle, busy)]


async def _members(house: House, phones: Phones, count: int) -> dict[str, str]:
    """All join; the cards of those who shop (with their LINE users)."""
    house.tell(f"(g) {count:,} members join")
    already = await phones.arrived()
    for start in range(0, count, BULK):
        await phones.prepare(min(BULK, count - start))

    async def welcomed() -> bool:
        return await phones.arrived() - already >= count

    await until(welcomed, JOIN_SECONDS, f"{count} members welcomed")
    return await phones.cards(house.database_url, min(SHOPPERS, count))


async def _receipts(
    road: Road, phones: Phones, cards: dict[str, str], seconds: float
) -> list[float]:
    """Milliseconds from purchases by the clock to their receipts, sorted."""
    posts = int(RATE * seconds)
    already = await phones.arrived()
    outcome = await post(road.job(posts, already, rate=RATE, connections=CONNECTIONS))
    if set(outcome.statuses) != {"202"}:
        raise RuntimeError(f"not all accepted: {outcome.statuses}")

    async def there() -> bool:
        return len(await phones.landings(already)) >= posts

    await until(there, 120, f"{posts} receipts", pause=1)
    await asyncio.sleep(1)
    return sorted(latencies(outcome, await phones.landings(already), list(cards.values())))


def _lines(idle: list[float], busy: list[float]) -> list[Line]:
    def at(found: list[float], percent: int) -> float:
        return found[(len(found) - 1) * percent // 100]

    return [
        Line(
            f"(g) receipt's delay during a broadcast, p{percent}",
            at(busy, percent),
            "ms",
            "idle",
            at(idle, percent),
            target=TARGET * at(idle, percent) if percent == 99 else None,
            most=True,
        )
        for percent in (50, 99)
    ]
