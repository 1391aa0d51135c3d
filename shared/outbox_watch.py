"""How much waits in a service's outbox, and for how long, as metrics.

One process a service watches; what it shows is the whole service's.
"""

from typing import Any

from prometheus_client import Gauge

from shared import outbox
from shared.db import Pool
from shared.watching import Age

_messages = Gauge(
    "tamaru_outbox_messages",
    "Messages in a service's outbox, counted up to 100,000.",
    ["service"],
)
_oldest = Gauge(
    "tamaru_outbox_oldest_seconds",
    "Age of the oldest message in a service's outbox; 0 without one.",
    ["service"],
)


class OutboxWatch:
    """Shows the outbox that `pool` sees."""

    def __init__(self, pool: "Pool[Any]", service: str) -> None:
        self._pool = pool
        self._service = service
        self._age = Age(_oldest.labels(service))

    async def look(self) -> None:
        """Look into it."""
        found = await outbox.waiting(self._pool)
        _messages.labels(self._service).set(found.count)
        self._age.since(found.since)
