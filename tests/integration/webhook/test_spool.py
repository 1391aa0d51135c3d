"""The spool empties, and is left again, also where everything is slow and tills go on."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from services.webhook.messages import Encoded
from services.webhook.spool import HOLD_SECONDS
from services.webhook.store import HAND_OVER_LOCK, spool
from shared import clock, envelope
from shared.events import new_event

TILLS = 4
PACE_SECONDS = 0.02
"""Between a till's purchases: together they send less than gets through a slow wire."""


class Tills:
    """Each posts one purchase after the other, until told to stop; `sent` of each were accepted."""

    def __init__(self, edge: Any) -> None:
        self._edge = edge
        self._stops = False
        self.sent = [0] * TILLS
        self.may_be_handed_over: Any = None

    @asynccontextmanager
    async def selling(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            for number in range(TILLS):
                group.create_task(self._sell(number))
            try:
                yield
            finally:
                self._stops = True

    async def _sell(self, number: int) -> None:
        while not self._stops:
            purchase = self._edge.purchase(total=self._total(number), tax=0)
            answer = await self._edge.post(purchase, key=f"{number}-{self.sent[number]}")
            if answer.status == 202:
                self.sent[number] += 1
            else:
                assert answer.status == 503
            await asyncio.sleep(PACE_SECONDS)

    def _total(self, number: int) -> int:
        return number * 100_000 + self.sent[number]

    def published(self) -> list[list[int]]:
        """What each till's purchases are numbered, as they came to the broker, without repeats."""
        found = dict.fromkeys(event.data.purchase.total for event in self._edge.published)
        return [
            [total % 100_000 for total in found if total // 100_000 == number]
            for number in range(TILLS)
        ]

    def all_published(self, counts: Sequence[int]) -> bool:
        """Whether the broker has the first so many of each till."""
        found = zip(self.published(), counts, strict=True)
        return all(set(range(count)) <= set(numbers) for numbers, count in found)

    def in_order(self) -> bool:
        return self.published() == [list(range(count)) for count in self.sent]


@pytest.fixture
async def tills(edge: Any, told: Any) -> AsyncIterator[Tills]:
    """They sell while the spool fills, the broker comes back, and after `may_be_handed_over`; in
    the end all is there."""
    tills = Tills(edge)
    edge.broker.cut()
    async with edge.pool.acquire() as other, tills.selling():
        await other.execute("SELECT pg_advisory_lock($1)", HAND_OVER_LOCK)
        await told.until(lambda: min(tills.sent) > 1)
        edge.broker.mend()
        await told.until(lambda: edge.process.bus.can_publish)
        tills.may_be_handed_over = lambda: other.execute("SELECT pg_advisory_unlock_all()")
        yield tills
    await told.until(tills.in_order)
    await told.until(edge.spool_is_left)


async def test_it_is_left_although_a_confirm_takes_longer_than_input_is_held_back(
    edge: Any, told: Any, tills: Tills
) -> None:
    edge.broker.late = HOLD_SECONDS * 2 / 3
    await tills.may_be_handed_over()
    await told.until(lambda: not edge.spool.active)
    edge.broker.late = 0.0


async def test_where_there_is_no_end_of_what_comes_it_is_handed_over_all_the_same(
    edge: Any, told: Any, tills: Tills, monkeypatch: Any
) -> None:
    async def no_end() -> None:
        await asyncio.Event().wait()

    with monkeypatch.context() as patched:
        patched.setattr(edge.spool._inserts, "join", no_end)
        await tills.may_be_handed_over()
        for _ in range(4):
            so_far = tuple(tills.sent)
            await told.until(lambda these=so_far: tills.all_published(these))
            assert edge.spool.active


async def test_it_is_not_left_before_the_broker_confirms_again(
    edge: Any, told: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = new_event("/points", told.store_of("second", 2))
    filled = asyncio.Event()

    async def something_comes_in() -> None:
        if not filled.is_set():
            await spool(edge.pool, [Encoded(event.type, envelope.encode(event))], clock.now())
            filled.set()

    edge.broker.hang()
    monkeypatch.setattr(edge.spool._inserts, "join", something_comes_in)
    edge.spool.begin("the broker hangs")
    await told.until(filled.is_set)
    await told.until(edge.spool.turn.is_set)
    assert edge.spool.active
    edge.broker.mend()
    await told.until(edge.spool_is_left)
