"""(b) Purchases accepted a second: HTTP in, checked, past the gate in Redis, confirmed by the
broker, 202; beside endpoints of the same server that do nothing.

The webhook is the real process. The endpoints that do nothing stand in a second process of the
same program, and get the same requests from the same load.
"""

import asyncio
import statistics
from datetime import UTC, datetime

import aio_pika
import aiohttp

from deploy.bench.house import INGRESS, House
from deploy.bench.load import Job, Outcome, body, post
from deploy.bench.results import Line
from shared import clock, ids

TARGET = 0.5
POSTS = 20_000
CARDS = [f"2{number:012d}" for number in range(1000)]
ROUNDS = 3
_WAYS = {
    "fastapi": ("NOOP_URL", "/bench/fastapi"),
    "short": ("NOOP_URL", "/bench/short"),
    "accepted": ("WEBHOOK_URL", "/v1/purchases"),
}


async def measure(house: House, scale: float) -> list[Line]:
    """Take turns, so that what else the machine does strikes all alike; the median counts."""
    house.call(*INGRESS)
    await till_is_known(house)
    house.send_away("points-awards")  # it told the webhook of the till; nobody awards these
    found: dict[str, list[Outcome]] = {name: [] for name in _WAYS}
    for number in range(ROUNDS):
        for name, (url, path) in _WAYS.items():
            job = _job(house, url, path, f"{name}{number}", int(POSTS * scale))
            found[name].append(_all_accepted(await post(job)))
    await _empty_queue(house.amqp_url)
    house.send_away("bench-noop")
    rates = {name: statistics.median(each.rate for each in ran) for name, ran in found.items()}
    note = _note(found["accepted"])
    fastapi = Line(
        "(b) purchases accepted through HTTP",
        rates["accepted"],
        yardstick="no-op FastAPI route",
        beside=rates["fastapi"],
        target=TARGET,
        note=note,
    )
    short = Line(
        "(b) the same beside a no-op of its own kind",
        rates["accepted"],
        yardstick="no-op past FastAPI",
        beside=rates["short"],
    )
    return [fastapi, short]


async def till_is_known(house: House, seconds: float = 30) -> None:
    """Wait until the till's key and the store have reached the webhook."""
    content = body(CARDS[0], clock.now().isoformat())
    headers = {
        "Authorization": f"Bearer {house.env['POS_API_KEY']}",
        "Content-Type": "application/json",
        "Idempotency-Key": f"is-the-till-known-{ids.new_id()}",
    }
    url = f"{house.env['WEBHOOK_URL']}/v1/purchases"
    async with asyncio.timeout(seconds), aiohttp.ClientSession() as session:
        while True:
            async with session.post(url, data=content, headers=headers) as answer:
                if answer.status == 202:
                    return
            await asyncio.sleep(0.2)


def _job(house: House, url: str, path: str, name: str, posts: int) -> Job:
    host, port = house.place(url)
    return Job(
        host=host,
        port=port,
        path=path,
        api_key=house.env["POS_API_KEY"],
        cards=CARDS,
        posts=posts,
        name=f"{name}-{clock.now().timestamp()}",
        occurred_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _all_accepted(outcome: Outcome) -> Outcome:
    if set(outcome.statuses) != {"202"}:
        raise RuntimeError(f"not all accepted: {outcome.statuses}")
    return outcome


def _note(ran: list[Outcome]) -> str:
    last = ran[-1]
    return (
        f"64 connections; answers p50 {last.answer_p50:.0f} ms, p99 {last.answer_p99:.0f} ms; "
        f"the load itself used {last.cpu / last.took:.0%} of a core"
    )


async def _empty_queue(amqp_url: str) -> None:
    """Leave nothing for later."""
    connection = await aio_pika.connect(amqp_url)
    async with connection:
        channel = await connection.channel()
        queue = await channel.get_queue("tamaru.points.awards", ensure=False)
        await queue.purge()
