"""The shared pace: together below the rate, and far fewer round trips than calls."""

import asyncio
import time

import pytest
from redis.asyncio import Redis

from services.notify.sending.pace import Pace


@pytest.fixture
async def redis(servers):
    async with Redis.from_url(servers.redis_url) as redis:
        yield redis


async def test_replicas_together_keep_to_the_rate(redis, namespace):
    paces = [Pace(redis, namespace, "push", 200, f"replica-{n}") for n in range(3)]
    calls = 0

    async def use(pace: Pace) -> None:
        nonlocal calls
        while time.monotonic() < end:
            await pace.take(100)
            calls += 1

    started = time.monotonic()
    end = started + 1.5
    await asyncio.gather(*(use(pace) for pace in paces))
    took = time.monotonic() - started
    # At the start the bucket holds a tenth of a second's calls, and each may use one lease more.
    assert 200 * took * 0.6 < calls < 200 * took + 20 + 3 * 10


async def test_a_call_costs_far_less_than_a_round_trip(redis, namespace):
    pace = Pace(redis, namespace, "push", 100_000, "one")
    before = (await redis.info("commandstats")).get("cmdstat_evalsha", {}).get("calls", 0)
    for _ in range(5_000):
        await pace.take(5_000)
    after = (await redis.info("commandstats"))["cmdstat_evalsha"]["calls"]
    assert after - before < 50


async def test_without_redis_each_keeps_to_its_share(namespace):
    async with Redis.from_url("redis://127.0.0.1:1/0") as away:
        pace = Pace(away, namespace, "push", 400, "one")
        started = time.monotonic()
        for _ in range(30):
            await pace.take(30)
        took = time.monotonic() - started
    assert took > 0.15, "a quarter of 400 a second, while nobody knows how many there are"


async def test_a_rush_leaves_a_call_to_what_is_urgent(redis, namespace):
    urgent = Pace(redis, namespace, "push", 20, "one")
    rush = Pace(redis, namespace, "push", 20, "two", yielding=True)
    while (await rush._ask(0, 1)).granted:
        pass
    assert (await urgent._ask(0, 1)).granted == 1
