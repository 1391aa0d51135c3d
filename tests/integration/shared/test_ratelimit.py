"""The rate limit on a real Redis: even over replicas, and open while Redis is away."""

import asyncio
import contextlib
from urllib.parse import urlsplit

import pytest

from shared import ids, ratelimit
from shared.ratelimit import RateLimit
from tests.wires import Wire, through

RATE = 5


@pytest.fixture
async def wire(servers):
    parts = urlsplit(servers.redis_url)
    wire = Wire(parts.hostname, parts.port)
    wire.port = await wire.open()
    yield wire
    await wire.close()


@pytest.fixture
async def limits(servers, wire):
    """Two replicas' limits on one count."""
    url, prefix = through(servers.redis_url, wire.port), ids.new_id().hex
    async with contextlib.AsyncExitStack() as stack:
        made = [RateLimit(url, prefix, RATE) for _ in range(2)]
        for limit in made:
            stack.push_async_callback(limit.close)
        yield made


async def ask(limits, caller: str, calls: int) -> list[int]:
    return await asyncio.gather(*(limits[n % 2].wait_seconds(caller) for n in range(calls)))


async def test_replicas_share_a_callers_rate_and_callers_do_not(limits):
    waits = await ask(limits, "one", 4 * RATE)
    assert RATE <= waits.count(0) < 4 * RATE
    assert set(waits) == {0, 1}
    assert await limits[0].wait_seconds("other") == 0


@pytest.mark.parametrize("fault", ["cut", "hang"])
async def test_with_redis_away_everybody_passes_and_then_no_longer(
    limits, wire, monkeypatch, fault
):
    monkeypatch.setattr(ratelimit, "AWAY_SECONDS", 0.05)
    getattr(wire, fault)()
    assert set(await ask(limits, "one", 4 * RATE)) == {0}
    assert set(await ask(limits, "one", 4 * RATE)) == {0}
    wire.mend()
    async with asyncio.timeout(15):
        while 1 not in await ask(limits, "one", 4 * RATE):
            await asyncio.sleep(0.02)


async def test_redis_that_is_away_is_not_asked_at_each_call(limits, wire, monkeypatch):
    monkeypatch.setattr(ratelimit, "AWAY_SECONDS", 3600.0)
    wire.cut()
    await ask(limits, "one", 2)
    wire.mend()
    assert set(await ask(limits, "one", 4 * RATE)) == {0}
