"""Queue lengths, readers and dead letters as metrics, from one process for the whole installation.

Any process may watch; the scheduler's worker does, because it has the time for it.
"""

from prometheus_client import Gauge

from shared.bus.bus import Bus
from shared.bus.depths import Depth
from shared.watching import Age

_messages = Gauge(
    "tamaru_bus_queue_messages", "Messages in a queue that no reader has in hand.", ["queue"]
)
_consumers = Gauge("tamaru_bus_queue_consumers", "Readers of a queue.", ["queue"])
_unread = Gauge(
    "tamaru_bus_queue_unread_seconds",
    "Since when a queue has messages and no reader.",
    ["queue"],
)
_dead = Gauge("tamaru_bus_dead_letters_waiting", "Dead letters that somebody has to look at.")


class QueueWatch:
    """Shows what the broker says of its queues."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._unread: dict[str, Age] = {}

    async def look(self) -> None:
        """Ask for every queue. Raises BrokerUnavailable."""
        for purpose, depth in (await self._bus.depths()).items():
            if purpose == "dead":
                _dead.set(depth.messages if depth else 0)
            else:
                self._show(purpose, depth or Depth(0, 0))

    def _show(self, purpose: str, depth: Depth) -> None:
        _messages.labels(purpose).set(depth.messages)
        if purpose.startswith("retry."):  # nobody reads these
            return
        _consumers.labels(purpose).set(depth.consumers)
        if purpose not in self._unread:
            self._unread[purpose] = Age(_unread.labels(purpose))
        self._unread[purpose].while_so(depth.messages > 0 and not depth.consumers)
