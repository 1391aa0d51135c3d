"""(l) A tap on a link until the browser knows where to go, beside an address of the same process
that answers a constant. 500 taps a second, by people: each is counted and written down meanwhile.
"""

import statistics

import asyncpg

from deploy.bench.house import LINKS, House
from deploy.bench.load import Job, Outcome, post
from deploy.bench.results import Line
from services.notify.links import codes
from shared import clock, ids

MOST_MS = 10.0
RATE = 500.0
TAPS = 4_000
LINKED = 1_000
ROUNDS = 3
AGENT = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Safari Line/14.9.0"
_PATHS = {"constant": "/bench/", "link": "/r/"}
_ADD = """
INSERT INTO notify.links (id, code, address, created_at)
SELECT id, code, 'https://ec.example.jp/sale?from=line&n=' || code, $3
FROM unnest($1::uuid[], $2::text[]) AS l (id, code)
"""
_COUNTED = "SELECT coalesce(sum(clicks), 0)::bigint FROM notify.link_clicks"


async def measure(house: House, scale: float) -> list[Line]:
    """Take turns, so that what else the machine does strikes both alike; the median counts."""
    house.call(*LINKS)
    made = [codes.new() for _ in range(LINKED)]
    connection = await asyncpg.connect(house.database_url)
    await connection.execute(_ADD, [ids.new_id() for _ in made], made, clock.now())
    taps, found = max(int(TAPS * scale), 500), {name: list[Outcome]() for name in _PATHS}
    for number in range(ROUNDS):
        for name, path in _PATHS.items():
            found[name].append(await post(_job(house, path, made, taps, f"{name}{number}")))
    house.send_away("bench-links")  # it writes down what it has counted
    counted = await connection.fetchval(_COUNTED)
    await connection.close()
    if {status for ran in found.values() for each in ran for status in each.statuses} != {"302"}:
        raise RuntimeError(f"not all were led on: {found['link'][0].statuses}")
    return [_line(found, f"{counted:,} of {taps * ROUNDS:,} taps counted")]


def _job(house: House, path: str, made: list[str], taps: int, name: str) -> Job:
    host, port = house.place("BENCH_LINKS_URL")
    return Job(
        host=host,
        port=port,
        path=path,
        api_key="",
        cards=made,
        posts=taps,
        name=name,
        occurred_at="",
        rate=RATE,
        agent=AGENT,
    )


def _line(found: dict[str, list[Outcome]], counted: str) -> Line:
    p99 = {name: statistics.median(each.answer_p99 for each in ran) for name, ran in found.items()}
    p50 = {name: statistics.median(each.answer_p50 for each in ran) for name, ran in found.items()}
    return Line(
        "(l) a tap on a link, p99",
        p99["link"],
        unit="ms",
        yardstick="constant 302, p99 ms",
        beside=p99["constant"],
        target=MOST_MS,
        most=True,
        note=f"{RATE:.0f} taps/s; p50 {p50['link']:.2f} ms beside {p50['constant']:.2f}; {counted}",
    )
