"""What stands for one of the product's processes in a benchmark: its work until it is told to stop,
and the memory it took."""

import asyncio
import resource
import signal
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

import uvloop

from shared import collector, logs, outbox
from shared.bus.bus import Bus

if TYPE_CHECKING:
    from asyncpg import Pool


async def until_told(
    bus: Bus, pool: "Pool[Any]", relay: outbox.Relay, *works: Coroutine[Any, Any, None]
) -> None:
    """Say `ready`, work until SIGTERM or until one of the works ends; then the most memory, MiB."""
    running = asyncio.create_task(bus.run())
    await bus.wait_up()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    tasks = [asyncio.create_task(work) for work in works]
    print("ready", flush=True)
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        if task.done():
            await task  # raises what ended it
        task.cancel()
    await relay.join()
    await bus.stop()
    await running
    await pool.close()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main(name: str, work: Coroutine[Any, Any, None]) -> None:
    """Run it as a process of its own."""
    logs.configure(name, "WARNING", "console")
    collector.spare()
    uvloop.run(work)
