"""What messages to many would cost now, for whoever is about to confirm them."""

from datetime import datetime

from services.notify.quota import situation
from services.notify.quota.budget import Key
from services.notify.quota.estimate import Estimate, Situation
from services.notify.quota.estimate import estimate as estimated
from services.notify.store import quota_held
from shared.bus.handling import Connection

CAMPAIGN = Key("campaign", 3)


async def estimate(connection: Connection, recipients: int, now: datetime) -> Estimate:
    """Whether a broadcast to so many fits this month, what it costs, and what is left after it.

    What is confirmed already and not sent yet is taken off first."""
    standing = await situation.standing(connection, now)
    ahead = await situation.ahead(connection, standing)
    month = Situation(
        limits=standing.limits,
        taken=standing.taken,
        tariff=standing.plan.tariff,
        waiting=await quota_held.waiting(connection, standing.ends),
        expected=ahead.month_end - standing.taken.total,
        month_ends=standing.ends,
    )
    return estimated(month, CAMPAIGN, recipients)
