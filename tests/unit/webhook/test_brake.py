"""Who is refused once is told at once; who runs on is told later and later, and alone."""

import asyncio
from uuid import UUID

import pytest

from services.webhook import brake as module
from services.webhook.brake import LEAST_SECONDS, MANY, MOST_SECONDS, Brake

TILL, WILD = UUID(int=1), UUID(int=2)
FOR_EVER = 3600.0


def after(refusals: int, brake: Brake, whose: UUID, second: float) -> float:
    """How late the last of so many within a second is told."""
    return [brake.late(whose, second) for _ in range(refusals)][-1]


def test_a_till_that_is_refused_now_and_then_is_told_at_once() -> None:
    brake = Brake()
    assert all(brake.late(TILL, second) < LEAST_SECONDS for second in range(100))


def test_the_more_refusals_the_later_up_to_a_second() -> None:
    brake = Brake()
    assert after(MANY // 2, brake, WILD, 5.0) == pytest.approx(MOST_SECONDS / 2)
    assert after(MANY * 3, brake, WILD, 5.9) == MOST_SECONDS
    assert brake.late(TILL, 5.9) < LEAST_SECONDS, "nobody else's"


def test_a_new_second_does_not_forget_and_a_quiet_one_does() -> None:
    brake = Brake()
    after(MANY, brake, WILD, 5.0)
    assert brake.late(WILD, 6.0) == MOST_SECONDS
    after(MANY, brake, WILD, 6.5)
    assert brake.late(WILD, 8.0) < LEAST_SECONDS


async def test_only_so_many_answers_are_held_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_HELD", 1)
    monkeypatch.setattr(module, "MOST_SECONDS", FOR_EVER)
    monkeypatch.setattr(module, "MANY", 1 / FOR_EVER)
    brake = Brake()

    async def held() -> asyncio.Task[None]:
        task = asyncio.create_task(brake.hold(WILD))
        await asyncio.sleep(0)
        assert not task.done()
        return task

    for _ in range(2):
        first = await held()
        async with asyncio.timeout(60):
            await brake.hold(WILD)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
