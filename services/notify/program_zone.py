"""The program's time zone in memory: months turn in it and times are told in it.

It comes with `program.published`. Any replica may be the one that hears it, so each looks again now
and then; a new zone counts everywhere within seconds.
"""

import asyncio
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg

from services.notify.errors import UnknownZone
from services.notify.store import program as store_program
from shared import logs
from shared.bus.handling import Connection
from shared.db import UNREACHABLE, Pool

log = logs.logger(__name__)

DEFAULT_ZONE = "Asia/Tokyo"
"""Until the first program is published."""

LOOK_SECONDS = 5.0


def zone_named(name: str) -> ZoneInfo:
    """The zone of this IANA name. Raises UnknownZone."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as problem:
        raise UnknownZone(f"unknown time zone {name!r}") from problem


class ProgramZone:
    """`now` is the zone in force, as far as this process has heard."""

    def __init__(self) -> None:
        self.now = zone_named(DEFAULT_ZONE)
        self._looked = False

    async def ready(self, connection: Connection) -> ZoneInfo:
        """The zone in force; asks the database if nobody did yet."""
        if not self._looked:
            await self.look(connection)
        return self.now

    def forget(self) -> None:
        """The database has news: whoever needs the zone next asks it."""
        self._looked = False

    async def look(self, connection: "Connection | asyncpg.Pool[Any]") -> None:
        """Take over what the database holds."""
        self.now = zone_named(await store_program.time_zone(connection) or DEFAULT_ZONE)
        self._looked = True

    async def run(self, pool: "Pool[Any]") -> None:
        """Look again and again, until cancelled."""
        while True:
            try:
                await self.look(pool)
            except UNREACHABLE as problem:
                log.warning("time zone not looked up", problem=type(problem).__name__)
            await asyncio.sleep(LOOK_SECONDS)
