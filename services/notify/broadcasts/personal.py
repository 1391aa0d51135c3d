"""Feeding a broadcast's personal messages to the sender, never more than goes out in a moment.

What is in the sender's memory goes out whatever happens, so little of it makes a pause take effect
within a second. Broadcasts that go out at the same time take turns.
"""

import asyncio
from typing import Any

from services.notify.sending.sender import LEASE, Sender
from services.notify.store import campaigns as store
from shared import clock, logs
from shared.db import CONFLICTS, UNREACHABLE, Pool
from shared.giving_way import GivingWay

log = logs.logger(__name__)

LOOK_SECONDS = 0.05
AHEAD_SECONDS = 0.4
"""How much the sender has in memory, as time at the pace."""

MOST_AHEAD = 400
"""However fast the pace is: what a slow machine or a slow LINE still sends within its lease."""


async def feed(pool: "Pool[Any]", sender: Sender, calls_a_second: float, way: GivingWay) -> None:
    """Hand over deliveries of broadcasts that are being sent, until cancelled."""
    whole = min(MOST_AHEAD, max(1, int(calls_a_second * AHEAD_SECONDS)))
    while True:
        handed = 0
        try:
            for broadcast_id in await store.open_ids(pool):
                ahead = max(1, int(whole * await way.share()))
                half = max(1, ahead // 2)
                room = min(ahead - sender.backlog, sender.room(store.PRIORITY))
                if room >= half:  # many at a time: a row alone costs nearly as much as a page
                    now = clock.now()
                    due = await store.claim(pool, broadcast_id, now, now + LEASE, room)
                    sender.submit(due)
                    handed += len(due)
        except (*UNREACHABLE, *CONFLICTS) as problem:
            log.warning("personal messages not looked for", problem=type(problem).__name__)
        if handed:
            await way.rest(handed / calls_a_second)
        else:
            await asyncio.sleep(LOOK_SECONDS)
