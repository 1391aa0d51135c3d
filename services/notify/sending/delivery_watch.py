"""How late messages are, as metrics: notices to one person, and messages to many."""

from typing import Any

from prometheus_client import Gauge

from services.notify.categories import CAMPAIGN
from services.notify.store import overdue
from services.notify.store.claims import NOTICES
from shared import clock
from shared.db import Pool
from shared.watching import Age

_lag = Gauge(
    "tamaru_notify_delivery_lag_seconds",
    "How long the oldest message that may go out has been waiting. Messages to many are paced.",
    ["kind"],
)


class DeliveryWatch:
    """Shows what waits in the database, for all processes."""

    def __init__(self, pool: "Pool[Any]") -> None:
        self._pool = pool
        self._notices = Age(_lag.labels("notice"))
        self._campaigns = Age(_lag.labels("campaign"))

    async def look(self) -> None:
        """Look for the oldest."""
        since = await overdue.waiting_since(self._pool, clock.now(), [*NOTICES, CAMPAIGN])
        campaign = since.pop(CAMPAIGN, None)
        self._campaigns.since(campaign)
        self._notices.since(min((each for each in since.values() if each), default=None))
