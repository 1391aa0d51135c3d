"""API keys and store codes in memory, so that a till is known without asking the database.

Kept fresh by polling one number; a key or store that is not known makes it look at once, so what
was created a moment ago works and what was made up costs one small query for all who ask together.
With the database down the last state stays in force.
"""

import asyncio
import hashlib
from collections.abc import Iterable
from typing import Any

from services.webhook import store
from services.webhook.store import ApiKey, Projection
from shared import clock, logs
from shared.db import UNREACHABLE, Pool

log = logs.logger(__name__)

POLL_SECONDS = 2.0
PAUSE_SECONDS = 0.1
"""Between two looks that somebody unknown made necessary: guessing keys is slow and cheap."""


class Keyring:
    """What is known of keys and stores, and how it is learnt."""

    def __init__(self, pool: "Pool[Any]") -> None:
        self._pool = pool
        self._known = Projection(-1, {}, frozenset())
        self._looking: asyncio.Task[None] | None = None
        self._answering = False
        self._next_look = 0.0

    @property
    def loaded(self) -> bool:
        """Whether keys were read at least once."""
        return self._known.version >= 0

    @property
    def database_answers(self) -> bool:
        """Whether the last look succeeded."""
        return self._answering

    def known(self, secret: bytes) -> ApiKey | None:
        """The active key with this secret, as far as is known."""
        key = self._known.keys.get(hashlib.sha256(secret).hexdigest())
        if key is not None and key.until is not None and key.until <= clock.now():
            return None
        return key

    async def learn(self, secret: bytes) -> ApiKey | None:
        """The active key with this secret after a look for news, or None."""
        await self.look()
        return self.known(secret)

    def has_store(self, code: str) -> bool:
        """Whether an active store has this code, as far as is known."""
        return code in self._known.stores

    async def learn_stores(self, codes: Iterable[str]) -> None:
        """Look for news if any of these stores is not known."""
        if not self._known.stores.issuperset(codes):
            await self.look()

    async def look(self) -> None:
        """Take over what changed; all who ask at the same time share one look."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_paced())
        await asyncio.shield(self._looking)

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await self._look()
            await asyncio.sleep(POLL_SECONDS)

    async def _look_paced(self) -> None:
        pause = self._next_look - asyncio.get_running_loop().time()
        if pause > 0:
            await asyncio.sleep(pause)
        await self._look()
        self._next_look = asyncio.get_running_loop().time() + PAUSE_SECONDS

    async def _look(self) -> None:
        try:
            if await store.read_version(self._pool) != self._known.version:
                self._known = await store.read_projection(self._pool)
            self._answering = True
        except UNREACHABLE as problem:
            if self._answering:
                log.warning("keys not refreshed; the last ones stay", problem=repr(problem))
            self._answering = False
