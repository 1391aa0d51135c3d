"""Tills that wait are heard by whatever can wait itself."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from shared import people_wait
from shared.people_wait import PeopleWait


@pytest.fixture
async def word(servers: Any, namespace: str) -> AsyncIterator[PeopleWait]:
    async with Redis.from_url(servers.redis_url) as redis:
        yield PeopleWait(redis, namespace)


async def test_while_a_till_waits_for_the_broker_it_is_said_and_then_it_fades(
    edge: Any, told: Any, word: PeopleWait, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people_wait, "FADES_SECONDS", 0.5)
    assert not await word.heard()
    edge.broker.hang()
    till = asyncio.create_task(edge.post(edge.purchase()))
    await told.until(word.heard)
    assert (await till).status == 202
    edge.broker.mend()

    async def faded() -> bool:
        return not await word.heard()

    await told.until(faded)


async def test_without_redis_nothing_is_heard_once_the_word_would_have_faded(
    edge: Any, told: Any, word: PeopleWait, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people_wait, "FADES_SECONDS", 0.5)
    async with Redis.from_url("redis://127.0.0.1:1/0") as away:
        lost = PeopleWait(away, "nobody")
        await lost.say()
        assert not await lost.heard()
    await word.say()
    assert await word.heard()
    word._redis = away

    async def faded() -> bool:
        return not await word.heard()

    await told.until(faded)
