"""(d) Pushes a second of one notify process, against a bare aiohttp client.

Measures everything between `points.earned` events in the real queue and pushes received by a
stand-in: consuming, rendering, the deliveries' rows, LINE calls, results. Both clients push to the
same stand-in in the same run, the bare one before and after. The rate limit is set out of the way.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import aiohttp
import msgspec
import uvloop

from deploy.bench.at_once import nothing_waits
from deploy.bench.line_stub import Stats
from shared import ids
from shared.bus.bus import Bus
from shared.events import Event, PointsEarned, new_event

DEADLINE_SECONDS = 120
GROUP = 200
MEMBERS = 2000


class PushFigures(msgspec.Struct):
    """Pushes a second; `ratio` is notify's share of the bare client's mean. The CPU figures are
    microseconds a push of the client's process, start included: they hardly depend on what else
    the machine does."""

    notify: float
    bare_before: float
    bare_after: float
    notify_cpu: float
    bare_cpu: float
    pushes: int
    repeated: int

    @property
    def ratio(self) -> float:
        """Target: at least 0.6."""
        return self.notify / ((self.bare_before + self.bare_after) / 2)


async def measure(
    notify_database_url: str, amqp_url: str, redis_url: str, *, namespace: str, pushes: int = 20_000
) -> PushFigures:
    """Run the benchmark. The database has notify's schema, and the URL its role; the namespace is
    one that nothing else uses. Raises TimeoutError when not everything arrives."""
    async with program("deploy.bench.line_stub", stdout=True) as stub:
        base = f"http://127.0.0.1:{(await line(stub)).strip()}"
        await nothing_waits(notify_database_url)
        before, bare_cpu = await bare(base, pushes)
        await _publish(amqp_url, namespace, pushes)
        env = {
            "DATABASE_URL": notify_database_url,
            "AMQP_URL": amqp_url,
            "REDIS_URL": redis_url,
            "BUS_NAMESPACE": namespace,
            "HTTP_HOST": "127.0.0.1",
            "HTTP_PORT": "0",
            "LOG_LEVEL": "WARNING",
            "LINE_API_BASE": base,
            "LINE_CHANNEL_ACCESS_TOKEN": "token",
            "LINE_RATE_PER_SECOND": "1000000",
        }
        async with server(base) as stats:
            already = (await stats()).pushes
            async with program("services.notify", "worker", env=env) as notify:
                first, last = await arrivals(stats, already, pushes)
                cpu = cpu_seconds(notify.pid) / pushes * 1e6
            repeated = (await stats()).repeated_keys
        after, _ = await bare(base, pushes)
    rate = pushes / (last - first)
    return PushFigures(rate, before, after, cpu, bare_cpu, pushes, repeated)


async def _publish(amqp_url: str, namespace: str, count: int) -> None:
    """Put `count` events of many members into the queue, grouped as points groups them."""
    bus = Bus(amqp_url, namespace, "bench")
    running = asyncio.create_task(bus.run())
    await bus.wait_up()
    for start in range(0, count, GROUP):
        events = [_earned(number) for number in range(start, min(start + GROUP, count))]
        await asyncio.gather(*(bus.publisher.publish(event) for event in events))
    await bus.stop()
    await running


def _earned(number: int) -> Event[PointsEarned]:
    member = number % MEMBERS
    data = PointsEarned(
        member_id=UUID(int=member),
        entry_id=ids.new_id(),
        source="purchase",
        points=10,
        balance=1230 + number,
        occurred_at=datetime(2026, 1, 5, 3, 4, tzinfo=UTC),
        line_user_id=f"U{member:032x}",
        store="main",
        total=1000,
    )
    return new_event("/points", data, subject=str(member))


async def arrivals(stats: "_Stats", already: int, count: int) -> tuple[float, float]:
    """The moments of the first and the last push of notify."""
    first = 0.0
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            seen = await stats()
            if not first and seen.pushes > already:
                first = seen.last
                skipped = seen.pushes - already
            if seen.pushes - already >= count:
                # What came before the first look took no measured time: leave its share out.
                share = (seen.last - first) * skipped / max(1, count - skipped)
                return first - share, seen.last
            await asyncio.sleep(0.02)


class _Stats:
    """Asks the stand-in."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self._session = session
        self._url = f"{base}/stats"

    async def __call__(self) -> Stats:
        async with self._session.get(self._url) as response:
            return msgspec.json.decode(await response.read(), type=Stats)


@asynccontextmanager
async def server(base: str) -> AsyncIterator[_Stats]:
    """What asks the stand-in for its figures."""
    async with aiohttp.ClientSession() as session:
        yield _Stats(session, base)


async def bare(base: str, count: int, kind: str = "push") -> tuple[float, float]:
    """Calls (push or multicast) a second, and CPU microseconds a call."""
    async with program("deploy.bench.bare_pushes", base, str(count), kind, stdout=True) as client:
        rate, cpu = (await line(client)).split()
        return float(rate), float(cpu)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def line(running: asyncio.subprocess.Process) -> str:
    """The next line that a program prints."""
    assert running.stdout is not None  # noqa: S101 - it was asked for
    return (await asyncio.wait_for(running.stdout.readline(), DEADLINE_SECONDS)).decode()


@asynccontextmanager
async def program(
    module: str, *arguments: str, env: dict[str, str] | None = None, stdout: bool = False
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A Python program of ours for as long as the block lasts."""
    running = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        env={**os.environ, **(env or {})},
        stdout=asyncio.subprocess.PIPE if stdout else None,
    )
    try:
        yield running
    finally:
        if running.returncode is None:
            running.terminate()
        await running.wait()


def main(arguments: Sequence[str]) -> None:
    """`python -m deploy.bench.pushes DATABASE_URL AMQP_URL REDIS_URL NAMESPACE [PUSHES]`."""
    database, amqp, redis, namespace, *rest = arguments
    count = int(rest[0]) if rest else 20_000
    figures = uvloop.run(measure(database, amqp, redis, namespace=namespace, pushes=count))
    print(msgspec.json.encode(figures).decode(), f"ratio {figures.ratio:.2f}")


if __name__ == "__main__":
    main(sys.argv[1:])
