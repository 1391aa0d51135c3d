"""A program made ready for many evaluations: everything that no purchase changes.

Owns the translation of rules, conditions and ranks into sets and integers. Must not evaluate.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from fractions import Fraction
from math import lcm
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from services.points.rules import program as rules
from services.points.rules.program import Cap, Program
from services.points.rules.purchase import AnyLine
from services.points.rules.terms import WEEKDAYS, moment

ONE = 10_000  # decimal strings carry at most four decimals: the factor "1.5" is 15000 of these
PER_CENT = 100 * ONE  # "1.0" percent is 10000 of 1000000
_CIRCUMSTANCES = tuple(set(rules.When.__struct_fields__) - {"skus", "categories"})
_LONGEST_DAY = timedelta(hours=49)  # both ends of a local day, whatever its clock changes do
_LONGEST_MONTH = timedelta(days=33)


class Chosen(Struct, frozen=True):
    """Lines by SKU or category; either matches."""

    skus: frozenset[str]
    categories: frozenset[str]

    def has(self, line: AnyLine) -> bool:
        return line.sku in self.skus or line.category in self.categories


class ReadyCondition(Struct, frozen=True):
    weekdays: frozenset[int]
    start: datetime | None
    end: datetime | None
    minutes: tuple[int, int] | None
    stores: frozenset[str]
    ranks: frozenset[str]
    birthday_month: bool
    first_purchase: bool


class ReadyRule(Struct, frozen=True):
    """A rule made ready: `each` points for every `per`, and what does not change in its words."""

    kind: str
    each: int
    per: int
    stackable: bool
    priority: int
    limit: rules.VisitLimit | None
    condition: ReadyCondition | None
    chosen: Chosen | None
    products: Chosen | None
    words: dict[str, Any]


class ReadyMultiplier(Struct, frozen=True):
    factor: int
    condition: ReadyCondition | None
    chosen: Chosen | None
    words: dict[str, Any]


class ReadyRank(Struct, frozen=True):
    bonus: int
    factor: int
    words: dict[str, Any]


class CompiledProgram(Struct, frozen=True):
    """A program made ready for many evaluations; make it once per published version.

    `money` is what a unit of it earns on any day, as units over a scale: the rate at which a
    carried fraction grows. `looks_back` is how far before a purchase limits and caps look,
    `budgets` are the ids of campaigns' caps.
    """

    zone: ZoneInfo
    rules: tuple[ReadyRule, ...]
    multipliers: tuple[ReadyMultiplier, ...]
    ranks: dict[str, ReadyRank]
    excluded: Chosen | None
    minimum: int
    tax_excluded: bool
    rounding: str
    carry: bool
    caps: tuple[Cap, ...]
    unit: int  # the denominator in which every rule's points are whole
    looks_at_lines: bool
    looks_at_clock: bool
    money: tuple[int, int]
    looks_back: timedelta
    budgets: tuple[str, ...]
    words: dict[str, Any]


def compile_program(program: Program) -> CompiledProgram:
    """Everything that does not depend on the purchase, worked out beforehand."""
    accrual = program.accrual
    zone = program.zone
    steps = [rule.per for rule in accrual.rules if isinstance(rule, rules.SpendRule)]
    conditions = [each.when for each in (*accrual.rules, *accrual.multipliers) if each.when]
    excluded = _chosen(accrual.excluded_skus, accrual.excluded_categories)
    limited = [each for each in conditions if each.skus or each.categories]
    products = [rule for rule in accrual.rules if isinstance(rule, rules.ProductRule)]
    words = {"currency": program.currency} if program.currency != "JPY" else {}
    if accrual.base_amount == "tax_excluded":
        words["base_amount"] = "tax_excluded"
    unit = PER_CENT * (lcm(*steps) if accrual.carry_remainder else 1)
    ready = tuple(_rule(rule, zone) for rule in accrual.rules)
    multipliers = tuple(_multiplier(each, zone) for each in accrual.multipliers)
    return CompiledProgram(
        zone=zone,
        rules=ready,
        multipliers=multipliers,
        ranks={level.code: _rank(level) for level in program.ranks.levels},
        excluded=excluded,
        minimum=accrual.minimum_spend,
        tax_excluded=accrual.base_amount == "tax_excluded",
        rounding=accrual.rounding,
        carry=accrual.carry_remainder,
        caps=accrual.caps,
        unit=unit,
        looks_at_lines=bool(excluded or limited or products),
        looks_at_clock=any(w.weekdays or w.hours or w.birthday_month for w in conditions),
        money=_money(ready, multipliers, unit),
        looks_back=_looks_back(accrual),
        budgets=tuple(sorted({cap.id for cap in accrual.caps if cap.per == "campaign"})),
        words=words,
    )


def _money(
    ready: Iterable[ReadyRule], multipliers: Iterable[ReadyMultiplier], unit: int
) -> tuple[int, int]:
    """What a unit of money earns whatever the day and the goods, as units over a scale."""
    always = [rule for rule in ready if not (rule.condition or rule.chosen or rule.products)]
    alone = [rule for rule in always if not rule.stackable]
    if alone:
        always = [max(alone, key=lambda rule: rule.priority)]
    units = 0
    for rule in always:
        if rule.kind == "spend":
            units += unit // rule.per * rule.each
        elif rule.kind == "percent":
            units += unit // PER_CENT * rule.each
    scale = 1
    for multiplier in multipliers:
        if not (multiplier.condition or multiplier.chosen):
            units, scale = units * multiplier.factor, scale * ONE
    return units, scale


def _looks_back(accrual: rules.Accrual) -> timedelta:
    """How far before a purchase limits and caps look."""
    reaches = [timedelta(0)]
    for rule in accrual.rules:
        limit = rule.limit if isinstance(rule, rules.VisitRule) else None
        if limit is not None:
            reaches.append(timedelta(hours=limit.hours) if limit.hours else _LONGEST_DAY)
    for cap in accrual.caps:
        reaches.append({"day": _LONGEST_DAY, "month": _LONGEST_MONTH}.get(cap.per, timedelta(0)))
    return max(reaches)


def _rule(rule: rules.Rule, zone: ZoneInfo) -> ReadyRule:
    kind = str(rule.__struct_config__.tag)
    words: dict[str, Any] = {"id": rule.id, "type": kind}
    if rule.name:
        words["name"] = rule.name
    each, per, limit, products = 0, 1, None, None
    match rule:
        case rules.SpendRule():
            each, per = rule.points, rule.per
            words |= {"per": per, "each": each}
        case rules.PercentRule():
            each = _scaled(rule.percent)
            words["percent"] = rule.percent
        case rules.ProductRule():
            each = rule.points_per_unit
            words["each"] = each
            products = _chosen(rule.skus, rule.categories)
        case rules.VisitRule():
            each, limit = rule.points, rule.limit
        case rules.FixedRule():
            each = rule.points
    condition, chosen = _condition(rule.when, zone)
    return ReadyRule(
        kind, each, per, rule.stackable, rule.priority, limit, condition, chosen, products, words
    )


def _multiplier(multiplier: rules.Multiplier, zone: ZoneInfo) -> ReadyMultiplier:
    words: dict[str, Any] = {"id": multiplier.id, "factor": multiplier.factor}
    if multiplier.name:
        words["name"] = multiplier.name
    if multiplier.when:
        words["when"] = _plain(multiplier.when)
    return ReadyMultiplier(_scaled(multiplier.factor), *_condition(multiplier.when, zone), words)


def _plain(when: rules.When) -> dict[str, Any]:
    """The conditions that were set, as JSON."""
    names = zip(when.__struct_fields__, when.__struct_encode_fields__, strict=True)
    set_ones = ((name, getattr(when, attribute)) for attribute, name in names)
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in set_ones
        if value
    }


def _rank(level: rules.Level) -> ReadyRank:
    bonus, factor = _scaled(level.rate_bonus_percent), _scaled(level.multiplier)
    words: dict[str, Any] = {"code": level.code, "name": level.name}
    if bonus:
        words["percent"] = level.rate_bonus_percent
    if factor != ONE:
        words["factor"] = level.multiplier
    return ReadyRank(bonus, factor, words)


def _condition(
    when: rules.When | None, zone: ZoneInfo
) -> tuple[ReadyCondition | None, Chosen | None]:
    if when is None:
        return None, None
    chosen = _chosen(when.skus, when.categories)
    if not any(getattr(when, name) for name in _CIRCUMSTANCES):
        return None, chosen
    hours = when.hours
    condition = ReadyCondition(
        weekdays=frozenset(WEEKDAYS.index(day) for day in when.weekdays),
        start=moment(when.from_, zone, end=False) if when.from_ else None,
        end=moment(when.until, zone, end=True) if when.until else None,
        minutes=(_minute(hours[:5]), _minute(hours[6:])) if hours else None,
        stores=frozenset(when.stores),
        ranks=frozenset(when.ranks),
        birthday_month=when.birthday_month,
        first_purchase=when.first_purchase,
    )
    return condition, chosen


def _chosen(skus: Iterable[str], categories: Iterable[str]) -> Chosen | None:
    chosen = Chosen(frozenset(skus), frozenset(categories))
    return chosen if chosen.skus or chosen.categories else None


def _minute(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def _scaled(text: str) -> int:
    return int(Fraction(text) * ONE)
