"""What arrived on the phones, and what their owners did, in order.

Owns the bounded histories: per user, over all users by bytes, and a light ring of every delivery
for load checks. It does not decide what may arrive.
"""

from collections import deque
from typing import Literal

from msgspec import Raw, Struct

from deploy.sandbox.statistics import Tally

USER_HISTORY = 1_000
HISTORY_BYTES = 128 * 1024 * 1024
RING_SIZE = 200_000
OVERHEAD_BYTES = 500  # about what the objects around a message cost

Kind = Literal["push", "reply", "multicast", "narrowcast", "broadcast"]


class Delivery(Struct, gc=False):
    """Messages that arrived on one phone. `messages` is the JSON array as LINE accepted it;
    `tally` is where its opening is counted, if anywhere.

    Histories are long, and nothing in them can be part of a cycle: the collector need not look.
    """

    kind: Kind
    messages: Raw
    at: float
    retry_key: str | None
    to: str
    number: int = 0
    tally: Tally | None = None
    opened: bool = False


class Deed(Struct):
    """What a user did: follow, unfollow, say, tap or scan, with its text."""

    number: int
    kind: str
    text: str
    at: float


class Landing(Struct, gc=False):
    """One delivery as a load check wants it: no messages, but both clocks."""

    cursor: int
    user: str
    kind: Kind
    at_ns: int
    monotonic_ns: int
    retry_key: str | None
    brief: str


class Deliveries:
    """Histories with bounds; the oldest go first. Numbers rise over deliveries and deeds alike."""

    def __init__(
        self,
        user_history: int = USER_HISTORY,
        history_bytes: int = HISTORY_BYTES,
        ring_size: int = RING_SIZE,
    ) -> None:
        self.total = 0
        self._number = 0
        self._user_history = user_history
        self._history_bytes = history_bytes
        self._bytes = 0
        self._oldest: deque[Delivery] = deque()
        self._received: dict[str, deque[Delivery]] = {}
        self._done: dict[str, deque[Deed]] = {}
        self._ring: list[Landing] = []
        self._ring_size = ring_size

    def add(self, delivery: Delivery, brief: str, monotonic_ns: int) -> None:
        """Keep what arrived; its number is set here."""
        self._number += 1
        self.total += 1
        delivery.number = self._number
        history = self._received.get(delivery.to)
        if history is None:
            history = self._received[delivery.to] = deque(maxlen=self._user_history)
        history.append(delivery)
        self._oldest.append(delivery)
        self._bytes += len(bytes(delivery.messages)) + OVERHEAD_BYTES
        if self._bytes > self._history_bytes:
            self._forget_oldest()
        self._land(delivery, brief, monotonic_ns)

    def do(self, user_id: str, kind: str, text: str, at: float) -> None:
        self._number += 1
        history = self._done.setdefault(user_id, deque(maxlen=self._user_history))
        history.append(Deed(self._number, kind, text, at))

    def received(self, user_id: str) -> list[Delivery]:
        return list(self._received.get(user_id, ()))

    def unopened(self, user_id: str) -> list[Delivery]:
        """What the user received and has not looked at."""
        return [one for one in self._received.get(user_id, ()) if not one.opened]

    def timeline(self, user_id: str, after: int) -> list[Delivery | Deed]:
        """What the user received and did since the number, oldest first."""
        items: list[Delivery | Deed] = [
            *self._received.get(user_id, ()),
            *self._done.get(user_id, ()),
        ]
        return sorted((item for item in items if item.number > after), key=lambda item: item.number)

    def landings(self, after: int, limit: int) -> list[Landing]:
        """At most `limit` entries of the ring beyond the cursor, oldest first."""
        first = max(after, self.total - len(self._ring)) + 1
        last = min(self.total, first + limit - 1)
        return [self._ring[(cursor - 1) % self._ring_size] for cursor in range(first, last + 1)]

    def clear(self) -> None:
        """Forget everything; numbers go on rising, so that open pages do not mix old and new."""
        self.total = 0
        self._bytes = 0
        self._oldest.clear()
        self._received.clear()
        self._done.clear()
        self._ring.clear()

    def _land(self, delivery: Delivery, brief: str, monotonic_ns: int) -> None:
        landing = Landing(
            cursor=self.total,
            user=delivery.to,
            kind=delivery.kind,
            at_ns=int(delivery.at * 1e9),
            monotonic_ns=monotonic_ns,
            retry_key=delivery.retry_key,
            brief=brief,
        )
        if len(self._ring) < self._ring_size:
            self._ring.append(landing)
        else:
            self._ring[(landing.cursor - 1) % self._ring_size] = landing

    def _forget_oldest(self) -> None:
        while self._oldest and self._bytes > self._history_bytes:
            delivery = self._oldest.popleft()
            self._bytes -= len(bytes(delivery.messages)) + OVERHEAD_BYTES
            history = self._received.get(delivery.to)
            if history and history[0] is delivery:
                history.popleft()
