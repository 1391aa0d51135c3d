"""A program made ready for many evaluations: everything that no purchase changes.

Owns the translation of rules, conditions and ranks into sets and integers. Must not evaluate.
"""

from collections.abc import Iterable
from datetime import datetime
from fractions import Fraction
from math import lcm
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from services.points import program as rules
from services.points.program import Cap, Program
from services.points.purchase import AnyLine
from services.points.terms import WEEKDAYS, moment

ONE = 10_000  # decimal strings carry at most four decimals: the factor "1.5" is 15000 of these
PER_CENT = 100 * ONE  # "1.0" percent is 10000 of 1000000


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
    """A program made ready for many evaluations; make it once per published version."""

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
    return CompiledProgram(
        zone=zone,
        rules=tuple(_rule(rule, zone) for rule in accrual.rules),
        multipliers=tuple(_multiplier(each, zone) for each in accrual.multipliers),
        ranks={level.code: _rank(level) for level in program.ranks.levels},
        excluded=excluded,
        minimum=accrual.minimum_spend,
        tax_excluded=accrual.base_amount == "tax_excluded",
        rounding=accrual.rounding,
        carry=accrual.carry_remainder,
        caps=accrual.caps,
        unit=PER_CENT * (lcm(*steps) if accrual.carry_remainder else 1),
        looks_at_lines=bool(excluded or limited or products),
        looks_at_clock=any(w.weekdays or w.hours or w.birthday_month for w in conditions),
        words=words,
    )


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
    return condition, _chosen(when.skus, when.categories)


def _chosen(skus: Iterable[str], categories: Iterable[str]) -> Chosen | None:
    chosen = Chosen(frozenset(skus), frozenset(categories))
    return chosen if chosen.skus or chosen.categories else None


def _minute(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def _scaled(text: str) -> int:
    return int(Fraction(text) * ONE)
