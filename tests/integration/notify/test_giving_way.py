"""A broadcast takes little while people wait; and who serves them says that they do."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from services.notify.broadcasts import personal
from services.notify.broadcasts.upkeep import HELD_BACK
from shared.db import open_pool
from shared.giving_way import LEAST, GivingWay
from shared.people_wait import PeopleWait
from tests.integration.notify.broadcast_house import sale_to

PACE = 500
AHEAD = int(PACE * personal.AHEAD_SECONDS)


@pytest.fixture
async def pool(notify: Any) -> AsyncIterator[Any]:
    pool = await open_pool(notify.settings.database_url.get_secret_value(), schema="notify")
    yield pool
    await pool.close()


@pytest.fixture
async def word(servers: Any, namespace: str) -> AsyncIterator[PeopleWait]:
    async with Redis.from_url(servers.redis_url) as redis:
        yield PeopleWait(redis, namespace)


@contextlib.asynccontextmanager
async def saying(word: PeopleWait) -> AsyncIterator[None]:
    """People wait all the while."""
    task = asyncio.create_task(word.watch(lambda: 1.0, 0.5))
    try:
        yield
    finally:
        task.cancel()


class Full:
    """A sender that keeps what it gets until it is told that it went out."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.backlog = 0

    def room(self, priority: int = 0) -> int:
        return 10_000

    def submit(self, taken: Any) -> None:
        if taken:
            self.sizes.append(len(taken))
            self.backlog += len(taken)


async def test_a_broadcast_takes_little_while_people_wait_and_its_all_when_they_do_not(
    pool: Any, word: PeopleWait, kit: Any
) -> None:
    sale = await sale_to(pool, 2 * AHEAD)
    sender: Any = Full()
    few = int(AHEAD * LEAST)
    async with saying(word):
        await kit.until(word.heard)
        feeding = asyncio.create_task(personal.feed(pool, sender, PACE, GivingWay(word, HELD_BACK)))
        await kit.until(lambda: sender.sizes)
        sender.backlog = 0
        await kit.until(lambda: len(sender.sizes) > 1)
        assert sender.sizes == [few, few], "a trickle, but it goes on"
    await kit.until(lambda: sender.backlog > AHEAD // 2)
    feeding.cancel()
    assert sum(sender.sizes) == await pool.fetchval(
        "SELECT count(*) FROM deliveries WHERE event_id = $1 AND unknown_since IS NOT NULL", sale
    )


async def test_a_worker_says_that_people_wait_for_their_receipts(
    notify: Any, line: Any, pool: Any, word: PeopleWait, kit: Any
) -> None:
    async with notify.running() as worker:
        async with pool.acquire() as slow, slow.transaction():
            await slow.execute("LOCK TABLE deliveries IN ACCESS EXCLUSIVE MODE")
            await worker.tell(kit.earned())
            await kit.until(word.heard)
        await worker.settled(1)
