"""A month of a shop, and who must be told what: from the seed alone, knowing nothing of services.

The rules are simple on purpose: ¥100 is a point, everybody gets 50 for joining, the second visit
makes bronze and the fourth silver. So whoever reads this can reckon every message by hand.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any, NamedTuple

from tests.month.line import TOKYO

WELCOME = 50
PROGRAM: dict[str, Any] = {
    "currency": "JPY",
    "time_zone": "Asia/Tokyo",
    "accrual": {"rules": [{"id": "base", "type": "spend", "per": 100, "points": 1}]},
    "expiry": {"type": "none"},
    "ranks": {
        "window": {"type": "lifetime"},
        "levels": [
            {"code": "bronze", "name": "ブロンズ", "requires": {"visits": 2}},
            {"code": "silver", "name": "シルバー", "requires": {"visits": 4}},
        ],
    },
    "welcome": {"points": WELCOME},
}
RANKS = {2: "ブロンズ", 4: "シルバー"}
"""The visit → the rank that it brings."""

HOURS = (time(10), time(13), time(18, 30), time(22))
"""When people buy; at ten in the evening nobody is to be told of a rank."""

MORNING, EVENING = time(9), time(21)
AT_ONCE = timedelta(seconds=1)
"""Between two purchases of somebody who buys twice: within the window in which notices merge."""


class Bought(NamedTuple):
    """A purchase; `points` is worth no two of a member's purchases."""

    at: datetime
    who: int
    number: int
    points: int

    @property
    def total(self) -> int:
        """In yen; the rest below a hundred earns nothing."""
        return self.points * 100 + self.number % 100


class Told(NamedTuple):
    """A message that must come: `what` is earned or a rank's name; of earned the points and the
    balance with them."""

    who: int
    what: str
    points: int = 0
    balance: int = 0


@dataclass
class Month:
    """Who does what, step by step. `stopped` are those who want no receipts, `blocked` those who
    block the account after the second day and never come back."""

    members: int
    first: datetime
    days: int
    seed: int
    stopped: set[int] = field(default_factory=set)
    blocked: set[int] = field(default_factory=set)
    bought: list[Bought] = field(default_factory=list)

    def __post_init__(self) -> None:
        dice = random.Random(self.seed)
        self.stopped = {who for who in range(self.members) if dice.random() < 0.1}
        self.blocked = {who for who in range(self.members) if dice.random() < 0.05} - self.stopped
        self.bought = list(self._purchases(dice))

    @property
    def blocking(self) -> datetime:
        """When those who block the account do so: nothing of theirs is waiting then."""
        return self.first + timedelta(days=2, hours=11, minutes=30)

    def steps(self) -> list[datetime]:
        """The moments at which anything happens."""
        moments = {each.at for each in self.bought if each.number % 2 == 0}
        moments |= {self.blocking, self._at(self.days, MORNING)}
        for day in range(self.days):
            moments |= {self._at(day, at) for at in (time(0), time(3, 31), MORNING, EVENING)}
        return sorted(moments)

    def expected(self) -> list[Told]:
        """Every message about points and ranks that must come, in no order."""
        balance = dict.fromkeys(range(self.members), WELCOME)
        visits = dict.fromkeys(range(self.members), 0)
        told = []
        for each in sorted(self.bought):
            balance[each.who] += each.points
            visits[each.who] += 1
            if each.who in self.blocked and each.at > self.blocking:
                continue
            if each.who not in self.stopped:
                told.append(Told(each.who, "earned", each.points, balance[each.who]))
            if rank := RANKS.get(visits[each.who]):
                told.append(Told(each.who, rank))
        return told

    def bursts(self) -> set[tuple[int, datetime]]:
        """(who, when) of those who bought twice at once and want to hear of it."""
        twice = {(each.who, each.at - AT_ONCE) for each in self.bought if each.number % 2}
        return {
            (who, at)
            for who, at in twice
            if who not in self.stopped and (who not in self.blocked or at < self.blocking)
        }

    def _purchases(self, dice: random.Random) -> Iterator[Bought]:
        """Three purchases a member and month on average, a fourth of them two at once."""
        for who in range(self.members):
            worth = iter(dice.sample(range(1_001, 9_999), 2 * self.days * len(HOURS)))
            number = 0
            for day in range(self.days):
                for hour in HOURS:
                    if dice.random() < 3 / (30 * len(HOURS) * 1.25):
                        at = self._at(day, hour)
                        yield Bought(at, who, number, next(worth))
                        if dice.random() < 0.25:
                            yield Bought(at + AT_ONCE, who, number + 1, next(worth))
                        number += 2

    def _at(self, day: int, at: time) -> datetime:
        return datetime.combine((self.first + timedelta(days=day)).date(), at, TOKYO)
