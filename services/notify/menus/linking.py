"""Bringing what LINE was told into line with what people should have, up to 500 people a call.

Linking twice is as linking once, so a crash or an unknown outcome needs no more than the same call
again. People are taken under a lease: any number of processes may do this at the same time.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from services.notify.menus.client import LineRefused, LineUnavailable, MenuClient
from services.notify.menus.wanted import DEFAULT
from services.notify.store import menu_links as store
from services.notify.store import menus as store_menus
from shared import clock, logs
from shared.db import CONFLICTS, UNREACHABLE, Pool

log = logs.logger(__name__)

POLL_SECONDS = 1.0
LEASE = timedelta(seconds=60)
"""Longer than a call that is given up, and those that follow when it is halved."""

FIRST_DELAY = timedelta(seconds=1)
LONGEST_DELAY = timedelta(minutes=5)
LOCKED_OUT_DELAY = timedelta(minutes=1)


class Linker:
    """Links people as they are due."""

    def __init__(self, pool: "Pool[Any]", line: MenuClient) -> None:
        self._pool = pool
        self._line = line
        self._pause = timedelta()

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            try:
                worked = await self.step()
            except (*UNREACHABLE, *CONFLICTS) as problem:
                log.warning("menus not linked", problem=type(problem).__name__)
                worked = False
            if not worked:
                await asyncio.sleep(max(POLL_SECONDS, self._pause.total_seconds()))

    async def step(self) -> bool:
        """One call for each menu that somebody is due for; false if there was nothing to do, or
        LINE is to be left alone for a while."""
        worked = False
        for wanted, line_id in await self._targets():
            now = clock.now()
            users = await store.claim(self._pool, wanted, now, now + LEASE)
            if users:
                worked = True
                if not await self._tell(users, wanted, line_id):
                    return False
        return worked

    async def _targets(self) -> list[tuple[str, str]]:
        menus = await store_menus.every(self._pool)
        ready = [(menu.name, menu.line_id) for menu in menus if menu.line_id is not None]
        return [(DEFAULT, ""), *ready]

    async def _tell(self, users: Sequence[str], wanted: str, line_id: str) -> bool:
        """Tell LINE; false if it is to be left alone."""
        try:
            if line_id:
                await self._line.link(line_id, users)
            else:
                await self._line.unlink(users)
        except LineUnavailable as problem:
            await self._wait(users, problem)
            return False
        except LineRefused as refusal:
            return await self._refused(users, wanted, line_id, refusal)
        self._pause = timedelta()
        async with self._pool.acquire() as connection, connection.transaction():
            await store.done(connection, users, line_id, wanted, clock.now())
        return True

    async def _refused(
        self, users: Sequence[str], wanted: str, line_id: str, refusal: LineRefused
    ) -> bool:
        """Find out whether it is the menu or somebody among these users."""
        try:
            if line_id and not await self._line.exists(line_id):
                return await self._lost(users, line_id)
        except LineUnavailable as problem:
            await self._wait(users, problem)
            return False
        if len(users) == 1:
            log.warning("LINE refuses to link a menu", menu=wanted, problem=refusal.message)
            async with self._pool.acquire() as connection, connection.transaction():
                await store.refused(connection, users, str(refusal))
            return True
        half = len(users) // 2
        first = await self._tell(users[:half], wanted, line_id)
        return await self._tell(users[half:], wanted, line_id) and first

    async def _lost(self, users: Sequence[str], line_id: str) -> bool:
        """Somebody deleted the menu at LINE: it is made anew, and these are linked then."""
        log.warning("a menu is not at LINE any more", line_id=line_id)
        async with self._pool.acquire() as connection, connection.transaction():
            await store_menus.lost(connection, line_id)
            await store.later(connection, users, clock.now())
            await store_menus.ask(connection)
        return True

    async def _wait(self, users: Sequence[str], problem: LineUnavailable) -> None:
        self._pause = min(max(self._pause * 2, FIRST_DELAY), LONGEST_DELAY)
        if problem.locked_out:
            log.error("LINE does not take the access token", problem=str(problem))
            self._pause = LOCKED_OUT_DELAY
        await store.later(self._pool, users, clock.now() + self._pause)
