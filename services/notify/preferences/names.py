"""What LINE calls people is told to the shop once it is learned, and when it changes.

Whoever learns a name marks it as untold (`store.profiles`); this tells what is, those too that were
learned before anybody was told. A name that is told twice changes nothing.
"""

import asyncio
from typing import Any

from services.notify.store import profiles as store
from shared import logs, outbox
from shared.db import CONFLICTS, UNREACHABLE, Pool
from shared.events import RecipientNamed, new_event

log = logs.logger(__name__)

SOURCE = "/notify"
LOOK_SECONDS = 1.0
PAGE = 500


async def run(pool: "Pool[Any]", relay: outbox.Relay) -> None:
    """Tell names, until cancelled."""
    while True:
        try:
            while await tell(pool, relay):
                pass
        except (*UNREACHABLE, *CONFLICTS) as problem:
            log.warning("names not told", problem=type(problem).__name__)
        await asyncio.sleep(LOOK_SECONDS)


async def tell(pool: "Pool[Any]", relay: outbox.Relay) -> bool:
    """Tell one page; true when there may be more."""
    async with pool.acquire() as connection, connection.transaction():
        named = await store.take_untold(connection, PAGE)
        told = [RecipientNamed(each.line_user_id, each.at, each.name) for each in named]
        rows = await outbox.write(connection, [new_event(SOURCE, each) for each in told])
    await relay.hand_over(rows)
    return len(named) == PAGE
