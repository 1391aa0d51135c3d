"""Logs by the month: made ahead, dropped whole, and nothing refused or told twice meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from deploy.doctor import waiting_checks
from services.points.nights.retention import BY_MONTH, RULES
from services.points.store import audit
from services.points.store.audit import Wanted
from shared import clock, ids, months, pruning
from shared.db import open_pool
from shared.events import StaffActed
from tests.conftest import Database

[LOG] = BY_MONTH


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Any]:
    """The log of a shop that has just been migrated."""
    pool = await open_pool(database.url("points"), schema="points", size=4)
    yield pool
    await pool.execute("DELETE FROM audit_log")
    for name in await partitions(pool):
        if name not in {"before", "rest"}:
            await pool.execute(f"DROP TABLE audit_log_{name}")
    await pool.close()


def acted(at: datetime, target: str = "member:1") -> tuple[Any, StaffActed]:
    staff = ids.new_id()
    act = StaffActed(staff, staff, "owner", at=at, service="points", act="PUT /x", target=target)
    return ids.new_id(), act


async def write(pool: Any, *acts: tuple[Any, StaffActed]) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await audit.add(connection, acts)


async def partitions(pool: Any) -> dict[str, int]:
    """The rows of each part of the log."""
    rows = await pool.fetch(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits"
        " WHERE inhparent = 'audit_log'::regclass ORDER BY 1"
    )
    return {
        row["name"].removeprefix("audit_log_"): await pool.fetchval(
            f"SELECT count(*) FROM {row['name']}"
        )
        for row in rows
    }


def month(now: datetime, later: int) -> str:
    return f"{months.first(now, later):%Y_%m}"


async def test_months_are_made_ahead_and_dropped_when_they_are_over(pool: Any) -> None:
    now = clock.now()
    assert set(await partitions(pool)) == {"before", "rest"}
    assert await months.ahead(pool, LOG.table, now) >= months.ENOUGH, "what there was reaches far"
    year = now + timedelta(days=365)
    await months.keep(pool, BY_MONTH, year)
    await months.keep(pool, BY_MONTH, year)
    made = [month(year, later) for later in range(4)]
    assert set(await partitions(pool)) == {"before", "rest", *made}
    assert await months.ahead(pool, LOG.table, year) == 3
    first = months.first(year)
    last = months.first(year, 1) - timedelta(microseconds=1)
    await write(pool, acted(now), acted(first), acted(last), acted(first + timedelta(days=900)))
    assert (await partitions(pool))[made[0]] == 2
    assert (await partitions(pool))["rest"] == (await partitions(pool))["before"] == 1
    over = months.first(year, 1) + LOG.kept
    await months.keep(pool, BY_MONTH, over - timedelta(seconds=1))
    assert (await partitions(pool))[made[0]] == 2
    with capture_logs() as said:
        await months.keep(pool, BY_MONTH, over)
    dropped = [each for each in said if each["event"] == "a month of a log dropped"]
    assert [(each["month"], each["rows"]) for each in dropped] == [(f"{year:%Y-%m}", 2)]
    assert made[0] not in await partitions(pool)
    assert made[1] in await partitions(pool)


async def test_what_has_no_month_is_kept_moved_into_it_and_goes_in_the_end(pool: Any) -> None:
    late = clock.now() + timedelta(days=400)
    await write(pool, acted(late), acted(clock.now()))
    assert (await partitions(pool))["rest"] == 1
    assert (await waiting_checks._months(pool, late)).state == "bad"
    await months.keep(pool, BY_MONTH, late)
    assert (await partitions(pool))["rest"] == 0
    assert (await partitions(pool))[month(late, 0)] == 1
    assert (await waiting_checks._months(pool, late)).state == "good"
    [rule] = [each for each in RULES if each.what == LOG.table]
    old = clock.now() + rule.kept + timedelta(minutes=1)
    await months.keep(pool, BY_MONTH, old)
    assert await pruning.prune(pool, [rule], old) == {LOG.table: 1}
    assert sum((await partitions(pool)).values()) == 1


async def test_an_act_told_twice_stands_once_and_pages_cross_months(pool: Any) -> None:
    now = datetime(2031, 5, 20, tzinfo=UTC)
    await months.keep(pool, BY_MONTH, now)
    acts = [acted(now + timedelta(days=9 * n)) for n in range(12)]
    await write(pool, *acts)
    await write(pool, *acts)
    assert len([rows for rows in (await partitions(pool)).values() if rows]) >= 4
    found: list[Any] = []
    async with pool.acquire() as connection:
        while page := await audit.newest(
            connection, Wanted(target="member"), found[-1] if found else None, 5
        ):
            found += [each.id for each in page]
    assert found == [id for id, _ in reversed(acts)]


async def test_a_log_in_use_is_left_to_the_next_hour_and_nobody_makes_a_month_twice(
    pool: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(months, "LOCK_SECONDS", 0.05)
    later = clock.now() + timedelta(days=365)
    async with pool.acquire() as reader, reader.transaction():
        await reader.execute("LOCK TABLE audit_log IN SHARE MODE")
        await months.keep(pool, BY_MONTH, later)
    assert set(await partitions(pool)) == {"before", "rest"}
    await asyncio.gather(*(months.keep(pool, BY_MONTH, later) for _ in range(3)))
    await months.keep(pool, BY_MONTH, later)
    assert len(await partitions(pool)) == 6


async def test_no_row_lies_in_a_month_that_is_not_its_own(pool: Any) -> None:
    now = clock.now() + timedelta(days=365)
    await months.keep(pool, BY_MONTH, now)
    with pytest.raises(asyncpg.CheckViolationError):
        await pool.execute(
            f"INSERT INTO audit_log_{month(now, 1)} (id, at, staff_id, role, service, act)"
            " VALUES ($1, $2, $1, 'owner', 'points', 'x')",
            ids.new_id(),
            now,
        )
