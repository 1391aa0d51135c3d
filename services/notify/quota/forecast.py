"""When the month's messages run out. Pure, in exact fractions.

Two ways of looking ahead: the mean of the last seven whole days, and this month's mean of each day
of the week (of all its days for a weekday that has not been yet).
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from fractions import Fraction
from typing import NamedTuple

from services.notify.quota import months

WEEK = 7


class Forecast(NamedTuple):
    """The day on which nothing is left, None if it lasts; `month_end` is how many will have been
    used by the end of the month (the higher of the two ways)."""

    by_rate: date | None
    by_weekday: date | None
    month_end: int


def forecast(
    today: date, used: int, quota: int | None, sent: Mapping[date, int], since: date | None
) -> Forecast:
    """Look ahead from `today`, of which `sent[today]` is over.

    `used` is the month's count so far, `sent` our own by day (last month's days too), `since` the
    first day on which anything was ever sent: days before it say nothing."""
    left = None if quota is None else quota - used
    rate = _by_rate(today, sent, since)
    weekday = _by_weekday(today, sent, since)
    first, rest = _ahead(today, left, sent, lambda _: rate)
    second, other = _ahead(today, left, sent, weekday)
    return Forecast(first, second, used + max(rest, other))


def _by_rate(today: date, sent: Mapping[date, int], since: date | None) -> Fraction:
    week = [today - timedelta(days=back) for back in range(1, WEEK + 1)]
    return _mean([sent.get(day, 0) for day in week if since and day >= since], sent, today)


def _by_weekday(
    today: date, sent: Mapping[date, int], since: date | None
) -> Callable[[date], Fraction]:
    start = max(months.first_of(today), since) if since else today
    whole = months.days(start, today)
    general = _mean([sent.get(day, 0) for day in whole], sent, today)
    of_weekday = {
        number: _mean([sent.get(day, 0) for day in whole if day.weekday() == number], sent, today)
        for number in {day.weekday() for day in whole}
    }
    return lambda day: of_weekday.get(day.weekday(), general)


def _mean(counts: list[int], sent: Mapping[date, int], today: date) -> Fraction:
    """The mean of whole days; before there is one, today is the best that is known."""
    return Fraction(sum(counts), len(counts)) if counts else Fraction(sent.get(today, 0))


def _ahead(
    today: date, left: int | None, sent: Mapping[date, int], of_day: Callable[[date], Fraction]
) -> tuple[date | None, int]:
    """The day on which `left` is gone, and how many more will be sent in the month."""
    total = Fraction(0)
    gone = today if left is not None and left <= 0 else None
    for day in months.days(today, months.after(months.first_of(today))):
        total += max(Fraction(0), of_day(day) - (sent.get(day, 0) if day == today else 0))
        if gone is None and left is not None and total >= left:
            gone = day
    return gone, -(-total.numerator // total.denominator)
