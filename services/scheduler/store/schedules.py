"""Schedules, the moments that have fired, and the program's zone. Rows are locked in the order of
their keys; nobody here commits."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from shared.bus.handling import Connection

_EVERY = """
SELECT name, cron, coalesce(time_zone, (SELECT time_zone FROM program), $1) AS time_zone,
    catch_up, checked_until, paused_at, time_zone AS own_zone
FROM schedules ORDER BY name
"""
_LAST = """
SELECT s.name, t.due_at, t.fired_at, t.asked_by
FROM schedules s CROSS JOIN LATERAL (
    SELECT due_at, fired_at, asked_by FROM ticks WHERE schedule = s.name
    ORDER BY due_at DESC LIMIT 1
) t
"""
_RUNS = """
SELECT schedule AS name, due_at, fired_at, asked_by FROM ticks
WHERE schedule = $1 AND due_at < $2 ORDER BY due_at DESC LIMIT $3
"""
_BEGIN = "UPDATE schedules SET checked_until = $1 WHERE checked_until IS NULL"
_LOCK = "SELECT 1 FROM schedules ORDER BY name FOR UPDATE"
_ADVANCE = "UPDATE schedules SET checked_until = $2 WHERE name = $1"
_TICK = """
INSERT INTO ticks (schedule, due_at, fired_at, asked_by)
SELECT $1, due_at, $3, $4 FROM unnest($2::timestamptz[]) AS due_at
ORDER BY due_at ON CONFLICT (schedule, due_at) DO NOTHING RETURNING due_at
"""
_PAUSE = "UPDATE schedules SET paused_at = $2 WHERE name = $1 AND paused_at IS NULL"
_RESUME = """
UPDATE schedules SET paused_at = NULL, checked_until = greatest(checked_until, $2)
WHERE name = $1 AND paused_at IS NOT NULL
"""
_CHANGE = """
UPDATE schedules SET cron = $2, time_zone = $3, catch_up = $4,
    checked_until = greatest(checked_until, $5)
WHERE name = $1
"""
_ZONE = "SELECT coalesce((SELECT time_zone FROM program), $1)"
_PUBLISH = """
INSERT INTO program (version, effective_from, time_zone) VALUES ($1, $2, $3)
ON CONFLICT (only_row) DO UPDATE SET version = $1, effective_from = $2, time_zone = $3
WHERE (program.effective_from, program.version) < ($2, $1)
"""
_SKIP = """
UPDATE schedules SET checked_until = $1 WHERE time_zone IS NULL AND checked_until < $1
"""
PRUNE_TICKS = """
DELETE FROM ticks WHERE (schedule, due_at) IN (
    SELECT schedule, due_at FROM ticks WHERE fired_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
)
"""


class Schedule(msgspec.Struct, frozen=True):
    """A recurring schedule, with the zone that it is read in now; `own_zone` is None when that is
    the program's."""

    name: str
    cron: str
    time_zone: str
    catch_up: int
    checked_until: datetime | None
    paused_at: datetime | None = None
    own_zone: str | None = None


class Run(msgspec.Struct, frozen=True):
    """A moment of a schedule that fired; `asked_by` is who wanted it, None if it came due."""

    name: str
    due_at: datetime
    fired_at: datetime
    asked_by: str | None


async def every(connection: Connection, default_zone: str) -> list[Schedule]:
    """All schedules as they are; `default_zone` holds until a program was published."""
    return [Schedule(**row) for row in await connection.fetch(_EVERY, default_zone)]


async def lock(connection: Connection, default_zone: str, now: datetime) -> list[Schedule]:
    """The same, for this transaction alone to fire. One never looked at begins `now`."""
    await connection.execute(_LOCK)
    await connection.execute(_BEGIN, now)
    return await every(connection, default_zone)


async def record(
    connection: Connection,
    schedule: str,
    due: Sequence[datetime],
    now: datetime,
    asked_by: str | None = None,
) -> list[datetime]:
    """Record that these moments fire; returns those that had not fired before, oldest first."""
    rows = await connection.fetch(_TICK, schedule, list(due), now, asked_by)
    return sorted(row["due_at"] for row in rows)


async def advance(connection: Connection, schedule: str, until: datetime) -> None:
    """Note that moments up to `until` are done with, under the lock and later than before."""
    await connection.execute(_ADVANCE, schedule, until)


async def last_runs(connection: Connection) -> dict[str, Run]:
    """The latest run of each schedule that ever ran."""
    return {row["name"]: Run(**row) for row in await connection.fetch(_LAST)}


async def runs(connection: Connection, name: str, before: datetime, limit: int) -> list[Run]:
    """Runs of a schedule, newest first."""
    return [Run(**row) for row in await connection.fetch(_RUNS, name, before, limit)]


async def pause(connection: Connection, name: str, now: datetime) -> bool:
    """Let a schedule fire nothing; false if it was paused already."""
    return await connection.execute(_PAUSE, name, now) == "UPDATE 1"


async def resume(connection: Connection, name: str, now: datetime) -> bool:
    """Let it fire what comes due from now on; false if it was not paused."""
    return await connection.execute(_RESUME, name, now) == "UPDATE 1"


async def change(
    connection: Connection,
    name: str,
    *,
    cron: str,
    time_zone: str | None,
    catch_up: int,
    now: datetime,
) -> None:
    """Give a schedule other times; what those would have made due before `now` is passed over."""
    await connection.execute(_CHANGE, name, cron, time_zone, catch_up, now)


async def program_zone(connection: Connection, default_zone: str) -> str:
    """The program's time zone."""
    zone: str = await connection.fetchval(_ZONE, default_zone)
    return zone


async def publish_program(
    connection: Connection, version: int, effective_from: datetime, time_zone: str
) -> None:
    """Keep the zone of the version that started last (a higher number may have started before);
    what is heard late of an earlier one changes nothing."""
    await connection.execute(_PUBLISH, version, effective_from, time_zone)


async def skip_to(connection: Connection, now: datetime) -> None:
    """Pass over, in schedules that follow the program's zone, what came due before `now`."""
    await connection.execute(_SKIP, now)
