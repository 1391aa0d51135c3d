"""Waiting for the migrations: new processes start only on a database that they know.

Where one thing starts after another (compose) nobody waits. In Kubernetes everything starts at
once, and each pod of a new version waits here while those of the old one go on working.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

from deploy.backup import unfinished
from shared.db import UNREACHABLE
from shared.migrate import missing

LOOK_SECONDS = 1.0


async def wait(
    url: str, service: str, migrations: Path, seconds: float, tell: Callable[[str], None]
) -> bool:
    """Whether all of the service's migrations were there within so many seconds. Says what is
    missing, again whenever that changes."""
    told = ""
    try:
        async with asyncio.timeout(seconds):
            while state := await _state(url, service, migrations):
                if state != told:
                    tell(state)
                told = state
                await asyncio.sleep(LOOK_SECONDS)
    except TimeoutError:
        tell(f"gave up after {seconds:.0f} s: run `tamaru migrate` of this version")
        return False
    tell(f"the schema {service} is up to date")
    return True


async def _state(url: str, service: str, migrations: Path) -> str:
    """What is missing, in words; empty when nothing is."""
    try:
        left = await missing(url, service, migrations)
        if not left and await unfinished.look(url):
            return unfinished.TOLD
    except UNREACHABLE as problem:
        return f"the database does not answer: {type(problem).__name__}"
    return f"waiting for {len(left)} migrations from {left[0]} on" if left else ""
