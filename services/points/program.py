"""The program document: the owner's rules as frozen values, checked whole.

Owns the shape, the defaults and the checks of the document in the HTTP contract, and its round
trip: what was put is what is got. Must not evaluate rules (`earn`), read clocks or stores.
Time zone names are looked up in the machine's IANA database.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, Struct, field, inspect

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


def _is_zone(text: str) -> bool:
    if text.startswith(("posix", "right", "local")):
        return False  # files beside the database, not names of IANA
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _is_hours(text: str) -> bool:
    return bool(_HOURS.fullmatch(text)) and text[:5] != text[6:]


def _is_moment(text: str) -> bool:
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
Moment = Annotated[str, _text(_MOMENT_WORDS, _is_moment)]
Hours = Annotated[str, _text('hours as "HH:MM-HH:MM" with two different times', _is_hours)]
Zone = Annotated[str, _text('an IANA time zone such as "Asia/Tokyo"', _is_zone)]
Currency = Annotated[
    str, _text('three capital letters such as "JPY"', re.compile(r"[A-Z]{3}", re.ASCII).fullmatch)
]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class _Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all parts of the document share: named fields only, and no unknown ones."""


class When(_Part, frozen=True, kw_only=True):
    """Conditions that must all hold. `hours` that began before midnight belong to the day on
    which they began; SKUs and categories (either matches) limit the lines instead."""

    weekdays: tuple[Weekday, ...] = ()
    from_: Moment | None = field(default=None, name="from")
    until: Moment | None = None
    hours: Hours | None = None
    stores: tuple[Code, ...] = ()
    ranks: tuple[Code, ...] = ()
    skus: tuple[Code, ...] = ()
    categories: tuple[Code, ...] = ()
    birthday_month: bool = False
    first_purchase: bool = False


class _Rule(_Part, frozen=True, kw_only=True, tag_field="type"):
    id: Code
    name: Name = ""
    stackable: bool = True
    priority: Annotated[int, Meta(ge=-1_000_000, le=1_000_000)] = 0
    when: When | None = None


class SpendRule(_Rule, frozen=True, kw_only=True, tag="spend"):
    per: Step
    points: Points


class PercentRule(_Rule, frozen=True, kw_only=True, tag="percent"):
    percent: Decimals


class FixedRule(_Rule, frozen=True, kw_only=True, tag="fixed"):
    points: Points


class VisitLimit(_Part, frozen=True, kw_only=True):
    """At most `count` visits in a calendar day, or in any `hours` hours (`per: "hours"`)."""

    per: Literal["day", "hours"]
    count: Annotated[int, Meta(ge=1, le=1_000)] = 1
    hours: Annotated[int, Meta(ge=1, le=8_760)] | None = None


class VisitRule(_Rule, frozen=True, kw_only=True, tag="visit"):
    points: Points
    limit: VisitLimit | None = None


class ProductRule(_Rule, frozen=True, kw_only=True, tag="product"):
    points_per_unit: Points
    skus: tuple[Code, ...] = ()
    categories: tuple[Code, ...] = ()


Rule = SpendRule | PercentRule | FixedRule | VisitRule | ProductRule


class Multiplier(_Part, frozen=True, kw_only=True):
    id: Code
    factor: Decimals
    name: Name = ""
    when: When | None = None


class Cap(_Part, frozen=True, kw_only=True):
    """The most that one purchase, one member's day or month, or the whole campaign may give."""

    per: Literal["purchase", "day", "month", "campaign"]
    points: Points


class Accrual(_Part, frozen=True, kw_only=True):
    base_amount: Literal["tax_included", "tax_excluded"] = "tax_included"
    excluded_categories: tuple[Code, ...] = ()
    excluded_skus: tuple[Code, ...] = ()
    minimum_spend: Amount = 0
    rounding: Literal["floor", "half_up", "ceil"] = "floor"
    carry_remainder: bool = False
    rules: tuple[Rule, ...] = ()
    multipliers: tuple[Multiplier, ...] = ()
    caps: tuple[Cap, ...] = ()


class Pending(_Part, frozen=True, kw_only=True):
    days: Annotated[int, Meta(ge=0, le=3_650)] = 0


class NoExpiry(_Part, frozen=True, kw_only=True, tag_field="type", tag="none"):
    pass


class FixedExpiry(_Part, frozen=True, kw_only=True, tag_field="type", tag="fixed"):
    months: Months | None = None
    days: Days | None = None
    round_to: Literal["month_end", "year_end"] | None = None


class SlidingExpiry(_Part, frozen=True, kw_only=True, tag_field="type", tag="sliding"):
    months: Months


class Worth(_Part, frozen=True, kw_only=True):
    """So many points are worth so much money (minor units)."""

    points: Annotated[int, Meta(ge=1, le=1_000_000_000)] = 1
    amount: Step = 1


class Redemption(_Part, frozen=True, kw_only=True):
    value: Worth = Worth()
    minimum: Points = 1
    unit: Annotated[int, Meta(ge=1, le=1_000_000_000)] = 1
    maximum_percent: Annotated[int, Meta(ge=0, le=100)] = 100
    hold_minutes: Annotated[int, Meta(ge=1, le=43_200)] = 15


