"""Quiet hours: when nobody is to be woken up for what can wait. Pure."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


def quiet_until(now: datetime, zone: ZoneInfo, start: time, end: time) -> datetime | None:
    """When the quiet hours from `start` to `end` (excluded) of `zone` are over; None outside them.

    They may go over midnight. Where clocks change, an end that does not exist comes an hour later,
    and one that comes twice counts the second time for who is in between.
    """
    local = now.astimezone(zone)
    at = local.time()
    inside = start <= at < end if start < end else at >= start or at < end
    if not inside:
        return None
    day = local.date() + timedelta(days=at >= end)
    over = datetime.combine(day, end, zone)
    if over.astimezone(UTC) <= now:
        over = over.replace(fold=1)
    return over.astimezone(UTC)
