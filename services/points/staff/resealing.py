"""While SESSION_KEY changes: what the old key has locked away is locked away by the new one.

Once at the start and then every hour, since another replica may not know of the change yet. After
that the old key protects nothing that lasts.
"""

import asyncio

from services.points.staff import second_factor
from shared import logs
from shared.db import CONFLICTS, UNREACHABLE, Pool
from shared.keys import Keys

log = logs.logger(__name__)

EVERY_SECONDS = 3600.0


async def run(pool: Pool, keys: Keys[str]) -> None:
    """Go on until cancelled."""
    while True:
        try:
            count = await once(pool, keys)
            log.info("one-time secrets are sealed under the new SESSION_KEY", resealed=count)
        except (*UNREACHABLE, *CONFLICTS) as problem:
            log.warning("one-time secrets were not sealed anew", problem=repr(problem))
        await asyncio.sleep(EVERY_SECONDS)


async def once(pool: Pool, keys: Keys[str]) -> int:
    """Seal anew what has to be; how many secrets."""
    async with pool.acquire() as connection, connection.transaction():
        return await second_factor.reseal(connection, keys)
