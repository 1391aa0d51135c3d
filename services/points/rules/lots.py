"""Lots: where points lie until they are spent or expire, and when that is.

Owns the order of spending, what a return gives back to which lot, and expiry dates. Must not know
entries or rules of earning. Lots are frozen values; every function returns new ones.
"""

import calendar
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from services.points.rules.program import FixedExpiry, Program, SlidingExpiry

Takes = list[tuple[UUID, int]]  # (lot, points), in the order in which they were taken
_NEVER = datetime.max.replace(tzinfo=UTC)


class NotEnough(ValueError):
    """The lots do not hold what was asked; `spendable` is what they do hold."""

    def __init__(self, spendable: int) -> None:
        self.spendable = spendable
        super().__init__(f"only {spendable} points can be spent")


class Lot(Struct, frozen=True, kw_only=True):
    """Points that one entry gave. `remaining` includes `held`; `active` is false while pending.

    From `expires_at` on (aware; None is never) the points that are not held are expired.
    """

    id: UUID
    opened_at: datetime
    remaining: int
    expires_at: datetime | None = None
    active: bool = True
    held: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.held <= self.remaining:
            raise ValueError(f"lot {self.id}: {self.held} held of {self.remaining}")

    def expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now

    def spendable(self, now: datetime) -> int:
        return 0 if not self.active or self.expired(now) else self.remaining - self.held


def spending_order(lot: Lot) -> tuple[datetime, datetime, UUID]:
    """Earliest expiry first, never-expiring last, then oldest."""
    return (lot.expires_at or _NEVER, lot.opened_at, lot.id)


def spendable(lots: Iterable[Lot], now: datetime) -> int:
    """What could be spent at `now`, before debt."""
    return sum(lot.spendable(now) for lot in lots)


def spend(lots: Iterable[Lot], points: int, now: datetime) -> Takes:
    """From which lots `points` (>= 0) would be taken; raises NotEnough and takes nothing."""
    if points < 0:
        raise ValueError("points to spend must not be negative")
    takes: Takes = []
    missing = points
    open_lots = [lot for lot in lots if lot.spendable(now)]
    for lot in sorted(open_lots, key=spending_order):
        if not missing:
            break
        taken = min(lot.spendable(now), missing)
        takes.append((lot.id, taken))
        missing -= taken
    if missing:
        raise NotEnough(points - missing)
    return takes


def take_back(lots: Mapping[UUID, Lot], points: int, first: UUID | None, now: datetime) -> Takes:
    """As much of `points` as the lots can give for a refund: the lot that the purchase opened
    first, even if it is pending or expired, then the others as if they were spent."""
    takes: Takes = []
    own = lots.get(first) if first else None
    if own is not None and (taken := min(own.remaining - own.held, points)):
        takes.append((own.id, taken))
        points -= taken
    if not points:
        return takes
    others = [lot for lot in lots.values() if lot is not own]
    return takes + spend(others, min(points, spendable(others, now)), now)


def give_back(takes: Takes, points: int) -> Takes:
    """To which lots `points` of a spend return: what was taken last comes back first.

    Raises ValueError for more than was taken.
    """
    back: Takes = []
    for lot, taken in reversed(takes):
        if points:
            back.append((lot, min(taken, points)))
            points -= back[-1][1]
    if points:
        raise ValueError(f"{points} points more than were taken")
    return back


def moved(lots: Mapping[UUID, Lot], moves: Takes) -> dict[UUID, Lot]:
    """Those lots that `moves` (signed points by lot) changed, as they are afterwards.

    Raises ValueError where one would go below what is held of it, KeyError for an unknown lot.
    """
    after: dict[UUID, Lot] = {}
    for lot, points in moves:
        before = after.get(lot) or lots[lot]
        after[lot] = replace(before, remaining=before.remaining + points)
    return after


def taken(takes: Takes) -> Takes:
    """The moves that take points out of their lots."""
    return [(lot, -points) for lot, points in takes]


# Expiry dates.


def expires_at(program: Program, occurred_at: datetime) -> datetime | None:
    """When points expire that were earned at `occurred_at`, or with sliding expiry, that were
    last moved then: the midnight (UTC instant) after the last valid day in the program's zone."""
    expiry = program.expiry
    if not isinstance(expiry, FixedExpiry | SlidingExpiry):
        return None
    zone = program.zone
    day = occurred_at.astimezone(zone).date()
    if isinstance(expiry, SlidingExpiry):
        return slides_to(expiry.months, occurred_at, zone)
    last = months_later(day, expiry.months) if expiry.months else day + timedelta(expiry.days or 0)
    if expiry.round_to == "month_end":
        last = last.replace(day=calendar.monthrange(last.year, last.month)[1])
    elif expiry.round_to == "year_end":
        last = last.replace(month=12, day=31)
    return midnight_after(last, zone)


def slides_to(months: int, last_activity: datetime, zone: ZoneInfo) -> datetime:
    """When points expire that last until so many months after their account's last activity."""
    day = last_activity.astimezone(zone).date()
    return midnight_after(months_later(day, months), zone)


def lasts_until(
    months: int, opened_at: datetime, last_activity: datetime | None, zone: ZoneInfo
) -> datetime:
    """When a lot expires that slides with its account's last activity (None: there was none).

    A gift to somebody who was away for long is not gone before they can come for it: the lot's own
    opening counts too.
    """
    return slides_to(months, max(opened_at, last_activity or opened_at), zone)


def active_from(program: Program, occurred_at: datetime) -> datetime:
    """When points earned at `occurred_at` can be spent: after `pending.days` days of 24 hours."""
    return occurred_at + timedelta(days=program.pending.days)


def months_later(day: date, months: int) -> date:
    """The same day of a month `months` away (either way), or that month's last day: 31 January
    and one month is 28 February."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def last_day(end: datetime, zone: ZoneInfo) -> date:
    """The last whole day in `zone` before a moment: the inverse of `midnight_after`."""
    return (end - timedelta(microseconds=1)).astimezone(zone).date()


def midnight_after(day: date, zone: ZoneInfo) -> datetime:
    """The first instant that is no longer `day` in `zone`, as UTC."""
    return midnight(day + timedelta(days=1), zone)


@lru_cache(10_000)
def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of `day` in `zone`, as UTC, where clocks change at midnight too."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
