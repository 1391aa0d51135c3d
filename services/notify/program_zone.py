"""The program's time zone in memory: months turn in it and times are told in it.

It comes with `program.published`.
"""

from typing import Any
from zoneinfo import ZoneInfo

import asyncpg

from services.notify.errors import UnknownZone
from services.notify.looked_up import LookedUp
from services.notify.store import program as store_program
from shared.bus.handling import Connection

DEFAULT_ZONE = "Asia/Tokyo"
"""Until the first program is published."""


def zone_named(name: str) -> ZoneInfo:
    """The zone of this IANA name. Raises UnknownZone."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as problem:
        raise UnknownZone(f"unknown time zone {name!r}") from problem


class ProgramZone(LookedUp[ZoneInfo]):
    """`now` is the zone in force."""

    what = "time zone"

    def __init__(self) -> None:
        super().__init__(zone_named(DEFAULT_ZONE))

    async def read(self, connection: "Connection | asyncpg.Pool[Any]") -> ZoneInfo:
        """The zone of the version in force."""
        return zone_named(await store_program.time_zone(connection) or DEFAULT_ZONE)
