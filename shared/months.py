"""Logs that are kept by the month: partitions of PostgreSQL, made ahead of time and dropped whole.

Only for logs that are read by time and on which nothing rests but what a row's own moment fixes
(decision 29). A migration makes such a table, partitioned by the range of a time, with
`<table>_before`, which is what there was until then, and the default `<table>_rest`, which takes
whatever has no month: no row is ever refused, however late this comes. Months are UTC's, and called
`<table>_2027_02`. Dropping takes no more than a moment; deleting the same rows one by one writes
each of them, and every index, once more.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import asyncpg
from prometheus_client import Gauge

from shared import logs
from shared.bus.handling import Connection
from shared.db import Pool

log = logs.logger(__name__)

AHEAD = 3
"""How many months after the present one are made."""

ENOUGH = 2
"""With fewer ahead, whoever makes them does not run: there is a month to find out."""

LOCK_SECONDS = 2
"""How long to wait for the table, and so to keep others waiting; then the next hour does it."""

_ahead = Gauge(
    "tamaru_log_ahead_months",
    "Months after the present one for which a log has a partition.",
    ["table"],
)

_MAY_WORK = "SELECT pg_try_advisory_xact_lock(hashtext('months'), hashtext($1))"
_PARTITIONS = """
SELECT c.relname AS name,
    substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \\(''([^'']+)''\\)')::timestamptz AS until
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = $1::text::regclass
"""
_MAKE = """
CREATE TABLE {month} (LIKE {table} INCLUDING ALL);
WITH late AS (
    DELETE FROM {table}_rest WHERE {column} >= '{first}' AND {column} < '{until}' RETURNING *
)
INSERT INTO {month} SELECT * FROM late;
ALTER TABLE {table} ATTACH PARTITION {month} FOR VALUES FROM ('{first}') TO ('{until}')
"""
_ROWS = "SELECT count(*) FROM {month}"
_DROP = "DROP TABLE {month}"


class Log(NamedTuple):
    """A table partitioned by the months of `column`. A month is dropped when it has been over for
    as long as rows are kept."""

    table: str
    column: str
    kept: timedelta


async def keep(pool: "Pool[Any]", each: Sequence[Log], now: datetime) -> None:
    """Make the months that come, drop those that are over. What cannot have its lock within two
    seconds, because the table is in use, is left to the next time."""
    for one in each:
        for month in await _missing(pool, one, now):
            await _patiently(pool, one, _make, month)
        for month in await _over(pool, one, now):
            await _patiently(pool, one, _drop, month)
        _ahead.labels(one.table).set(await ahead(pool, one.table, now))


async def ahead(connection: Any, table: str, now: datetime) -> int:
    """For how many whole months after the present one rows have their place. `connection` may be a
    pool."""
    rows = await connection.fetch(_PARTITIONS, table)
    last = max(row["until"] for row in rows if row["until"])
    return max(0, _number(last) - _number(now) - 1)


def name(table: str, month: datetime) -> str:
    """What the month's partition is called."""
    return f"{table}_{month:%Y_%m}"


def first(moment: datetime, later: int = 0) -> datetime:
    """When the month of a moment began, or the one so many months later."""
    year, month = divmod(_number(moment) + later, 12)
    return datetime(year, month + 1, 1, tzinfo=UTC)


def _number(moment: datetime) -> int:
    there = moment.astimezone(UTC)
    return there.year * 12 + there.month - 1


async def _missing(pool: "Pool[Any]", one: Log, now: datetime) -> list[datetime]:
    there = {row["name"]: row["until"] for row in await pool.fetch(_PARTITIONS, one.table)}
    begin = there[f"{one.table}_before"]
    months = (first(now, later) for later in range(AHEAD + 1))
    return [each for each in months if each >= begin and name(one.table, each) not in there]


async def _over(pool: "Pool[Any]", one: Log, now: datetime) -> list[datetime]:
    rows = await pool.fetch(_PARTITIONS, one.table)
    is_month = re.compile(rf"{one.table}_\d{{4}}_\d\d").fullmatch
    ends = (row["until"] for row in rows if is_month(row["name"]))
    return sorted(first(end, -1) for end in ends if end <= now - one.kept)


async def _patiently(pool: "Pool[Any]", one: Log, act: Any, month: datetime) -> None:
    """In a transaction of its own, if nobody else is at it."""
    try:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
            if await connection.fetchval(_MAY_WORK, one.table):
                await act(connection, one, month)
    except (asyncpg.LockNotAvailableError, asyncpg.CheckViolationError) as problem:
        what = type(problem).__name__
        log.info("a log's month waits for the next hour", table=one.table, problem=what)


async def _make(connection: Connection, one: Log, month: datetime) -> None:
    """Late rows that have found no month are moved into it."""
    if await _is_there(connection, one, month):
        return
    words = {"first": month.isoformat(), "until": first(month, 1).isoformat()}
    made = name(one.table, month)
    await connection.execute(_MAKE.format(table=one.table, column=one.column, month=made, **words))


async def _drop(connection: Connection, one: Log, month: datetime) -> None:
    if not await _is_there(connection, one, month):
        return
    gone = name(one.table, month)
    rows = await connection.fetchval(_ROWS.format(month=gone))
    await connection.execute(_DROP.format(month=gone))
    log.info("a month of a log dropped", table=one.table, month=f"{month:%Y-%m}", rows=rows)


async def _is_there(connection: Connection, one: Log, month: datetime) -> bool:
    rows = await connection.fetch(_PARTITIONS, one.table)
    return name(one.table, month) in {row["name"] for row in rows}
