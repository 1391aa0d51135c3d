"""The scheduler's processes: `python -m services.scheduler worker`."""

import sys

from services.scheduler import retention
from services.scheduler.handlers import HANDLERS
from services.scheduler.settings import WorkerSettings
from services.scheduler.ticking import Ticker
from shared import process, pruning
from shared.settings import load


async def worker(part: process.Process) -> None:
    """Fire what is due, and hear what other services register."""
    part.watch_database()
    part.bus.consume("scheduler.items", HANDLERS, part.pool, part.relay)
    part.task(part.relay.run())
    part.task(pruning.run(part.pool, retention.RULES))
    part.task(Ticker(part.pool, part.relay).run())


def main() -> None:
    """Run the process that the command line names."""
    if sys.argv[1:] != ["worker"]:
        raise SystemExit("usage: python -m services.scheduler worker")
    settings = load(WorkerSettings)
    process.run("scheduler-worker", settings, schema="scheduler", setup=worker)


if __name__ == "__main__":
    main()