class Refunds(_Part, frozen=True, kw_only=True):
    overspent: Literal["allow_negative", "clamp_to_zero"] = "allow_negative"


class LifetimeWindow(_Part, frozen=True, kw_only=True, tag_field="type", tag="lifetime"):
    pass


class RollingWindow(_Part, frozen=True, kw_only=True, tag_field="type", tag="rolling"):
    months: Months


class CalendarYearWindow(_Part, frozen=True, kw_only=True, tag_field="type", tag="calendar_year"):
    pass


class Requires(_Part, frozen=True, kw_only=True):
    """Conditions of a level, all of them together; one that is left out does not count."""

    points_earned: Points | None = None
    amount_spent: Amount | None = None
    visits: Points | None = None


class Level(_Part, frozen=True, kw_only=True):
    code: Code
    name: Name
    requires: Requires
    rate_bonus_percent: Decimals = "0"
    multiplier: Decimals = "1"


class Ranks(_Part, frozen=True, kw_only=True):
    """Levels from the lowest to the highest, as the document orders them."""

    window: LifetimeWindow | RollingWindow | CalendarYearWindow = LifetimeWindow()
    keep_months: Annotated[int, Meta(ge=0, le=1_200)] = 12
    downgrade: Literal["earned", "one_level"] = "earned"
    levels: tuple[Level, ...] = ()


class Welcome(_Part, frozen=True, kw_only=True):
    points: Points = 0


class Rules(_Part, frozen=True, kw_only=True):
    currency: Currency = "JPY"
    time_zone: Zone = "Asia/Tokyo"
    accrual: Accrual = Accrual()
    pending: Pending = Pending()
    expiry: NoExpiry | FixedExpiry | SlidingExpiry = NoExpiry()
    redemption: Redemption = Redemption()
    refunds: Refunds = Refunds()
    ranks: Ranks = Ranks()
    welcome: Welcome = Welcome()


class Program(Rules, frozen=True, kw_only=True):
    """A checked document: its parts as values, and itself as it was given (do not change it)."""

    document: dict[str, Any]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


def parse(raw: bytes | str | object) -> Program:
    """The program in JSON text or in an already decoded object.

    Raises ProgramInvalid with every problem of the whole document, never only the first.
    """
    document: Any = raw
    if isinstance(raw, bytes | str):
        try:
            document = msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise ProgramInvalid([Problem("", f"send the program as JSON ({error})")]) from None
    plain = _written_out(document)
    problems = [*_shape(_SHAPE, plain, ""), *_sense(plain)]
    if problems:
        raise ProgramInvalid(problems)
    rules = msgspec.convert(plain, Rules)
    return Program(**msgspec.structs.asdict(rules), document=document)


def to_document(program: Program) -> dict[str, Any]:
    """The document exactly as it was given to `parse`."""
    return program.document


def _written_out(document: Any) -> Any:
    """`"window": "lifetime"` is short for `{"type": "lifetime"}`."""
    window = _get(document, "ranks.window")
    if not isinstance(window, str):
        return document
    return {**document, "ranks": {**document["ranks"], "window": {"type": window}}}


def _shape(kind: inspect.Type, value: Any, path: str) -> Iterator[Problem]:
    """Problems of types, ranges and unknown or missing names, read off the values above."""
    match kind:
        case inspect.StructType():
            yield from _struct(kind, value, path)
        case inspect.VarTupleType():
            if not isinstance(value, list | tuple):
                yield Problem(path, "must be a list")
                return
            for index, item in enumerate(value):
                yield from _shape(kind.item_type, item, f"{path}[{index}]")
        case inspect.UnionType():
            yield from _union(kind, value, path)
        case _:
            if must := _leaf_must(kind, value):
                yield Problem(path, f"must be {must}")


def _leaf_must(kind: inspect.Type, value: Any) -> str | None:
    """What a single value must be, where it is not."""
    match kind:
        case inspect.Metadata(extra=dict(extra)):
            fine, must = isinstance(value, str) and extra["check"](value), extra["must"]
        case inspect.IntType(ge=int(least), le=int(most)):
            fine = type(value) is int and least <= value <= most
            must = f"a whole number from {least} to {most}"
        case inspect.LiteralType(values=values):
            fine, must = isinstance(value, str) and value in values, _choice(values)
        case _:
            fine, must = isinstance(value, bool), "true or false"
    return None if fine else must


def _struct(kind: inspect.StructType, value: Any, path: str) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield Problem(path, "must be an object")
        return
    fields = {each.encode_name: each for each in kind.fields}
    known = [*([kind.tag_field] if kind.tag_field else []), *fields]
    for name in value:
        if name not in known:
            yield Problem(_at(path, str(name)), f"is not known here; use {_choice(known)}")
    for name, each in fields.items():
        if name in value:
            yield from _shape(each.type, value[name], _at(path, name))
        elif each.required:
            yield Problem(_at(path, name), "is missing; add it")


