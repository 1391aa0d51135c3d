"""The program document: the owner's rules as frozen values.

Owns the shape and the defaults of the document in the HTTP contract, and its round trip: what was
put is what is got. Must not evaluate rules (`earn`), read clocks or stores.
"""

from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, Struct, field, inspect

from services.points.rules import checks
from services.points.rules.repeats import repeats
from services.points.rules.terms import (
    Amount,
    Code,
    Currency,
    Days,
    Decimals,
    Hours,
    Moment,
    Months,
    Name,
    Points,
    Problem,
    ProgramInvalid,
    Step,
    Weekday,
    Zone,
)

CAMPAIGN = "campaign"
"""The budget of a campaign cap without an id of its own."""


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
    """The most that one purchase, one member's day or month, or the whole campaign may give.

    A campaign's budget goes by its `id`: what was given under another id does not count.
    """

    per: Literal["purchase", "day", "month", "campaign"]
    points: Points
    id: Code = CAMPAIGN


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


DEFAULT_WARN_DAYS = (30, 7)


class _Expiry(_Part, frozen=True, kw_only=True, tag_field="type"):
    """`warn_days`: how many days before points expire their members are warned ([]: never)."""

    warn_days: tuple[Annotated[int, Meta(ge=1, le=366)], ...] = DEFAULT_WARN_DAYS


class NoExpiry(_Part, frozen=True, kw_only=True, tag_field="type", tag="none"):
    pass


class FixedExpiry(_Expiry, frozen=True, kw_only=True, tag="fixed"):
    months: Months | None = None
    days: Days | None = None
    round_to: Literal["month_end", "year_end"] | None = None


class SlidingExpiry(_Expiry, frozen=True, kw_only=True, tag="sliding"):
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
    """A rank and what it gives: more on each purchase, and `points` to whoever reaches it, once in
    a lifetime or each time (`every_time`)."""

    code: Code
    name: Name
    requires: Requires
    rate_bonus_percent: Decimals = "0"
    multiplier: Decimals = "1"
    points: Points = 0
    every_time: bool = False


class Ranks(_Part, frozen=True, kw_only=True):
    """Levels from the lowest to the highest, as the document orders them.

    Who would lose a rank is told `notice_days` before its keep period ends (0: nobody is).
    """

    window: LifetimeWindow | RollingWindow | CalendarYearWindow = LifetimeWindow()
    keep_months: Annotated[int, Meta(ge=0, le=1_200)] = 12
    downgrade: Literal["earned", "one_level"] = "earned"
    notice_days: Annotated[int, Meta(ge=0, le=366)] = 30
    levels: tuple[Level, ...] = ()


class Welcome(_Part, frozen=True, kw_only=True):
    points: Points = 0


class ServiceRule(_Part, frozen=True, kw_only=True):
    """Service points that staff give by name, such as for a rainy day."""

    id: Code
    points: Annotated[int, Meta(ge=1, le=1_000_000_000)]
    name: Name = ""


class Service(_Part, frozen=True, kw_only=True):
    """What tills and staff may give of their own accord: by one of `rules`, or up to
    `maximum_points` with a reason (0: nothing); to a member at most `per_day` times in a calendar
    day, and one giver no more than `points_per_day` to everybody together (null: no limit)."""

    maximum_points: Points = 0
    per_day: Annotated[int, Meta(ge=1, le=1_000)] = 1
    points_per_day: Points | None = None
    rules: tuple[ServiceRule, ...] = ()


class Counter(_Part, frozen=True, kw_only=True):
    """For how many minutes an act at the counter can be undone: by whoever did it, and by a manager
    of the store (0: not at all)."""

    undo_minutes: Annotated[int, Meta(ge=0, le=1_440)] = 10
    manager_undo_minutes: Annotated[int, Meta(ge=0, le=43_200)] = 1_440


class Waiting(_Part, frozen=True, kw_only=True):
    """For how many days a purchase of an unknown card waits for its member."""

    days: Annotated[int, Meta(ge=1, le=3_650)] = 30


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
    service: Service = Service()
    counter: Counter = Counter()
    waiting: Waiting = Waiting()


class Program(Rules, frozen=True, kw_only=True):
    """A checked document: its parts as values, and itself as it was given (do not change it)."""

    document: dict[str, Any]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


_SHAPE = inspect.type_info(Rules)


def parse(raw: bytes | object) -> Program:
    """The program in the bytes of JSON text or in what they were decoded to: text is then text,
    and no program.

    Raises ProgramInvalid with every problem of the whole document, never only the first.
    """
    document: Any = raw
    if isinstance(raw, bytes):
        try:
            document = msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise ProgramInvalid([Problem("", f"send the program as JSON ({error})")]) from None
    plain = _written_out(document)
    found = checks.problems(_SHAPE, plain)
    if isinstance(raw, bytes):
        found += repeats(raw)
    if found:
        raise ProgramInvalid(found)
    rules = msgspec.convert(plain, Rules)
    return Program(**msgspec.structs.asdict(rules), document=document)


def read(document: str) -> Program:
    """A version as it was published. It was checked then; what later checks refuse still counts."""
    plain = msgspec.json.decode(document)
    rules = msgspec.convert(_written_out(plain), Rules)
    return Program(**msgspec.structs.asdict(rules), document=plain)


def to_document(program: Program) -> dict[str, Any]:
    """The document exactly as it was given to `parse`."""
    return program.document


def _written_out(document: Any) -> Any:
    """`"window": "lifetime"` is short for `{"type": "lifetime"}`."""
    window = checks.get(document, "ranks.window")
    if not isinstance(window, str):
        return document
    return {**document, "ranks": {**document["ranks"], "window": {"type": window}}}


_BASE_RULE = {"id": "base", "type": "spend", "per": 100, "points": 1}

_SILVER = {"points_earned": 30, "visits": 3}
_GOLD = {"points_earned": 300, "visits": 10}
_GOLD_GIVES = {"rate_bonus_percent": "1.0", "multiplier": "1.5"}  # never less than silver gives
_LEVELS = [
    {"code": "bronze", "name": "ブロンズ", "requires": {"visits": 1}},
    {"code": "silver", "name": "シルバー", "requires": _SILVER, "rate_bonus_percent": "1.0"},
    {"code": "gold", "name": "ゴールド", "requires": _GOLD, **_GOLD_GIVES},
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
