"""The services that make and send messages, in this process, under a clock that jumps.

Real consumers on a real broker and database, as each process wires them. Time stands still until
everything that was said has been handled and everything that is due has been sent; then it jumps.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest
from prometheus_client import REGISTRY

from services.notify import __main__ as notify
from services.notify.sending import poller, progress
from services.notify.settings import NotifySettings
from services.points import __main__ as points
from services.points.nights import night, pacing
from services.points.settings import PersonalSettings
from services.scheduler import __main__ as scheduler
from services.scheduler.settings import WorkerSettings
from services.scheduler.ticking import Ticker
from shared import clock, envelope
from shared.bus.bus import Bus
from shared.bus.publisher import Publisher
from shared.bus.topology import SUBSCRIPTIONS
from shared.db import Pool, open_pool
from shared.events import Event
from shared.outbox import Relay
from shared.process import Process, Setup
from shared.settings import ProcessSettings
from tests import tables

DEADLINE = 120.0
PAUSE = 0.01
READ = ("points.awards", "points.members", "points.ranks", "points.chat", "scheduler.items",
        "notify.messages", "notify.line")  # fmt: skip
"""The queues that are read here; the rest keep what they get."""

Part = tuple[str, str, Setup, ProcessSettings]


class House:
    """All of it, running."""

    def __init__(self, pools: dict[str, "Pool[Any]"], processes: dict[str, Process]) -> None:
        self.pools = pools
        self._processes = processes
        self._ticker = Ticker(pools["scheduler"], processes["scheduler"].relay)
        self._published: Counter[str] = Counter()
        self._before = {purpose: _handled(purpose) for purpose in READ}

    def count_published(self, event_type: str, count: int) -> None:
        """So many events were taken by the broker."""
        self._published[event_type] += count

    async def tell(self, events: Sequence[Event[Any]]) -> None:
        """Publish events, as webhook does."""
        publish = self._processes["notify"].bus.publisher.publish
        await asyncio.gather(*(publish(event) for event in events))

    async def at(self, moment: datetime) -> None:
        """Make it that time, and let happen what comes of it."""
        clock.set_offset(timedelta())
        clock.set_offset(moment - clock.now())
        await self._ticker.round()
        await self.settle()

    async def settle(self) -> None:
        """Wait until everything that was said is handled, and what is due is sent."""
        deadline = time.monotonic() + DEADLINE
        while not await self._is_settled():
            assert time.monotonic() < deadline, await self._state()
            await asyncio.sleep(PAUSE)

    async def _is_settled(self) -> bool:
        if not self._is_handled():
            return False
        for service, pool in self.pools.items():
            if await pool.fetchval(BUSY[service], *_moment(service)):
                return False
        return self._is_handled()

    def _is_handled(self) -> bool:
        return all(
            _handled(purpose) - self._before[purpose]
            >= sum(self._published[event_type] for event_type in SUBSCRIPTIONS[purpose])
            for purpose in READ
        )

    async def _state(self) -> dict[str, Any]:
        handled = {purpose: _handled(purpose) - self._before[purpose] for purpose in READ}
        busy = {
            service: await pool.fetchval(BUSY[service], *_moment(service))
            for service, pool in self.pools.items()
        }
        return {"published": dict(self._published), "handled": handled, "busy": busy}


BUSY = {
    "points": """SELECT (SELECT count(*) FROM outbox)
        + (SELECT count(*) FROM nights WHERE finished_at IS NULL)
        + (SELECT count(*) FROM rank_runs WHERE finished_at IS NULL)""",
    "scheduler": "SELECT count(*) FROM outbox",
    "notify": """SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM deliveries
        WHERE status = 'waiting' AND (due_at <= $1 OR unknown_since IS NOT NULL)
            OR status = 'held' AND due_at <= $1 + interval '5 seconds')""",
}
"""How much a service still has to do now; what is held for a moment is asked for again soon."""


def _moment(service: str) -> tuple[datetime, ...]:
    return (clock.now(),) if service == "notify" else ()


def _handled(purpose: str) -> float:
    return REGISTRY.get_sample_value("tamaru_bus_events_total", {"queue": purpose}) or 0


@contextlib.asynccontextmanager
async def opened(
    servers: Any, database: Any, namespace: str, line_url: str, patch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    """The house on an empty database, as of whatever time it is."""
    quick(patch)
    common = {"amqp_url": servers.amqp_url, "bus_namespace": namespace, "log_level": "ERROR"}
    secret = "a key of the tests, 32 bytes long"
    keys = {"purchase_id_key": "another key of the tests", "qr_signing_key": secret}
    keys["personal_data_key"] = "a key of the tests for personal data"
    line = {"line_api_base": line_url, "line_channel_access_token": "token"}
    urls = {service: database.url(service) for service in ("points", "notify", "scheduler")}
    points_settings = PersonalSettings(database_url=urls["points"], **common, **keys)
    notify_settings = NotifySettings(
        database_url=urls["notify"], redis_url=servers.redis_url, **common, **line
    )
    scheduler_settings = WorkerSettings(database_url=urls["scheduler"], **common)
    parts: list[Part] = [
        ("points", "points", points.awards, points_settings),
        ("ranks", "points", points.ranks, points_settings),
        ("notify", "notify", notify.worker, notify_settings),
        ("scheduler", "scheduler", _items, scheduler_settings),
    ]
    async with contextlib.AsyncExitStack() as stack:
        pools = {service: await _pool(stack, urls[service], service) for service in urls}
        processes = {name: await _process(pools[service], name, setup, settings)
                     for name, service, setup, settings in parts}  # fmt: skip
        house = House(pools, processes)
        _listen(patch, house)
        await stack.enter_async_context(_running(processes.values()))
        yield house


async def _items(process: Process) -> None:
    """The scheduler without its clock: the house rounds."""
    await scheduler.worker(process)
    process._tasks.pop().close()


def quick(patch: pytest.MonkeyPatch) -> None:
    """Looks that a test can wait for; the rules stay."""
    patch.setattr(poller, "POLL_SECONDS", 0.02)
    patch.setattr(progress, "FIRST_DELAY", timedelta(milliseconds=5))
    patch.setattr(progress, "LONGEST_DELAY", timedelta(milliseconds=50))
    patch.setattr(night, "POLL_SECONDS", 0.05)
    patch.setattr(pacing, "REST", 0.0)


def _listen(patch: pytest.MonkeyPatch, house: House) -> None:
    """Count what leaves, so that it is known when all of it has been handled."""
    publish_group = Publisher.publish_group

    async def counted(self: Publisher, event_type: str, body: bytes) -> None:
        await publish_group(self, event_type, body)
        house.count_published(event_type, len(envelope.decode_group(event_type, body)[0]))

    patch.setattr(Publisher, "publish_group", counted)


async def _pool(stack: contextlib.AsyncExitStack, url: str, service: str) -> "Pool[Any]":
    pool = await open_pool(url, schema=service, size=8)
    stack.push_async_callback(pool.close)
    return pool


async def _process(
    pool: "Pool[Any]", name: str, setup: Setup, settings: ProcessSettings
) -> Process:
    bus = Bus(settings.amqp_url.get_secret_value(), settings.bus_namespace, name)
    process = Process(name, settings, bus, pool, Relay(pool, bus.publisher))
    await setup(process)
    return process


@contextlib.asynccontextmanager
async def _running(processes: Any) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work) for each in processes for work in each._tasks]
        buses = [group.create_task(each.bus.run()) for each in processes]
        await asyncio.gather(*(each.bus.wait_up() for each in processes))
        try:
            yield
        finally:
            for each in processes:
                await each.bus.stop()
                for act in each.on_stop:
                    await act()
                await each.relay.join()
            await asyncio.gather(*buses)
            for task in tasks:
                task.cancel()


async def empty(admin_url: str) -> None:
    """Nothing in any schema but what the migrations made, and no schedule was ever looked at."""
    await tables.empty(admin_url, "points", "notify", "scheduler")
    connection = await asyncpg.connect(admin_url)
    await connection.execute("UPDATE scheduler.schedules SET checked_until = NULL")
    await connection.close()
