"""What a row of cells wants: names, attributes, points, rank. Every fault is named by its column.
Pure.

A fault keeps the row out; a note says what was read otherwise than it stands there.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from services.points.rules import lots, phones
from services.points.rules.explain import WHOLE_CURRENCIES
from services.points.rules.importing.columns import ATTRIBUTES, NAMES
from services.points.rules.importing.days import Days, days
from services.points.rules.profiles import MOST_TAGS

MOST_POINTS = 1_000_000_000
MOST_MONEY = 1_000_000_000_000
OLDEST = date(1900, 1, 1)
_UNITS = re.compile(r"(?:ポイント|pt|点|p|個|スタンプ|円|yen|jpy)\.?$", re.IGNORECASE)
_MONEY = re.compile(r"^[¥\\$€]")
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII)
_SCIENTIFIC = re.compile(r"[0-9](?:\.[0-9]+)?e\+?[0-9]{1,2}", re.IGNORECASE | re.ASCII)
_NO_ZERO = re.compile(r"[1-9][0-9]{8,9}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NONE = ("", "-", "なし", "無し", "無", "未設定", "none", "n/a", "null")
_NEVER = (*_NONE, "無期限", "期限なし", "never")


class Fault(Struct, frozen=True):
    """What is wrong with a row, or (as a note) how it was read. `field` None: the row as a whole.
    `detail` completes the sentence that `words` has for the kind."""

    kind: str
    field: str | None = None
    detail: str = ""


class Wanted(Struct, frozen=True, omit_defaults=True):
    """What a row wants. Points and money (minor units) are integers, 0 where there are none."""

    external_id: str | None = None
    card: str | None = None
    phone: str | None = None
    name: str | None = None
    birthday: date | None = None
    area: str | None = None
    note: str | None = None
    tags: tuple[str, ...] = ()
    points: int = 0
    points_until: datetime | None = None
    rank: str | None = None
    rank_until: datetime | None = None
    joined: datetime | None = None
    last_visit: datetime | None = None
    spent: int = 0

    @property
    def names(self) -> list[tuple[str, str]]:
        """How the row names its member, the surest first."""
        given = ((way, getattr(self, way)) for way in NAMES)
        return [(way, value) for way, value in given if value]


class Terms(Struct, frozen=True):
    """What cells are read by. `ranks`: code of a level by all that names it, as `_folded`."""

    now: datetime
    zone: ZoneInfo
    currency: str
    ranks: Mapping[str, str]
    attributes: bool = True

    @property
    def today(self) -> date:
        """The shop's day."""
        return self.now.astimezone(self.zone).date()


class Read(Struct, frozen=True):
    """A row that was read: without faults it may be taken in."""

    wanted: Wanted
    faults: list[Fault]
    notes: list[Fault]


def rank_names(levels: Mapping[str, str]) -> dict[str, str]:
    """`Terms.ranks` of levels given as code and name."""
    return {_folded(word): code for code, name in levels.items() for word in (name, code)}


def read(cells: Sequence[str], columns: Mapping[int, str], terms: Terms) -> Read:
    """What a row wants by what its columns hold."""
    faults: list[Fault] = []
    notes: list[Fault] = []
    values: dict[str, Any] = {}
    for place, field in columns.items():
        cell = cells[place].strip() if place < len(cells) else ""
        if not cell or (field in ATTRIBUTES and not terms.attributes):
            continue
        try:
            values[field] = _READERS[field](cell, terms)
        except _Faulty as problem:
            faults.append(Fault(problem.kind, field, problem.detail))
        except _Noted as noted:
            notes.append(Fault(noted.kind, field))
            values[field] = noted.value
    wanted = Wanted(**{name: value for name, value in values.items() if value is not None})
    if not wanted.names and not any(fault.field in NAMES for fault in faults):
        faults.append(Fault("no_name"))
    return Read(wanted, faults, notes)


class _Faulty(Exception):
    def __init__(self, kind: str, detail: str = "") -> None:
        self.kind, self.detail = kind, detail


class _Noted(Exception):
    def __init__(self, kind: str, value: Any) -> None:
        self.kind, self.value = kind, value


def _text(most: int) -> Callable[[str, Terms], str | None]:
    def reader(cell: str, terms: Terms) -> str:
        text = " ".join(cell.split())
        if _CONTROL.search(text):
            raise _Faulty("characters")
        if len(text) > most:
            raise _Faulty("too_long", str(most))
        return text

    return reader


