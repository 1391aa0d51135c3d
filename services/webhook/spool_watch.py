"""How much waits in the spool, and for how long, as metrics."""

from typing import Any

from prometheus_client import Gauge

from services.webhook import store
from shared.db import Pool
from shared.watching import Age

_events = Gauge("tamaru_webhook_spool_events", "Events in the spool, counted up to 100,000.")
_age = Age(
    Gauge(
        "tamaru_webhook_spool_oldest_seconds",
        "Age of the oldest event in the spool.",
    )
)


async def look(pool: "Pool[Any]") -> None:
    """Look into the spool; it is the same one for every replica."""
    count, since = await store.spool_waiting(pool)
    _events.set(count)
    _age.since(since)
