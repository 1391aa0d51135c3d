"""The pace of work over everybody: it has time, and those at the till do not."""

import asyncio
from collections.abc import Awaitable, Callable

from shared import logs
from shared.db import CONFLICTS, UNREACHABLE

log = logs.logger(__name__)

REST = 1.0
"""After a page, rest for this share of the time that it took: awards find the machine free for
half of the time, and a busy machine slows such work down by itself."""


async def paced(page: Awaitable[bool]) -> bool:
    """Do a page and rest; true when there are more."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    more = await page
    if more:
        await asyncio.sleep((loop.time() - began) * REST)
    return more


async def work(
    what: str, page: Callable[[], Awaitable[bool]], asked: asyncio.Event, poll_seconds: float
) -> None:
    """Do pages of `what` until cancelled: whenever it is `asked` for, and every so often; a page
    that met somebody is repeated, one that does not reach the database waits."""
    while True:
        try:
            while await paced(page()):
                pass
        except CONFLICTS as problem:
            log.info("a page met somebody and is repeated", of=what, problem=repr(problem))
            continue
        except UNREACHABLE as problem:
            log.warning("waits for the database", of=what, problem=repr(problem))
        asked.clear()
        try:
            await asyncio.wait_for(asked.wait(), poll_seconds)
        except TimeoutError:
            continue
