"""Letting go what was held: the plan was changed, LINE's limit was raised, or room was found.

What is held for the month's turn is due then, and goes by itself: paced, the urgent first, and as
far as the new month's budgets allow. Whatever is released is asked about again before it goes.
"""

from datetime import datetime, timedelta

from services.notify.quota import months
from services.notify.quota.situation import zone_of
from services.notify.store import quota as store
from services.notify.store import quota_held
from shared.bus.handling import Connection

SETTLED = timedelta(seconds=8)
"""When it goes: every process has looked at the database again by then. One that had not would hold
it again, by what it knew before."""


async def release(connection: Connection, now: datetime, limit: int | None = None) -> int:
    """Release what is held, the urgent and the oldest first (`limit` of them); how many."""
    return await quota_held.release(connection, now + SETTLED, limit)


async def release_all(connection: Connection, now: datetime) -> int:
    """Release everything because the owner says so; LINE's last refusal counts no longer."""
    zone = await zone_of(connection)
    month = months.first_of(months.day_of(now, zone))
    await store.forget_refused(connection, month)
    return await release(connection, now)
