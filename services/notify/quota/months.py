"""Months and days in the program's time zone. Pure."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)


def first_of(day: date) -> date:
    """The first day of its month."""
    return day.replace(day=1)


def after(month: date) -> date:
    """The first day of the month after."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def day_of(now: datetime, zone: ZoneInfo) -> date:
    """The day that it is in `zone`."""
    return now.astimezone(zone).date()


def starts(day: date, zone: ZoneInfo) -> datetime:
    """The first moment of a day in `zone`, in UTC: Python reckons within a zone as if its clocks
    never changed."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def days(start: date, end: date) -> list[date]:
    """The days from `start` on, without `end`."""
    return [start + DAY * number for number in range((end - start).days)]
