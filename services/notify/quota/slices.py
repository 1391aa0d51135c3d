"""What this process may send without asking the database: its slices of the month, in memory.

A call takes from its slice when it is admitted. Until LINE has answered it is in flight; one that
nobody reported as sent when no call can still be open was not, and comes back with the next report.
Owns the arithmetic: no IO, no clock.
"""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from services.notify.quota.budget import Key, Want

FLIGHT = timedelta(seconds=20)
"""Longer than any call to LINE takes, its wait for the pace behind it."""

Cause = tuple[date, str, str, UUID | None]
"""Day, category, kind, broadcast."""


class Report(NamedTuple):
    """What the database is told at once: `sent` since the last report, what is still `held` (in
    flight, or kept at hand) by category, and what is wanted besides."""

    number: int
    sent: Mapping[Cause, int]
    held: Mapping[str, int]
    wants: Mapping[Key, Want]


class Slices:
    """The slices of one process. A key's is None while nothing bounds it."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self._at_hand: dict[Key, int | None] = dict.fromkeys(keys, 0)
        self._used: Counter[Key] = Counter()
        self._largest: Counter[Key] = Counter()
        self._flights: dict[str, deque[tuple[datetime, int]]] = {}
        self._sent: Counter[Cause] = Counter()
        self._number = 0

    @property
    def unreported(self) -> bool:
        """Whether there is anything to tell the database."""
        return bool(self._sent)

    def take(self, key: Key, count: int, now: datetime) -> bool:
        """Take `count` for a call that starts now; false if so many are not at hand."""
        self._used[key] += count
        at_hand = self._at_hand.setdefault(key, 0)
        if at_hand is None:
            return True
        if at_hand < count:
            self._largest[key] = max(self._largest[key], count)
            return False
        self._at_hand[key] = at_hand - count
        self._flights.setdefault(key.category, deque()).append((now, count))
        return True

    def low(self, key: Key) -> bool:
        """Whether more should be asked for soon: as much was used as is left."""
        at_hand = self._at_hand.get(key, 0)
        return at_hand is not None and at_hand <= self._used[key]

    def landed(self, cause: Cause, count: int) -> None:
        """LINE took `count`; the oldest calls in flight of the category are over."""
        self._sent[cause] += count
        flights = self._flights.get(cause[1])
        while flights and count > 0:
            at, open_ = flights.popleft()
            if open_ > count:
                flights.appendleft((at, open_ - count))
            count -= open_

    def report(self, now: datetime) -> Report:
        """The next report. Of what is at hand beyond what is likely to be used, half is given back:
        calls go on meanwhile, and who is idle for a while ends with nothing."""
        wants = {key: self._want(key) for key in self._at_hand}
        held: Counter[str] = Counter()
        for category, flights in self._flights.items():
            while flights and now - flights[0][0] > FLIGHT:
                flights.popleft()
            held[category] += sum(count for _, count in flights)
        for key, want in wants.items():
            held[key.category] += want.has
        sent, self._sent = self._sent, Counter()
        self._used.clear()
        self._largest.clear()
        self._number += 1
        return Report(self._number, sent, +held, wants)

    def granted(self, grants: Mapping[Key, int | None]) -> None:
        """Add what the database granted; calls may have taken from the rest meanwhile."""
        for key, count in grants.items():
            at_hand = self._at_hand.get(key)
            self._at_hand[key] = None if count is None else (at_hand or 0) + count

    def forfeit(self) -> None:
        """Nothing may be taken any more until more is granted: the month is over, or too long ago
        was the last word of the database."""
        self._at_hand = dict.fromkeys(self._at_hand, 0)

    def _want(self, key: Key) -> Want:
        ahead = 2 * self._used[key]
        at_hand = self._at_hand[key]
        kept = min(at_hand or 0, max(ahead, (at_hand or 0) // 2))
        if at_hand is not None:
            self._at_hand[key] = kept
        return Want(ahead, self._largest[key], kept)
