"""What stands in clear from before is locked away, page by page; data keys are locked away anew
while PERSONAL_DATA_KEY changes. It looks every few minutes, so that what a process of the version
before wrote is found as well; where there is nothing, an empty index says so.
"""

import asyncio
from typing import Any

from services.points.nights import pacing
from services.points.store import sealed
from services.points.store import sealing as store
from services.points.store.sealed import WrongKey
from shared import logs
from shared.db import Pool
from shared.sealing import Broken

PAGE = 200
LOOK_SECONDS = 300.0

log = logs.logger(__name__)


async def run(pool: "Pool[Any]") -> None:
    """Go on until cancelled."""
    await pacing.work("sealing", lambda: page(pool), asyncio.Event(), LOOK_SECONDS)


async def page(pool: "Pool[Any]") -> bool:
    """Do the next page; False when there is none, or it is not yet time."""
    try:
        async with pool.acquire() as connection, connection.transaction():
            if resealed := await sealed.reseal(connection, PAGE):
                log.info("data keys are sealed under the new PERSONAL_DATA_KEY", resealed=resealed)
                return True
            if not await sealed.begun(connection):
                return False
            done = await store.page(connection, PAGE)
    except (WrongKey, Broken) as problem:
        log.error("personal data is not sealed", problem=str(problem))
        return False
    if done:
        log.info("personal data from before is sealed", sealed=done)
    return bool(done)
