"""Grouping without a timer: what is together, who gets which answer, and what a failure does."""

import asyncio
from collections.abc import Sequence

import pytest

from shared import coalesce
from shared.coalesce import Coalescer


class Calls:
    """A flush that waits to be let go, and doubles its items."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.gate = asyncio.Event()

    async def __call__(self, items: list[int]) -> Sequence[int]:
        self.groups.append(items)
        await self.gate.wait()
        return [2 * item for item in items]


async def test_the_first_goes_at_once_and_the_rest_together():
    calls = Calls()
    coalescer = Coalescer(calls)
    first = coalescer.submit(1)
    await asyncio.sleep(0)
    rest = [coalescer.submit(n) for n in (2, 3, 4)]
    await asyncio.sleep(0)
    assert calls.groups == [[1]]
    calls.gate.set()
    assert await asyncio.gather(first, *rest) == [2, 4, 6, 8]
    assert calls.groups == [[1], [2, 3, 4]]


async def test_it_knows_how_long_the_first_has_waited(monkeypatch):
    now = [10.0]
    monkeypatch.setattr(coalesce, "monotonic", lambda: now[0])
    calls = Calls()
    coalescer = Coalescer(calls)
    assert coalescer.waited() == 0
    first = coalescer.submit(1)
    now[0] = 11.0
    assert coalescer.waited() == 1  # not sent yet
    await asyncio.sleep(0)
    second = coalescer.submit(2)
    now[0] = 13.0
    assert coalescer.waited() == 3  # under way
    before, calls.gate = calls.gate, asyncio.Event()
    before.set()
    await first
    now[0] = 14.0
    assert coalescer.waited() == 3  # the second, which came at 11
    calls.gate.set()
    await second
    assert coalescer.waited() == 0


async def test_a_group_has_a_limit():
    calls = Calls()
    calls.gate.set()
    coalescer = Coalescer(calls, limit=10)
    assert await asyncio.gather(*map(coalescer.submit, range(25))) == [2 * n for n in range(25)]
    assert [len(group) for group in calls.groups] == [10, 10, 5]


async def test_several_calls_may_be_in_flight():
    calls = Calls()
    coalescer = Coalescer(calls, limit=2, in_flight=3)
    futures = [coalescer.submit(n) for n in range(10)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert calls.groups == [[0, 1], [2, 3], [4, 5]]
    calls.gate.set()
    await asyncio.gather(*futures)


async def test_an_answered_caller_that_comes_back_at_once_is_served():
    """The drain that answered it has ended by then, although its task has not been cleared up."""

    async def flush(items: list[int]) -> Sequence[int]:
        return items

    coalescer = Coalescer(flush)

    async def caller(start: int) -> int:
        for n in range(200):
            await coalescer.submit(start + n)
        return start

    done = await asyncio.wait_for(asyncio.gather(*map(caller, range(5))), 10)
    assert done == [0, 1, 2, 3, 4]


async def test_a_caller_that_submits_from_a_done_callback_is_served():
    async def flush(items: list[int]) -> Sequence[int]:
        return items

    coalescer = Coalescer(flush)
    second: list[asyncio.Future[int]] = []
    first = coalescer.submit(1)
    first.add_done_callback(lambda _: second.append(coalescer.submit(2)))
    await first
    await asyncio.sleep(0)
    assert await asyncio.wait_for(second[0], 5) == 2


async def test_a_failure_reaches_its_own_group_only():
    async def flush(items: list[int]) -> Sequence[int]:
        await asyncio.sleep(0)
        if 13 in items:
            raise ValueError("thirteen")
        return items

    coalescer = Coalescer(flush, limit=2)
    results = await asyncio.gather(*map(coalescer.submit, (1, 2, 13, 3, 4)), return_exceptions=True)
    assert [repr(each) for each in results] == [
        "1", "2", "ValueError('thirteen')", "ValueError('thirteen')", "4",
    ]  # fmt: skip
    assert await coalescer.submit(5) == 5


async def test_a_caller_that_went_away_harms_nobody():
    calls = Calls()
    coalescer = Coalescer(calls)
    gone, waiting = coalescer.submit(1), coalescer.submit(2)
    gone.cancel()
    calls.gate.set()
    assert await waiting == 4


async def test_too_few_results_are_an_error_not_a_hang():
    async def flush(items: list[int]) -> Sequence[int]:
        return items[:-1]

    coalescer = Coalescer(flush)
    with pytest.raises(ValueError, match="1 items, but 0 results"):
        await asyncio.wait_for(coalescer.submit(1), 5)


async def test_join_waits_for_everything():
    calls = Calls()
    coalescer = Coalescer(calls)
    futures = [coalescer.submit(n) for n in range(3)]
    joining = asyncio.create_task(coalescer.join())
    await asyncio.sleep(0)
    assert not joining.done()
    calls.gate.set()
    await asyncio.wait_for(joining, 5)
    assert all(future.done() for future in futures)
    await asyncio.wait_for(coalescer.join(), 5)


async def test_a_cancelled_call_answers_its_callers():
    calls = Calls()
    coalescer = Coalescer(calls)
    future = coalescer.submit(1)
    await asyncio.sleep(0)
    for task in list(coalescer._drains):
        task.cancel()
    with pytest.raises(ConnectionError):
        await asyncio.wait_for(future, 5)
