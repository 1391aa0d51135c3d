"""Today at a glance: the numbers that matter, each beside the same weekday a week ago. Pure."""

from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from services.points.reports.days import Figures, Today
from services.points.store.figure_days import HourSales

QUIET_PERCENT = 1000
"""A change beyond this is told as "more than before", not in percent: there was hardly anything."""


class Compared(Struct, frozen=True):
    """A number of today, and what it was a week ago at this time of day."""

    now: int
    before: int

    @property
    def trend(self) -> Literal["up", "down", ""]:
        """Which way it went."""
        if self.now == self.before:
            return ""
        return "up" if self.now > self.before else "down"

    @property
    def percent(self) -> int | None:
        """By how much, None where that says nothing."""
        if self.before <= 0:
            return None
        change = round((self.now - self.before) * 100 / self.before)
        return change if abs(change) <= QUIET_PERCENT else None


class Hour(Struct, frozen=True):
    """Sales of an hour of the clock, today and a week ago; None: not yet come."""

    hour: int
    now: int | None
    before: int


def compared(today: Today, what: Callable[[Figures], int]) -> Compared:
    """A number of today, and of a week ago up to the same time of day."""
    return Compared(what(today.today), what(today.last_week_so_far))


def hours(today: Today, clock_hour: int) -> list[Hour]:
    """From the first to the last hour in which there was anything; `clock_hour` is the present."""
    there = today.hours.keys() | today.hours_last_week.keys()
    none = HourSales()
    return [
        Hour(
            hour,
            today.hours.get(hour, none).sales if hour <= clock_hour else None,
            today.hours_last_week.get(hour, none).sales,
        )
        for hour in (range(min(there), max(there) + 1) if there else ())
    ]


def is_new(today: Today) -> bool:
    """Whether there is nothing to draw: nothing sold, given or joined in all these days."""
    return not any(
        each.purchases or each.visits or each.new_members or each.points.issued
        for each in today.days
    )
