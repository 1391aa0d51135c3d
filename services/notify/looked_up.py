"""What the database holds, in a process's memory, looked up again and again.

For what anybody may change and everybody asks with every message: any replica may be the one that
hears of a change, so each looks again now and then; news counts everywhere within seconds.
"""

import asyncio
from typing import Any, Generic, TypeVar

import asyncpg

from shared import logs
from shared.bus.handling import Connection
from shared.db import UNREACHABLE, Pool

log = logs.logger(__name__)

LOOK_SECONDS = 5.0

Value = TypeVar("Value")


class LookedUp(Generic[Value]):
    """`now` is what counts, as far as this process has seen; `what` names it in the log."""

    what: str

    def __init__(self, until_looked: Value) -> None:
        self.now = until_looked
        self._looked = False

    async def read(self, connection: "Connection | asyncpg.Pool[Any]") -> Value:
        """What the database holds."""
        raise NotImplementedError

    async def ready(self, connection: Connection) -> Value:
        """What counts; asks the database if nobody did yet."""
        if not self._looked:
            await self.look(connection)
        return self.now

    def forget(self) -> None:
        """The database has news: whoever needs it next asks."""
        self._looked = False

    async def look(self, connection: "Connection | asyncpg.Pool[Any]") -> None:
        """Take over what the database holds."""
        self.now = await self.read(connection)
        self._looked = True

    async def run(self, pool: "Pool[Any]") -> None:
        """Look again and again, until cancelled."""
        while True:
            try:
                await self.look(pool)
            except UNREACHABLE as problem:
                log.warning("not looked up", what=self.what, problem=type(problem).__name__)
            await asyncio.sleep(LOOK_SECONDS)