def _union(kind: inspect.UnionType, value: Any, path: str) -> Iterator[Problem]:
    """Either something or null, or one of several objects told apart by their `type`."""
    some = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
    tagged = {each.tag: each for each in some if isinstance(each, inspect.StructType)}
    tag = value.get("type") if isinstance(value, dict) else None
    if len(some) == 1:
        yield from _shape(some[0], value, path) if value is not None else ()
    elif isinstance(tag, str) and tag in tagged:
        yield from _struct(tagged[tag], value, path)
    else:
        yield Problem(_at(path, "type"), "must be " + _choice(tagged))


def _at(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _choice(names: Iterable[Any]) -> str:
    return " or ".join(str(name) for name in names)


_SHAPE = inspect.type_info(Rules)


# What only shows between fields. Each check reads the document as it is, however broken.


def _sense(document: Any) -> Iterator[Problem]:
    codes = [level.get("code") for _, level in _each(document, "ranks.levels")]
    for where in ("accrual.rules", "accrual.multipliers"):
        yield from _twice(document, where, "id")
        for path, item in _each(document, where):
            yield from _when_sense(f"{path}.when", item.get("when"), codes)
    yield from _twice(document, "ranks.levels", "code")
    for path, rule in _each(document, "accrual.rules"):
        yield from _rule_sense(path, rule)
    for path, level in _each(document, "ranks.levels"):
        needs = level.get("requires")
        if isinstance(needs, dict) and all(value is None for value in needs.values()):
            yield Problem(f"{path}.requires", "name at least one condition, such as visits")
    expiry = _get(document, "expiry")
    if isinstance(expiry, dict) and expiry.get("type") == "fixed":
        given = [key for key in ("months", "days") if expiry.get(key) is not None]
        if len(given) != 1:
            yield Problem("expiry", "give either months or days")


def _rule_sense(path: str, rule: dict[str, Any]) -> Iterator[Problem]:
    if rule.get("type") == "product" and not rule.get("skus") and not rule.get("categories"):
        yield Problem(f"{path}.skus", "name the products: skus or categories")
    limit = rule.get("limit")
    if isinstance(limit, dict) and rule.get("type") == "visit":
        hours = limit.get("hours") is not None
        if hours != (limit.get("per") == "hours"):
            yield Problem(f"{path}.limit.hours", 'goes with "per": "hours", and only with it')


def _when_sense(path: str, when: Any, codes: list[Any]) -> Iterator[Problem]:
    if not isinstance(when, dict):
        return
    ends = [text for text in (when.get("from"), when.get("until")) if isinstance(text, str)]
    if len(ends) == 2 and all(map(_is_moment, ends)):
        start, end = moment(ends[0], UTC, end=False), moment(ends[1], UTC, end=True)
        if start >= end:
            yield Problem(f"{path}.until", "must be later than from")
    ranks = when.get("ranks")
    for index, code in enumerate(ranks if isinstance(ranks, list | tuple) else ()):
        if isinstance(code, str) and code not in codes:
            yield Problem(f"{path}.ranks[{index}]", "is not the code of a level; add it or fix it")


def _twice(document: Any, where: str, key: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for path, item in _each(document, where):
        name = item.get(key)
        if isinstance(name, str):
            if name in seen:
                yield Problem(f"{path}.{key}", "is used twice; give each its own")
            seen.add(name)


def _each(document: Any, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    items = _get(document, where)
    for index, item in enumerate(items if isinstance(items, list | tuple) else ()):
        if isinstance(item, dict):
            yield f"{where}[{index}]", item


def _get(document: Any, path: str) -> Any:
    for name in path.split("."):
        document = document.get(name) if isinstance(document, dict) else None
    return document


_BASE_RULE = {"id": "base", "type": "spend", "per": 100, "points": 1}

_SILVER = {"points_earned": 30, "visits": 3}
_GOLD = {"points_earned": 300, "visits": 10}
_LEVELS = [
    {"code": "bronze", "name": "ブロンズ", "requires": {"visits": 1}},
    {"code": "silver", "name": "シルバー", "requires": _SILVER, "rate_bonus_percent": "1.0"},
    {"code": "gold", "name": "ゴールド", "requires": _GOLD, "multiplier": "1.5"},
]
_FRIDAY = {"id": "friday", "factor": "1.5", "when": {"weekdays": ["fri"]}}

DEMO: dict[str, Any] = {
    "accrual": {
        "excluded_categories": ["tobacco", "gift_card"],
        "rules": [_BASE_RULE],
        "multipliers": [_FRIDAY],
        "caps": [{"per": "purchase", "points": 10_000}],
    },
    "ranks": {"window": {"type": "rolling", "months": 12}, "levels": _LEVELS},
    "welcome": {"points": 50},
}


def default() -> Program:
    """What a new shop starts with: a point for every ¥100, no ranks, no expiry."""
    return parse({"accrual": {"rules": [_BASE_RULE]}})
