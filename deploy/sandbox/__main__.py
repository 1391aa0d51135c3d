"""`python -m deploy.sandbox`: the sandbox as a process of its own, until SIGTERM or SIGINT."""

import asyncio
import signal

import uvloop

from deploy.sandbox.server import running
from deploy.sandbox.settings import SandboxSettings
from shared import clock, collector, logs
from shared.settings import load

log = logs.logger(__name__)


async def serve(settings: SandboxSettings) -> None:
    """Serve until told to stop. Nothing is kept."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with running(settings, clock.now) as started:
        log.info("started", port=started.port)
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([started.serving, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
    log.info("stopped")


def main() -> None:
    settings = load(SandboxSettings)
    logs.configure("sandbox", settings.log_level, settings.log_format)
    collector.spare()
    uvloop.run(serve(settings))


if __name__ == "__main__":
    main()
