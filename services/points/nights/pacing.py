"""The pace of work over everybody: it has time, and those at the till do not."""

import asyncio
from collections.abc import Awaitable

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
