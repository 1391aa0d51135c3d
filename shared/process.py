"""The life of a process: settings → logs → pool → bus → tasks; SIGTERM → drain → close.

Every entry point runs through here. Any task that dies ends the process with an error, so that
whoever supervises it starts it again; nothing limps on.
"""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

import uvloop
from starlette.applications import Starlette
from starlette.types import ASGIApp

from shared import collector, logs, ops, tracing, watching
from shared.bus.bus import Bus
from shared.db import UNREACHABLE, Pool, open_pool
from shared.http_server import Server
from shared.outbox import Relay
from shared.outbox_watch import OutboxWatch
from shared.settings import ProcessSettings

DRAIN_SECONDS = 20
WATCH_SECONDS = 1.0
WATCH_TIMEOUT = 3.0

log = logs.logger(__name__)


class Process:
    """What `setup` gets to build a process from."""

    def __init__(
        self, name: str, settings: ProcessSettings, bus: Bus, pool: "Pool[Any]", relay: Relay
    ) -> None:
        self.name = name
        self.settings = settings
        self.bus = bus
        self.pool = pool
        self.relay = relay
        self.app: ASGIApp | None = None
        self.checks: dict[str, ops.Check] = {"broker": lambda: bus.up}
        self.on_stop: list[Callable[[], Awaitable[None]]] = []
        self._tasks: list[Coroutine[Any, Any, None]] = []

    def task(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` for as long as the process lives; it is cancelled at the end of the drain."""
        self._tasks.append(work)

    def watch(self, what: str, look: watching.Look, **options: float) -> None:
        """Look at `what` now and then, for metrics."""
        self.task(watching.run(what, look, **options))

    def watch_outbox(self) -> None:
        """Show the service's outbox in metrics; one process of a service does."""
        service = self.name.partition("-")[0]
        self.watch("outbox", OutboxWatch(self.pool, service).look)

    def watch_database(self) -> None:
        """Make readiness depend on the database answering."""
        answering = False

        async def watch() -> None:
            nonlocal answering
            while True:
                try:
                    await self.pool.fetchval("SELECT 1", timeout=WATCH_TIMEOUT)
                    answering = True
                except UNREACHABLE:
                    answering = False
                await asyncio.sleep(WATCH_SECONDS)

        self.checks["database"] = lambda: answering
        self.task(watch())


Setup = Callable[[Process], Awaitable[None]]


def run(
    name: str, settings: ProcessSettings, *, schema: str, setup: Setup, pool_size: int = 4
) -> None:
    """Run a process to its end. `setup` registers consumers, tasks, checks and the ASGI app.

    A process that emits events adds `process.relay.run()` to its tasks, so that its service's
    outbox is swept."""
    logs.configure(name, settings.log_level, settings.log_format)
    tracing.start(name)
    collector.spare()
    try:
        uvloop.run(_live(name, settings, schema, setup, pool_size))
    finally:
        tracing.stop()


async def _live(
    name: str, settings: ProcessSettings, schema: str, setup: Setup, pool_size: int
) -> None:
    stop = _stop_signal()
    database_url = settings.database_url.get_secret_value()
    async with _pool(database_url, schema, pool_size) as pool:
        bus = Bus(settings.amqp_url.get_secret_value(), settings.bus_namespace, name)
        process = Process(name, settings, bus, pool, Relay(pool, bus.publisher))
        await setup(process)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in process._tasks]
            running = group.create_task(bus.run())
            server = _server(process)
            serving = group.create_task(server.serve())
            log.info("started")
            await stop.wait()
            log.info("stopping")
            server.should_exit = True
            try:
                async with asyncio.timeout(DRAIN_SECONDS):
                    await serving
                    await bus.stop()
                    for act in process.on_stop:
                        await act()
                    await process.relay.join()
                    await running
            except TimeoutError:
                log.warning("not drained in time; what is left will be found again")
                running.cancel()
            for task in tasks:
                task.cancel()
    log.info("stopped")


def _server(process: Process) -> Server:
    app = process.app or Starlette(routes=ops.routes(process.checks))
    host, port = process.settings.http_host, process.settings.http_port
    return Server(app, host, port, DRAIN_SECONDS // 2)


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


@contextlib.asynccontextmanager
async def _pool(url: str, schema: str, size: int) -> AsyncIterator["Pool[Any]"]:
    pool = await open_pool(url, schema=schema, size=size)
    try:
        yield pool
    finally:
        with contextlib.suppress(*UNREACHABLE):
            await asyncio.wait_for(pool.close(), 5)
