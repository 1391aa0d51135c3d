"""What single values of the program document may be: amounts, moments, hours, codes.

Each says in words what it must be, for whoever wrote it wrong. Must not know the document's shape.
Time zone names are looked up in the machine's IANA database.
"""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from msgspec import Meta

_DECIMAL = re.compile(r"\d{1,6}(\.\d{1,4})?", re.ASCII)
_HOURS = re.compile(r"([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)", re.ASCII)
_DAY = r"\d{4}-\d\d-\d\d"
_MOMENT = re.compile(rf"{_DAY}[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Problem(NamedTuple):
    """One thing wrong with a document: where (`accrual.rules[0].per`) and what to do about it."""

    path: str
    message: str


class ProgramInvalid(ValueError):
    """The document cannot be published; `problems` are all the reasons."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{each.path}: {each.message}" for each in self.problems))


def is_zone(text: str) -> bool:
    if text.startswith(("posix", "right", "local")):
        return False  # files beside the database, not names of IANA
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _is_hours(text: str) -> bool:
    return bool(_HOURS.fullmatch(text)) and text[:5] != text[6:]


def is_moment(text: str) -> bool:
    try:
        return 1970 <= moment(text, UTC, end=True).year <= 2999
    except ValueError:
        return False


def moment(text: str, zone: Any, *, end: bool) -> datetime:
    """The instant that `from` (`end=False`) or `until` (`end=True`) names.

    A bare date means that whole day in `zone`, so as an end it is the midnight after it; an end
    is exclusive. Raises ValueError for anything but a date or an RFC 3339 time with offset.
    """
    if re.fullmatch(_DAY, text, re.ASCII):
        day = date.fromisoformat(text)
        if day.year > 2999:
            raise ValueError(text)
        day += timedelta(days=1) if end else timedelta(0)
        return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
    if not _MOMENT.fullmatch(text):
        raise ValueError(text)
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(text) from error


def _text(must: str, check: Any) -> Meta:
    return Meta(extra={"must": must, "check": check})


_DECIMAL_WORDS = 'a decimal number written as text, such as "1.5": 0 or more, at most 4 decimals'
_MOMENT_WORDS = "a date (2025-04-01) or a time with offset (2025-04-01T10:00:00+09:00)"
Points = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Amount = Annotated[int, Meta(ge=0, le=1_000_000_000_000)]
Step = Annotated[int, Meta(ge=1, le=1_000_000_000_000)]
Months = Annotated[int, Meta(ge=1, le=1_200)]
Days = Annotated[int, Meta(ge=1, le=36_500)]
Decimals = Annotated[str, _text(_DECIMAL_WORDS, _DECIMAL.fullmatch)]
Code = Annotated[str, _text("text of 1 to 64 characters", lambda text: 0 < len(text) <= 64)]
Name = Annotated[str, _text("text of at most 200 characters", lambda text: len(text) <= 200)]
Moment = Annotated[str, _text(_MOMENT_WORDS, is_moment)]
Hours = Annotated[str, _text('hours as "HH:MM-HH:MM" with two different times', _is_hours)]
Zone = Annotated[str, _text('an IANA time zone such as "Asia/Tokyo"', is_zone)]
Currency = Annotated[
    str, _text('three capital letters such as "JPY"', re.compile(r"[A-Z]{3}", re.ASCII).fullmatch)
]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
