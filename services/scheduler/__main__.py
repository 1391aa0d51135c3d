"""The scheduler's processes: `python -m services.scheduler worker|web`."""

import sys

from services.scheduler import retention
from services.scheduler.handlers import HANDLERS
from services.scheduler.settings import SchedulerWebSettings, WorkerSettings
from services.scheduler.ticking import Ticker
from services.scheduler.web import app as web_app
from shared import api_keys, process, pruning
from shared.bus.watch import QueueWatch
from shared.process import Setup
from shared.settings import ProcessSettings, load
from shared.web import sessions


async def worker(part: process.Process) -> None:
    """Fire what is due, and hear what other services register."""
    part.watch_database()
    part.bus.consume("scheduler.items", HANDLERS, part.pool, part.relay)
    part.task(part.relay.run())
    part.task(pruning.run(part.pool, retention.RULES))
    part.task(Ticker(part.pool, part.relay).run())
    part.watch("queues", QueueWatch(part.bus).look)
    part.watch_outbox()


async def web(part: process.Process) -> None:
    """What is due, shown and steered over HTTP."""
    settings = part.settings
    assert isinstance(settings, SchedulerWebSettings)  # noqa: S101 - `main` loads these
    part.watch_database()
    handlers = api_keys.HANDLERS | sessions.HANDLERS
    part.bus.consume("scheduler.projections", handlers, part.pool, part.relay, use_inbox=False)
    web_app.build(part, settings)


PROCESSES: dict[str, tuple[Setup, type[ProcessSettings]]] = {
    "worker": (worker, WorkerSettings),
    "web": (web, SchedulerWebSettings),
}
"""Name → how it is set up, and its settings."""


def main() -> None:
    """Run the process that the command line names."""
    name = sys.argv[1] if len(sys.argv) == 2 else ""
    if name not in PROCESSES:
        raise SystemExit(f"usage: python -m services.scheduler {'|'.join(PROCESSES)}")
    setup, settings = PROCESSES[name]
    process.run(f"scheduler-{name}", load(settings), schema="scheduler", setup=setup)


if __name__ == "__main__":
    main()
