"""What notify knows of the program: the time zone of the version in force. Nothing here commits."""

from datetime import datetime
from typing import Any

import asyncpg

from shared.bus.handling import Connection

_PUBLISH = """
INSERT INTO program (version, effective_from, time_zone) VALUES ($1, $2, $3)
ON CONFLICT (only_row) DO UPDATE SET version = $1, effective_from = $2, time_zone = $3
WHERE (program.effective_from, program.version) < ($2, $1)
"""
_ZONE = "SELECT time_zone FROM program"


async def publish(
    connection: Connection, version: int, effective_from: datetime, time_zone: str
) -> None:
    """Keep the zone of the version that started last (a higher number may have started before);
    what is heard late of an earlier one changes nothing."""
    await connection.execute(_PUBLISH, version, effective_from, time_zone)


async def time_zone(connection: "Connection | asyncpg.Pool[Any]") -> str | None:
    """The program's time zone; None until one was published."""
    zone: str | None = await connection.fetchval(_ZONE)
    return zone
