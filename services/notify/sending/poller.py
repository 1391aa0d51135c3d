"""Finding notices that are due: what had to wait, was held, or was left behind by a crash.

Owns the rhythm; any number of replicas poll, and the lease keeps them apart. What is said to many
is taken by who sends it (`broadcasts.personal`).
"""

import asyncio
from typing import Any

from services.notify.sending.alarm import Alarm
from services.notify.sending.recorder import count_outcomes
from services.notify.sending.sender import LEASE, Sender
from services.notify.store import claims as store
from shared import clock, logs
from shared.db import CONFLICTS, UNREACHABLE, Pool

log = logs.logger(__name__)

POLL_SECONDS = 0.5
PAGE = 500


async def poll(pool: "Pool[Any]", sender: Sender, alarm: Alarm | None = None) -> None:
    """Hand due notices to the sender, until cancelled."""
    while True:
        pause = alarm.pause(clock.now(), POLL_SECONDS) if alarm else POLL_SECONDS
        await asyncio.sleep(pause)
        try:
            while await take_due(pool, sender):
                pass
        except (*UNREACHABLE, *CONFLICTS) as problem:
            log.warning("due deliveries not looked for", problem=type(problem).__name__)


async def take_due(pool: "Pool[Any]", sender: Sender) -> bool:
    """Take one page; true when more may be due. Of few people a page may be short."""
    levels = [level for level in store.NOTICES if sender.room(level)]
    if not levels:
        return False
    page = min(PAGE, sender.room(max(levels)))
    now = clock.now()
    merging = sender.rules.merging
    groups = await store.claim(pool, now, now + LEASE, page, merging, levels, but=sender.crowded())
    sender.submit([group.leader for group in groups])
    merged = sum(len(group.followers) for group in groups)
    count_outcomes(["merged"] * merged)
    return bool(groups)