def _number_text(cell: str, terms: Terms) -> str:
    """A card's or the shop's own number: as it stands, but for width and spaces."""
    text = "".join(unicodedata.normalize("NFKC", cell).split())
    if _SCIENTIFIC.fullmatch(text):
        raise _Faulty("spreadsheet_number")
    return _text(200)(text, terms) or ""


def _phone(cell: str, terms: Terms) -> str:
    plain = unicodedata.normalize("NFKC", cell).strip()
    if _SCIENTIFIC.fullmatch(plain):
        raise _Faulty("spreadsheet_number")
    if _NO_ZERO.fullmatch(plain):
        raise _Noted("zero_added", f"0{plain}")
    normal = phones.normal(plain)
    if normal is None:
        raise _Faulty("phone")
    return normal


def _tags(cell: str, terms: Terms) -> tuple[str, ...]:
    tags = sorted({each.strip() for each in re.split(r"[,、;;|｜\n]", cell) if each.strip()})
    if any(len(tag) > 50 or _CONTROL.search(tag) or "/" in tag for tag in tags):
        raise _Faulty("tag")
    if len(tags) > MOST_TAGS:
        raise _Faulty("too_many_tags", str(MOST_TAGS))
    return tuple(tags)


def _decimal(cell: str) -> Decimal | None:
    plain = unicodedata.normalize("NFKC", cell).strip().replace(",", "").replace(" ", "")
    if plain.casefold() in _NONE:
        return None
    plain = _UNITS.sub("", _MONEY.sub("", plain)).replace("−", "-").replace("▲", "-")
    if not _NUMBER.fullmatch(plain) or len(plain) > 30:
        raise _Faulty("spreadsheet_number" if _SCIENTIFIC.fullmatch(plain) else "number")
    try:
        return Decimal(plain)
    except InvalidOperation:
        raise _Faulty("number") from None


def _points(cell: str, terms: Terms) -> int | None:
    number = _decimal(cell)
    if number is None:
        return None
    if number < 0:
        raise _Faulty("negative")
    if number != int(number):
        raise _Faulty("fraction")
    if number > MOST_POINTS:
        raise _Faulty("too_many", f"{MOST_POINTS:,}")
    return int(number)


def _money(cell: str, terms: Terms) -> int | None:
    number = _decimal(cell)
    if number is None:
        return None
    minor = number if terms.currency in WHOLE_CURRENCIES else number * 100
    if minor < 0:
        raise _Faulty("negative")
    if minor != int(minor):
        raise _Faulty("fraction")
    if minor > MOST_MONEY:
        raise _Faulty("too_many", f"{MOST_MONEY:,}")
    return int(minor)


def _days(cell: str) -> Days:
    found = days(cell)
    if found is None:
        raise _Faulty("date")
    return found


def _until(cell: str, terms: Terms) -> datetime | None:
    """The end of the last day that is meant."""
    if unicodedata.normalize("NFKC", cell).strip().casefold() in _NEVER:
        return None
    last = _days(cell).last
    if last < terms.today:
        raise _Faulty("past")
    if last.year > 2999:  # "for ever", as some tools write it
        return None
    return lots.midnight_after(last, terms.zone)


def _since(cell: str, terms: Terms) -> datetime | None:
    """The beginning of the first day that is meant."""
    if unicodedata.normalize("NFKC", cell).strip().casefold() in _NONE:
        return None
    first = _days(cell).first
    if first > terms.today:
        raise _Faulty("future")
    if first < OLDEST:
        raise _Faulty("date")
    return lots.midnight(first, terms.zone)


def _birthday(cell: str, terms: Terms) -> date | None:
    if unicodedata.normalize("NFKC", cell).strip().casefold() in _NONE:
        return None
    found = _days(cell)
    if not found.one or found.first < OLDEST:
        raise _Faulty("date")
    if found.first > terms.today:
        raise _Faulty("future")
    return found.first


def _rank(cell: str, terms: Terms) -> str | None:
    if _folded(cell) in _NONE:
        return None
    code = terms.ranks.get(_folded(cell))
    if code is None:
        raise _Faulty("rank", "、".join(sorted(set(terms.ranks.values()))[:10]))
    return code


def _folded(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


_READERS: dict[str, Callable[[str, Terms], Any]] = {
    "external_id": _number_text,
    "card": _number_text,
    "phone": _phone,
    "name": _text(200),
    "birthday": _birthday,
    "area": _text(100),
    "tags": _tags,
    "points": _points,
    "points_until": _until,
    "rank": _rank,
    "rank_until": _until,
    "joined": _since,
    "last_visit": _since,
    "spent": _money,
    "note": _text(1000),
}
