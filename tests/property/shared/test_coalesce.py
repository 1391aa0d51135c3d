"""Whatever comes when and in whatever groups: each caller gets the result of its own item."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.coalesce import Coalescer


@settings(deadline=None)
@given(
    pauses=st.lists(st.integers(0, 3), min_size=1, max_size=60),
    lengths=st.lists(st.integers(0, 3), min_size=1, max_size=10),
    failing=st.sets(st.integers(0, 59)),
    limit=st.integers(1, 7),
    in_flight=st.integers(1, 3),
)
def test_each_gets_its_own(pauses, lengths, failing, limit, in_flight):
    running, groups = 0, []

    async def flush(items):
        nonlocal running
        running += 1
        assert running <= in_flight
        assert 1 <= len(items) <= limit
        groups.append(items)
        for _ in range(lengths[len(groups) % len(lengths)]):
            await asyncio.sleep(0)
        running -= 1
        if failing & set(items):
            raise KeyError(min(failing & set(items)))
        return [item * 10 for item in items]

    async def play():
        coalescer = Coalescer(flush, limit=limit, in_flight=in_flight)
        futures = []
        for item, pause in enumerate(pauses):
            futures.append(coalescer.submit(item))
            for _ in range(pause):
                await asyncio.sleep(0)
        return await asyncio.wait_for(asyncio.gather(*futures, return_exceptions=True), 5)

    results = asyncio.run(play())
    assert sorted(item for group in groups for item in group) == list(range(len(pauses)))
    assert [item for group in groups for item in group] == list(range(len(pauses)))
    for group in groups:
        bad = failing & set(group)
        for item in group:
            assert isinstance(results[item], KeyError) if bad else results[item] == item * 10
