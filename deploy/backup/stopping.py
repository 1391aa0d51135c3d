"""A command that is told to stop puts away what it has begun, and says so."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, `docker stop` or the cluster, a connection to the machine that is lost."""


class Stopped(Exception):
    """The work was told to stop, and is over."""


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to its end. The first signal to stop cancels the work; further ones are not heard, or
    they would break off what puts things away. Raises Stopped."""
    return asyncio.run(_run(work))


async def _run(work: Coroutine[Any, Any, T]) -> T:
    task, told = asyncio.ensure_future(work), list[signal.Signals]()

    def stop(which: signal.Signals) -> None:
        if not told:
            task.cancel()
        told.append(which)

    for each in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(each, stop, each)
    try:
        return await task
    except asyncio.CancelledError:
        if told:
            raise Stopped(f"told to stop by {told[0].name}") from None
        raise
