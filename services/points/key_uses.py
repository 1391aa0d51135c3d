"""When keys were used last, so that their owner sees which are in use: kept in memory, written once
a minute at most. What a process that ended abruptly had not written is lost."""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.points.store import terminals as store
from shared import clock, logs
from shared.api_keys import Key
from shared.bus.handling import Connection
from shared.db import UNREACHABLE, Pool

WRITE_SECONDS = 60.0

log = logs.logger(__name__)


class KeyUses:
    """The uses of this process since it last wrote them."""

    def __init__(self) -> None:
        self._used: dict[UUID, datetime] = {}

    def note(self, keys: Iterable[UUID]) -> None:
        """These keys were used just now."""
        self._used.update(dict.fromkeys(keys, clock.now()))

    async def find(self, connection: Connection, key_hash: str) -> Key | None:
        """The holder of an active key, which counts as used."""
        key = await store.key(connection, key_hash)
        if key is not None:
            self.note([key.id])
        return key

    async def run(self, pool: "Pool[Any]") -> None:
        """Write what was used, once a minute, until cancelled."""
        while True:
            await asyncio.sleep(WRITE_SECONDS)
            try:
                await self.write(pool)
            except UNREACHABLE as problem:
                log.warning("uses of keys wait for the database", problem=repr(problem))

    async def write(self, pool: "Pool[Any]") -> None:
        """Write what was used; what cannot be written is kept for the next time."""
        used, self._used = self._used, {}
        if not used:
            return
        try:
            async with pool.acquire() as connection:
                await store.note_used(connection, used, timedelta(seconds=WRITE_SECONDS / 2))
        except BaseException:
            self._used = used | self._used
            raise
