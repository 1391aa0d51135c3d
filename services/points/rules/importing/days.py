"""Days as people in Japan write them: 2026/1/5, 2026年1月5日, 令和8年1月5日, R8.1.5. Pure.

What is written without a day or month names a span; a spreadsheet's day number is read, too.
"""

import calendar
import re
import unicodedata
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

_ERAS = {
    "明治": (1867, 45),
    "M": (1867, 45),
    "大正": (1911, 15),
    "T": (1911, 15),
    "昭和": (1925, 64),
    "S": (1925, 64),
    "平成": (1988, 31),
    "H": (1988, 31),
    "令和": (2018, 99),
    "R": (2018, 99),
}
"""Each era with the year before its first, and its last year."""

_TIME = r"日?(?:\([^)]*\))?(?:[ T]+\d{1,2}[:時].*)?"
_NUMBERS = re.compile(rf"(\d{{4}})[-/.年](\d{{1,2}})(?:[-/.月](\d{{1,2}}){_TIME}|月?)", re.ASCII)
_TOGETHER = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
_YEAR = re.compile(r"(\d{4})年", re.ASCII)
_ERA = re.compile(
    rf"(明治|大正|昭和|平成|令和|[MTSHR])(元|\d{{1,2}})"
    rf"(?:[-/.年](?:(\d{{1,2}})(?:[-/.月](\d{{1,2}}){_TIME}|月?))?)?",
    re.ASCII,
)
_SERIAL = re.compile(r"[1-9]\d{4}(?:\.\d+)?", re.ASCII)
_FIRST_SERIAL = date(1899, 12, 30)
_SHORT = 32
"""Letters of what is kept in memory."""


class Days(NamedTuple):
    """From the first to the last day that is meant: mostly the same."""

    first: date
    last: date

    @property
    def one(self) -> bool:
        """Whether a day is named, not a month or year."""
        return self.first == self.last


def days(text: str) -> Days | None:
    """What the text names; None if it is no day that ever was or will be."""
    return _repeated(text) if len(text) <= _SHORT else _read(text)


def _read(text: str) -> Days | None:
    written = unicodedata.normalize("NFKC", text).strip()
    try:
        if found := _NUMBERS.fullmatch(written) or _TOGETHER.fullmatch(written):
            year, month, day = found.groups()
            return _span(int(year), month, day)
        if found := _YEAR.fullmatch(written):
            return _span(int(found[1]), None, None)
        if found := _ERA.fullmatch(written.upper()):
            return _of_era(*found.groups())
        if _SERIAL.fullmatch(written):
            day = _FIRST_SERIAL + timedelta(int(written.split(".")[0]))
            return Days(day, day)
    except ValueError:
        return None
    return None


_repeated = lru_cache(10_000)(_read)
"""The same, kept: a column's days are few."""


def _of_era(era: str, number: str, month: str | None, day: str | None) -> Days:
    before, last = _ERAS[era]
    year = 1 if number == "元" else int(number)
    if not 1 <= year <= last:
        raise ValueError
    return _span(before + year, month, day)


def _span(year: int, month: str | None, day: str | None) -> Days:
    if month is None:
        return Days(date(year, 1, 1), date(year, 12, 31))
    if day is None:
        last = calendar.monthrange(year, int(month))[1]
        return Days(date(year, int(month), 1), date(year, int(month), last))
    one = date(year, int(month), int(day))
    return Days(one, one)
