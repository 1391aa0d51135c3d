"""Two real worker processes: what they are told over the bus, they fire once; SIGTERM ends them."""

import asyncio
import os
import signal
import socket
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta

import aio_pika
import aiohttp
import msgspec
import pytest

from shared import clock
from shared.events import ProgramPublished, ScheduleCancelled, ScheduleRequested, new_event

NIGHT = datetime(2026, 5, 10, 18, 30, tzinfo=UTC)
DEADLINE = 30


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def until(condition) -> None:
    async with asyncio.timeout(DEADLINE):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.05)


@asynccontextmanager
async def worker(environment: dict[str, str]):
    """A worker that is ready; ended by SIGTERM, and that must end well."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.scheduler", "worker"),
        env=os.environ | environment | {"HTTP_HOST": "127.0.0.1", "HTTP_PORT": str(port)},
        stdout=asyncio.subprocess.DEVNULL,
    )

    async def ready() -> bool:
        assert process.returncode is None
        try:
            async with (
                aiohttp.ClientSession() as http,
                http.get(f"http://127.0.0.1:{port}/readyz") as answer,
            ):
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    try:
        await until(ready)
        yield
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), DEADLINE) == 0


@pytest.fixture
async def environment(servers, scheduler_database, pool, namespace, set_clock) -> dict[str, str]:
    """It is a minute past half past three, and nobody has looked since half past two."""
    seconds = (NIGHT + timedelta(minutes=1) - clock.now()).total_seconds()
    set_clock(NIGHT + timedelta(minutes=1))
    await pool.execute("UPDATE schedules SET checked_until = $1", NIGHT - timedelta(hours=1))
    return {
        "DATABASE_URL": scheduler_database,
        "AMQP_URL": servers.amqp_url,
        "BUS_NAMESPACE": namespace,
        "CLOCK_OFFSET_SECONDS": str(seconds),
    }


async def test_two_workers_fire_each_once(environment, pool, bus):
    seen: list[dict] = []
    async with (
        await aio_pika.connect(environment["AMQP_URL"]) as connection,
        AsyncExitStack() as stack,
    ):
        channel = await connection.channel()
        queue = await channel.declare_queue(exclusive=True)
        for event_type in ("schedule.ticked.v1", "schedule.cancelled.v1"):
            await queue.bind(bus.names.events, event_type)

        async def collect(message) -> None:
            # The outbox publishes at least once: a reader knows an event by its id.
            known = {event["id"] for event in seen}
            seen.extend(
                event for event in msgspec.json.decode(message.body) if event["id"] not in known
            )

        await queue.consume(collect, no_ack=True)
        await asyncio.gather(
            stack.enter_async_context(worker(environment)),
            stack.enter_async_context(worker(environment)),
        )
        data = msgspec.Raw(msgspec.json.encode(ScheduleCancelled(key="told")))
        asked = new_event(
            "/test",
            ScheduleRequested("item", clock.now(), "schedule.cancelled.v1", data),
            subject="member",
        )
        for event in (asked, asked, new_event("/test", ProgramPublished(1, NIGHT, "UTC", "EUR"))):
            await bus.publisher.publish(event)

        async def all_seen() -> bool:
            zone = await pool.fetchval("SELECT time_zone FROM program")
            return zone == "UTC" and {event["type"] for event in seen} >= {
                "schedule.ticked.v1",
                "schedule.cancelled.v1",
            }

        await until(all_seen)
        await stack.aclose()
    assert sorted(event["type"] for event in seen) == [
        "schedule.cancelled.v1",
        "schedule.ticked.v1",
    ]
    tick = next(event for event in seen if event["type"] == "schedule.ticked.v1")
    assert tick["data"]["name"] == "nightly"
    assert datetime.fromisoformat(tick["data"]["due_at"]) == NIGHT
    item = next(event for event in seen if event["type"] == "schedule.cancelled.v1")
    assert item["data"] == {"key": "told"}
    assert (item["causationid"], item["subject"]) == (str(asked.id), "member")
    assert await pool.fetchval("SELECT count(*) FROM ticks") == 1
    assert await pool.fetchval("SELECT count(*) FROM outbox") == 0
    assert await pool.fetchval("SELECT count(*) FROM items") == 0
