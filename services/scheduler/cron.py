"""When a cron expression comes due. Pure: moments in, moments out; asks no clock.

Five fields, as Debian's cron reads them, in the wall time of a zone. A wall time that a change to
summer time leaves out comes due at the end of the gap; one that comes twice in autumn comes due
once, the first time. Expressions with a star in the minute or the hour follow elapsed time instead
(every 15 minutes stays every 15 minutes across both changes).
"""

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from services.scheduler.errors import BadSchedule

_FIELDS = 5
_LOOK_BACK = (
    timedelta(hours=1),
    timedelta(days=1),
    timedelta(days=32),
    timedelta(days=366),
)
"""So that the latest moments of a long absence are found without walking through all of it."""


def zone(name: str) -> ZoneInfo:
    """The time zone of this IANA name. Raises BadSchedule."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as problem:
        raise BadSchedule(f"unknown time zone {name!r}") from problem


def check(expression: str) -> None:
    """Raises BadSchedule when the expression is none."""
    _simulation(expression, datetime(2000, 1, 1, tzinfo=UTC))


def next_moment(expression: str, tz: ZoneInfo, after: datetime) -> datetime | None:
    """The first moment (UTC) later than `after`; None when there is none within 50 years.

    Raises BadSchedule."""
    return next(_moments(expression, tz, after), None)


def due_moments(
    expression: str, tz: ZoneInfo, after: datetime, until: datetime, limit: int
) -> list[datetime]:
    """The moments (UTC) with after < moment <= until: the latest `limit` of them, oldest first.

    Raises BadSchedule."""
    starts = [until - span for span in _LOOK_BACK if until - span > after]
    found: deque[datetime] = deque(maxlen=limit)
    for start in (*starts, after):
        found = deque(_between(expression, tz, start, until), maxlen=limit)
        if len(found) == limit:
            break
    return list(found)


def _between(expression: str, tz: ZoneInfo, after: datetime, until: datetime) -> Iterator[datetime]:
    for moment in _moments(expression, tz, after):
        if moment > until:
            return
        yield moment


def _moments(expression: str, tz: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Strictly increasing. Around a change of the clocks wall times repeat or fall together."""
    last = after
    for local in _simulation(expression, after.astimezone(tz)):
        moment = local.astimezone(UTC)
        if moment > last:
            last = moment
            yield moment


def _simulation(expression: str, start: datetime) -> CronSim:
    if len(expression.split()) != _FIELDS:
        raise BadSchedule(f"{expression!r} has not five fields")
    try:
        return CronSim(expression, start)
    except CronSimError as problem:
        raise BadSchedule(f"{expression!r}: {problem}") from problem
