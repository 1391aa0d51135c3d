"""A database with the scheduler's schema, and a namespace on the broker, for each module."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest

from shared import clock
from shared.bus.bus import Bus
from shared.db import Pool, open_pool
from tests import namespaces


@pytest.fixture(scope="module")
def scheduler_database(database) -> str:
    """The URL of a migrated database, as the scheduler's own role."""
    return database.url("scheduler")


@pytest.fixture
async def pool(scheduler_database: str) -> AsyncIterator[Pool]:
    """A pool on an empty schema: only the built-in schedule, never looked at."""
    pool = await open_pool(scheduler_database, schema="scheduler")
    await pool.execute(
        "TRUNCATE ticks, items, latest_words, program, inbox, outbox, hand_overs, acts, requests,"
        " api_keys;"
        "DELETE FROM schedules WHERE name <> 'nightly';"
        "UPDATE schedules SET checked_until = NULL, time_zone = NULL, catch_up = 1,"
        " paused_at = NULL, cron = '30 3 * * *'"
    )
    yield pool
    await pool.close()


@pytest.fixture
def set_clock() -> Iterator:
    """Put this process's clock to a moment; it goes on from there."""

    def put(moment) -> None:
        clock.set_offset(timedelta(0))
        clock.set_offset(moment - clock.now())

    yield put
    clock.set_offset(timedelta(0))


@pytest.fixture(scope="module")
def namespace(servers) -> Iterator[str]:
    """A namespace on the broker that is gone after the module's tests."""
    with namespaces.made(servers.amqp_url) as name:
        yield name


@pytest.fixture
async def bus(servers, namespace: str) -> AsyncIterator[Bus]:
    """A connected client that reads nothing."""
    bus = Bus(servers.amqp_url, namespace, "test")
    running = asyncio.create_task(bus.run())
    await asyncio.wait_for(bus.wait_up(), 30)
    yield bus
    await bus.stop()
    with contextlib.suppress(asyncio.CancelledError):
        await running
