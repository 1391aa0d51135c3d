"""What LINE does to us: how it is all day, and what comes over it for some seconds."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from deploy.local.stack import Stack
from tests.faults import rush

FAULTS: dict[str, dict[str, float]] = {
    "refuse": {"status_429": 0.5},
    "fail": {"status_500": 0.5},
    "unheard": {"lost_response": 0.3},
    "repeat": {"duplicate": 0.5, "reorder": 0.5, "redeliver": 0.5},
    "slow": {"slow": 0.5, "slow_seconds": 2.0},
    "silence": {"timeout": 0.5, "timeout_seconds": 2.0},
}
"""The sandbox's settings for each kind of a plan's misfortunes that can befall LINE."""


class LineSide:
    """Several misfortunes may come over it at once: of two shares the larger one holds."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._all_day: dict[str, Any] = {}
        self._now: list[str] = []

    async def all_day(self, **faults: Any) -> None:
        """From now on it is like this, a `seed` for the dice included."""
        self._all_day = faults
        await self._put(faults.get("seed"))

    @asynccontextmanager
    async def befallen(self, kind: str) -> AsyncIterator[None]:
        """Meanwhile this comes on top."""
        self._now.append(kind)
        try:
            await self._put()
            yield
        finally:
            self._now.remove(kind)
            await self._put()

    def _faults(self) -> dict[str, Any]:
        found = dict(self._all_day)
        for kind in self._now:
            for name, value in FAULTS[kind].items():
                found[name] = max(value, found.get(name, 0.0))
        return found

    async def _put(self, seed: int | None = None) -> None:
        """A seed starts the dice anew; without one they go on."""
        async with rush.client() as session:
            await rush.set_faults(session, self._stack, **self._faults() | {"seed": seed})
