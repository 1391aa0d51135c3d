"""What became of the messages: delivered, opened, clicked, by unit, by request and by day.

Owns the counting. Which figures are told, and which withheld for privacy, stands in `insight_api`.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from deploy.sandbox.quota import JAPAN

Key = TypeVar("Key")

MOST_TALLIES = 20_000
MOST_DAYS = 800
MOST_ADDRESSES = 1_000  # for each tally


@dataclass(slots=True)
class Clicks:
    count: int = 0
    users: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Tally:
    """The figures of one unit on one day, or of one broadcast; bubbles count from 1."""

    at: float
    delivered: int = 0
    impressions: Counter[int] = field(default_factory=Counter)
    viewers: dict[int, set[str]] = field(default_factory=dict)
    clicks: dict[tuple[int, str], Clicks] = field(default_factory=dict)

    def open(self, user_id: str, bubbles: int) -> None:
        """The user saw all bubbles of the messages."""
        for number in range(1, bubbles + 1):
            self.impressions[number] += 1
            self.viewers.setdefault(number, set()).add(user_id)

    def click(self, user_id: str, bubble: int, url: str) -> None:
        key = (bubble, url)
        if key not in self.clicks and len(self.clicks) >= MOST_ADDRESSES:
            return
        clicks = self.clicks.setdefault(key, Clicks())
        clicks.count += 1
        clicks.users.add(user_id)


def together(tallies: Iterable[Tally]) -> Tally:
    """One tally of many; a person who opened on two days counts once."""
    whole = Tally(0.0)
    for tally in tallies:
        whole.at = max(whole.at, tally.at)
        whole.delivered += tally.delivered
        whole.impressions.update(tally.impressions)
        for number, users in tally.viewers.items():
            whole.viewers.setdefault(number, set()).update(users)
        for key, clicks in tally.clicks.items():
            found = whole.clicks.setdefault(key, Clicks())
            found.count += clicks.count
            found.users |= clicks.users
    return whole


class Statistics:
    """The latest tallies, and each day's counts; what is beyond the bounds is forgotten."""

    def __init__(self) -> None:
        self._units: OrderedDict[tuple[str, str], Tally] = OrderedDict()
        self._requests: OrderedDict[str, Tally] = OrderedDict()
        self._days: OrderedDict[str, Counter[str]] = OrderedDict()
        self._day = ""
        self._day_from = -3600.0  # looked up once an hour: days begin on the hour

    def day(self, at: float) -> str:
        """The day in Japan at that time, such as 20250401."""
        if not self._day_from <= at < self._day_from + 3600:
            self._day_from = at // 3600 * 3600
            self._day = datetime.fromtimestamp(at, JAPAN).strftime("%Y%m%d")
        return self._day

    def count(self, name: str, amount: int, at: float) -> None:
        """Add to a day's count; names are the ways of sending, and `follow`, `block`, `unblock`."""
        day = self.day(at)
        counts = self._days.get(day)
        if counts is None:
            counts = self._days[day] = Counter()
            if len(self._days) > MOST_DAYS:
                self._days.popitem(last=False)
        counts[name] += amount

    def counted(self, name: str, day: str) -> int:
        counts = self._days.get(day)
        return counts[name] if counts else 0

    def counted_until(self, name: str, day: str) -> int:
        """The sum of the days up to and with this one."""
        return sum(counts[name] for known, counts in self._days.items() if known <= day)

    def of_unit(self, unit: str, at: float) -> Tally:
        """The unit's tally of today, made when there is none."""
        return _keep(self._units, (unit, self.day(at)), at)

    def new_request(self, request_id: str, at: float) -> Tally:
        return _keep(self._requests, request_id, at)

    def request(self, request_id: str) -> Tally | None:
        return self._requests.get(request_id)

    def unit(self, unit: str, start: str, end: str) -> Tally:
        """All of the unit's days from `start` to `end`, both included."""
        return together(
            tally
            for (name, day), tally in self._units.items()
            if name == unit and start <= day <= end
        )

    def clear(self) -> None:
        for store in (self._units, self._requests, self._days):
            store.clear()


def _keep(store: OrderedDict[Key, Tally], key: Key, at: float) -> Tally:
    found = store.get(key)
    if found is None:
        found = store[key] = Tally(at)
        if len(store) > MOST_TALLIES:
            store.popitem(last=False)
    return found
