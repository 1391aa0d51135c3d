"""Finding deliveries that are due: what had to wait, was held, or was left behind by a crash.

Owns the rhythm; any number of replicas poll, and the lease keeps them apart. Each process polls for
the priorities that it sends.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from services.notify.sending.sender import LEASE, Sender
from services.notify.store import deliveries as store
from shared import clock, logs
from shared.db import CONFLICTS, UNREACHABLE, Pool

log = logs.logger(__name__)

POLL_SECONDS = 0.5
PAGE = 500


async def poll(
    pool: "Pool[Any]", sender: Sender, priorities: Sequence[int] = store.NOTICES
) -> None:
    """Hand due deliveries of these priorities to the sender, until cancelled."""
    while True:
        try:
            while await take_due(pool, sender, priorities):
                pass
        except (*UNREACHABLE, *CONFLICTS) as problem:
            log.warning("due deliveries not looked for", problem=type(problem).__name__)
        await asyncio.sleep(POLL_SECONDS)


async def take_due(pool: "Pool[Any]", sender: Sender, priorities: Sequence[int]) -> bool:
    """Take one page; true when more may be due and there is room for it."""
    levels = [level for level in priorities if sender.room(level)]
    if not levels:
        return False
    page = min(PAGE, sender.room(max(levels)))
    now = clock.now()
    due = await store.claim(pool, now, now + LEASE, page, levels)
    sender.submit(due)
    return len(due) == page
