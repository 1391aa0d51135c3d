"""Times as messages tell them, in the shop's time zone. Pure."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo


def day(moment: datetime, zone: ZoneInfo) -> str:
    """The day of a moment: 2026/01/31."""
    local = moment.astimezone(zone)
    return f"{local.year}/{local.month:02}/{local.day:02}"


def last_day(end: datetime, zone: ZoneInfo) -> str:
    """The last day before a moment, which is a midnight."""
    return day(end - timedelta(seconds=1), zone)


def minute(moment: datetime, zone: ZoneInfo) -> str:
    """A moment to the minute: 2026/01/31 09:05."""
    local = moment.astimezone(zone)
    return f"{day(moment, zone)} {local.hour:02}:{local.minute:02}"
