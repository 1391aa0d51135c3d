"""Streams of segments: whole, of one moment, begun anew after a crash, refused if they say
nothing."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from prometheus_client import REGISTRY

from shared import ids
from tests.integration.points import segment_shop
from tests.integration.points.night_shop import Shop, opened, stop
from tests.integration.points.segment_shop import Broker, ask, streams
from tests.integration.points.shop import eventually


@pytest.fixture
async def shop(database: Any) -> AsyncIterator[Shop]:
    """35 members with a point each."""
    async with opened(database) as shop:
        await shop.publish()
        await shop.give(1)
        yield shop


async def finished(shop: Shop) -> Any:
    """Whether nothing is left to stream."""
    return await shop.pool.fetchval(
        "SELECT bool_and(finished_at IS NOT NULL) FROM segment_requests"
    )


async def test_everybody_comes_in_pages_of_one_moment(shop: Shop) -> None:
    broker = Broker()
    doing = streams(broker)
    request = await ask(shop.pool, doing, {"all": True})
    assert await doing.stream_one(shop.pool)
    pages = broker.answer(request)
    assert [len(page.people) for page in pages] == [10, 10, 10, 5]
    assert [page.total for page in pages] == [10, 20, 30, 35]
    assert [page.last for page in pages] == [False, False, False, True]
    assert len({page.taken_at for page in pages}) == 1
    people = [person for page in pages for person in page.people]
    assert segment_shop.of(people) == shop.members
    assert {(each.points, each.line_user_id) for each in people} == {
        (1, f"U{number}") for number in range(35)
    }
    assert not await doing.stream_one(shop.pool)
    assert await shop.pool.fetchval("SELECT members FROM segment_requests") == 35


@pytest.mark.parametrize("people_wait", [False, True])
async def test_it_gives_way_while_people_wait_and_goes_on(shop: Shop, people_wait: bool) -> None:
    broker = Broker()
    doing = streams(broker, people_wait=people_wait)
    request = await ask(shop.pool, doing, {"all": True})
    rested = "tamaru_points_segments_held_back_seconds_total"
    before = REGISTRY.get_sample_value(rested) or 0.0
    assert await doing.stream_one(shop.pool)
    assert len(broker.answer(request)) == 4
    assert ((REGISTRY.get_sample_value(rested) or 0.0) > before) is people_wait


async def test_the_last_page_is_one_even_of_nobody_and_of_a_whole_page(shop: Shop) -> None:
    broker = Broker()
    doing = streams(broker, page=35)
    nobody = await ask(shop.pool, doing, {"points": {"min": 2}})
    whole = await ask(shop.pool, doing, {"points": {"min": 1}})
    while await doing.stream_one(shop.pool):
        pass
    (empty,), (full,) = broker.answer(nobody), broker.answer(whole)
    assert (empty.people, empty.total, empty.last) == ([], 0, True)
    assert (len(full.people), full.total, full.last) == (35, 35, True)


async def test_one_member_waits_for_nobody(shop: Shop) -> None:
    broker = Broker()
    doing = streams(broker)
    await ask(shop.pool, doing, {"all": True})
    request = await ask(shop.pool, doing, {"member": str(shop.members[7])})
    assert await doing.stream_one(shop.pool, single=True)
    (page,) = broker.answer(request)
    assert (segment_shop.of(page.people), page.last) == ([shop.members[7]], True)
    assert not await doing.stream_one(shop.pool, single=True)


async def test_what_happens_meanwhile_is_not_in_it(shop: Shop) -> None:
    broker = Broker()
    broker.may_confirm.clear()
    doing = streams(broker, page=5)
    request = await ask(shop.pool, doing, {"points": {"max": 1}})
    running = asyncio.create_task(doing.stream_one(shop.pool))

    async def some_left() -> bool:
        return len(broker.pages) == 4

    await eventually(some_left, "no page was sent")
    await shop.give(5)
    await shop.pool.execute("UPDATE members SET status = 'suspended', friend = false")
    broker.may_confirm.set()
    assert await running
    people = [person for page in broker.answer(request) for person in page.people]
    assert segment_shop.of(people) == shop.members
    assert {(each.points, each.line_user_id is None) for each in people} == {(1, False)}
    assert broker.most_unconfirmed == 4


async def test_a_stream_that_is_cut_off_is_begun_anew(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.points.segments.streaming.POLL_SECONDS", 0.05)
    broker = Broker(breaks_at=2)
    doing = streams(broker)
    request = await ask(shop.pool, doing, {"all": True})
    running = [asyncio.create_task(doing.run(shop.pool))]
    await eventually(lambda: finished(shop), "the stream did not end")
    await stop(running)
    assert len({page.stream_id for page in broker.pages}) == 2
    assert sum(len(page.people) for page in broker.answer(request)) == 35
    assert await shop.pool.fetchval("SELECT attempts FROM segment_requests") == 2


async def test_a_killed_worker_leaves_its_stream_to_another(shop: Shop) -> None:
    stuck, broker = Broker(), Broker()
    stuck.may_confirm.clear()
    first, second = streams(stuck, page=5), streams(broker, page=5)
    request = await ask(shop.pool, first, {"all": True})
    killed = asyncio.create_task(first.stream_one(shop.pool))

    async def some_left() -> bool:
        return bool(stuck.pages)

    await eventually(some_left, "no page was sent")
    assert not await second.stream_one(shop.pool)  # it is in hands
    await stop([killed])  # type: ignore[list-item]
    assert await second.stream_one(shop.pool)
    assert sum(len(page.people) for page in broker.answer(request)) == 35


async def test_the_same_request_is_streamed_once(shop: Shop) -> None:
    broker = Broker()
    doing = streams(broker)
    request = ids.new_id()
    for _ in range(2):
        await ask(shop.pool, doing, {"all": True}, request)
    assert await doing.stream_one(shop.pool)
    await ask(shop.pool, doing, {"all": True}, request)
    assert not await doing.stream_one(shop.pool)


async def test_what_cannot_be_computed_is_refused_in_both_languages(shop: Shop) -> None:
    doing = streams(Broker())
    request = await ask(shop.pool, doing, {"all": [{"points": {"min": "1"}}, {"moon": 1}]})
    assert not await doing.stream_one(shop.pool)
    (refused,) = await shop.told("segment.refused.v1")
    assert refused.request_id == request
    assert "all[0].points.min" in refused.en and "all[1].moon" in refused.en
    assert "整数" in refused.ja


async def test_what_fails_by_itself_is_given_up_and_said(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("services.points.segments.reading.read", broken)
    doing = streams(Broker())
    request = await ask(shop.pool, doing, {"all": True})
    assert await doing.stream_one(shop.pool)
    (refused,) = await shop.told("segment.refused.v1")
    assert refused.request_id == request
    assert await finished(shop)
