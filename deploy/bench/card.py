"""(n) The member card with everything on it, opened again within its ten minutes, beside a bare
page of the same process in the same look, 100 members a second; and what a page weighs.
"""

import gzip
import statistics
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp

from deploy.bench.databases import PASSWORD
from deploy.bench.house import QR_KEY, House
from deploy.bench.load import Job, Outcome, post
from deploy.bench.results import Line
from deploy.bench.shop import Shop, purchases
from deploy.local.plan import role_url
from services.points.members.enrolment import Enrolment
from services.points.programs.rulebook import Rulebook
from services.points.purchases.awards import Awards
from services.points.store.cards import Holder
from services.points.store.members import NewMember
from services.points.web import card_session
from shared import clock, ids
from shared.bus.handling import Batch
from shared.db import Pool, open_pool
from shared.keys import Keys

MOST_MS = 30.0
RATE = 100.0
PROCESS = "points-web"
MEMBERS = 500
PURCHASES = 30
"""Of each member: more than one page of history."""
LOOKS = 2_000
ROUNDS = 3
STATIC = Path(__file__).parents[2] / "services/points/pages/static"
FIRST = ("card.css", "card.js")
_PATHS = {"bare": "/", "card": "/card"}


async def measure(house: House, scale: float) -> list[Line]:
    """Take turns, so that what else the machine does strikes both alike; the median counts."""
    house.call("migrate", "demo", PROCESS)
    url = role_url(house.database_url, "points", PASSWORD)
    pool = await open_pool(url, schema="points", size=4)
    cookies = await _members(pool, max(int(MEMBERS * scale), 50))
    await pool.close()
    looks, found = max(int(LOOKS * scale), 300), {name: list[Outcome]() for name in _PATHS}
    spent = dict.fromkeys(_PATHS, 0.0)
    for number in range(ROUNDS):
        for name, path in _PATHS.items():
            before = house.cpu()[PROCESS]
            found[name].append(await post(_job(house, path, cookies, looks, f"{name}{number}")))
            spent[name] += (house.cpu()[PROCESS] - before) / (looks * ROUNDS) * 1_000
    if {status for ran in found.values() for each in ran for status in each.statuses} != {"200"}:
        raise RuntimeError(f"not all were shown: {found['card'][0].statuses}")
    plain, sent = await _weight(house, cookies[0])
    return [_line(found), _cpu(spent), _weighed(plain, sent)]


async def _members(pool: "Pool[Any]", count: int) -> list[str]:
    """Members in LINE with a history; the cookies that let them look."""
    rulebook = Rulebook()
    awards = Awards(rulebook, Keys(QR_KEY.encode()))
    people = [NewMember(id=ids.new_id(), line_user_id=f"U{number:032x}") for number in range(count)]
    async with pool.acquire() as connection, connection.transaction():
        added = await Enrolment(rulebook, awards).add(Batch(connection), people)
    shop = Shop(pool, [each.card for each in added], "")
    events = purchases(shop, count * PURCHASES)
    for start in range(0, len(events), 500):
        async with pool.acquire() as connection, connection.transaction():
            await awards.handle(Batch(connection), events[start : start + 500])
    return [_cookie(each.id, each.line_user_id or "") for each in added]


def _cookie(member: UUID, user: str) -> str:
    until = clock.now() + timedelta(hours=1)  # longer than a benchmark; the service's own: minutes
    return card_session.value(QR_KEY.encode(), Holder(member, user, "active", None), until)


def _job(house: House, path: str, cookies: list[str], looks: int, name: str) -> Job:
    host, port = house.place("POINTS_URL")
    return Job(
        host=host,
        port=port,
        path=path,
        api_key="",
        cards=cookies,
        posts=looks,
        name=name,
        occurred_at="",
        rate=RATE,
        cookie="tamaru_card",
    )


async def _weight(house: House, cookie: str) -> tuple[int, int]:
    """Bytes of the page, as it is and as the edge sends it."""
    host, port = house.place("POINTS_URL")
    headers = {"Cookie": f"tamaru_card={cookie}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"http://{host}:{port}/card") as answer,
    ):
        content = await answer.read()
    if b"data-tag" not in content:
        raise RuntimeError("the page came without its card")
    return len(content), len(gzip.compress(content, 6))


def _line(found: dict[str, list[Outcome]]) -> Line:
    p99 = {name: statistics.median(each.answer_p99 for each in ran) for name, ran in found.items()}
    p50 = {name: statistics.median(each.answer_p50 for each in ran) for name, ran in found.items()}
    return Line(
        "(n) the member card, p99",
        p99["card"],
        unit="ms",
        yardstick="bare page, p99 ms",
        beside=p99["bare"],
        target=MOST_MS,
        most=True,
        note=f"{RATE:.0f} members/s, {PURCHASES} purchases each; p50 {p50['card']:.2f} ms beside "
        f"{p50['bare']:.2f}",
    )


def _cpu(spent: dict[str, float]) -> Line:
    """What a busy machine does not blur: the process's own work for a page."""
    return Line(
        "(n) the member card, CPU a page",
        spent["card"],
        unit="ms",
        yardstick="bare page, ms",
        beside=spent["bare"],
    )


def _weighed(plain: int, sent: int) -> Line:
    files = [(STATIC / name).read_bytes() for name in FIRST]
    whole = sum(map(len, files))
    packed = sum(len(gzip.compress(each, 6)) for each in files)
    return Line(
        "(n) the card's page as sent",
        sent / 1000,
        unit="KB",
        note=f"{plain / 1000:.1f} KB unpacked; its script and style once {packed / 1000:.1f} KB "
        f"sent, {whole / 1000:.1f} unpacked",
    )
