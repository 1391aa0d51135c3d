"""Sweeps go on at their own pace, whatever becomes of the others."""

import asyncio
from typing import Any

import pytest

from services.points.nights import sweeping
from services.points.programs.rulebook import Rulebook
from shared.db import UNREACHABLE

ANY: Any = None


async def test_a_sweep_is_repeated_and_outlives_a_database_that_is_away() -> None:
    swept: list[str] = []
    often = asyncio.Event()

    async def failing(*_: Any) -> None:
        swept.append("failing")
        raise UNREACHABLE[0]

    async def fine(*_: Any) -> None:
        swept.append("fine")
        if swept.count("fine") >= 3 and swept.count("failing") >= 3:
            often.set()

    running = asyncio.create_task(sweeping.run(ANY, ANY, Rulebook(), {failing: 0.0, fine: 0.0}))
    async with asyncio.timeout(10):
        await often.wait()
    running.cancel()


async def test_a_fault_of_a_sweep_is_not_hidden() -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("broken")

    with pytest.raises(ExceptionGroup):
        await sweeping.run(ANY, ANY, Rulebook(), {broken: 0.0})
