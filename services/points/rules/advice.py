"""What a program may say and its owner hardly means: warnings, which keep nobody from publishing.

Owns the suspicions and the words for them; `checks` owns what is refused. Must not read stores or
clocks: the moment is an argument.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from fractions import Fraction

import msgspec

from services.points.rules.earn import Context, compile_program, evaluate
from services.points.rules.explain import Words, written_money
from services.points.rules.program import (
    FixedExpiry,
    FixedRule,
    Level,
    Multiplier,
    PercentRule,
    ProductRule,
    Program,
    Rule,
    SpendRule,
    VisitRule,
    When,
)
from services.points.rules.purchase import Line, Purchase
from services.points.rules.terms import WEEKDAYS, moment

_GENEROUS = Fraction(1, 2)
_USUAL = (500, 1_000, 3_000, 10_000)
"""Amounts as they are usual, in minor units: ¥500 to ¥10,000, or $5 to $100."""


class Caution(msgspec.Struct, frozen=True):
    """A suspicion: where (`accrual.rules[0]`), and what follows from it in both languages."""

    path: str
    text: dict[str, str]


def warnings(program: Program, now: datetime) -> list[Caution]:
    """All that looks like a mistake, as of a moment; [] when nothing does."""
    found = [
        *_rules(program, now),
        *_multipliers(program, now),
        *_caps(program),
        *_redemption(program),
        *_levels(program, now),
    ]
    return [Caution(path, words._asdict()) for path, words in found]


def moves(before: Program, after: Program) -> list[Caution]:
    """What deserves a second look in passing from one program to another."""
    found: list[tuple[str, Words]] = []
    if before.currency != after.currency:
        ja = "これまでのお買い上げ額は元の通貨のままです"
        found.append(("currency", Words(ja, "amounts so far stay in the old currency")))
    codes = {level.code for level in after.ranks.levels}
    for level in before.ranks.levels:
        if level.code not in codes:
            ja = f"ランク「{level.code}」がなくなり、該当の会員はすぐに再判定されます"
            en = f"rank “{level.code}” goes; its members are ranked anew at once"
            found.append(("ranks.levels", Words(ja, en)))
    return [Caution(path, words._asdict()) for path, words in found]


Found = Iterator[tuple[str, Words]]


def _rules(program: Program, now: datetime) -> Found:
    rules = program.accrual.rules
    if not rules:
        yield (
            "accrual.rules",
            Words("ルールがないため何も付与されません", "no rule: nothing is earned"),
        )
    for index, rule in enumerate(rules):
        path = f"accrual.rules[{index}]"
        if not _gift(rule):
            yield path, Words("0ポイントのルールです", "this rule gives 0 points")
        for words in _never(program, rule.when, now):
            yield f"{path}.when", words
        if isinstance(rule, ProductRule) and _all_excluded(program, rule.skus, rule.categories):
            yield path, _EXCLUDED
        if winner := _always_beaten(rule, rules):
            ja = f"併用できないルール「{winner}」が常に優先されます"
            yield path, Words(ja, f"rule “{winner}”, which is not stackable, always wins over it")
    if (rate := _rate(program)) > _GENEROUS:
        percent = int(rate * 100)
        ja = f"お買い上げ額の約{percent}%分の価値を付与します"
        yield "accrual.rules", Words(ja, f"gives back about {percent}% of every amount")


_EXCLUDED = Words(
    "対象の商品・部門がすべて対象外のため適用されません",
    "never applies: all its products and categories are excluded",
)


def _gift(rule: Rule) -> bool:
    match rule:
        case SpendRule(points=points) | FixedRule(points=points) | VisitRule(points=points):
            return points > 0
        case ProductRule(points_per_unit=points):
            return points > 0
        case PercentRule(percent=percent):
            return Fraction(percent) > 0


def _always_beaten(rule: Rule, rules: tuple[Rule, ...]) -> str | None:
    """The non-stackable rule that gives whenever this one does, and goes first."""
    for other in rules:
        if other is rule or other.stackable or other.when or not isinstance(other, FixedRule):
            continue
        if _gift(other) and (rule.stackable or other.priority > rule.priority):
            return other.id
    return None


def _rate(program: Program) -> Fraction:
    """What an amount gives back on any day, as a share of it."""
    points = Fraction(0)
    for rule in program.accrual.rules:
        if rule.when is None and isinstance(rule, SpendRule):
            points += Fraction(rule.points, rule.per)
        elif rule.when is None and isinstance(rule, PercentRule):
            points += Fraction(rule.percent) / 100
    worth = program.redemption.value
    return points * worth.amount / worth.points


def _never(program: Program, when: When | None, now: datetime) -> Iterator[Words]:
    """Why conditions can never hold (any more)."""
    if when is None:
        return
    start = moment(when.from_, program.zone, end=False) if when.from_ else None
    end = moment(when.until, program.zone, end=True) if when.until else None
    if end is not None and end <= now:
        yield Words("期間が終わっているため適用されません", "never applies: its period is over")
    if (when.skus or when.categories) and _all_excluded(program, when.skus, when.categories):
        yield _EXCLUDED
    if when.weekdays and start and end and not _weekdays(program, when, start, end):
        yield Words("期間内にその曜日がありません", "never applies: no such weekday in its period")


def _weekdays(program: Program, when: When, start: datetime, end: datetime) -> set[int]:
    """The weekdays asked for that are within a period. Hours past midnight belong to the day
    before, which may be the one before the period."""
    first = start.astimezone(program.zone).date()
    last = (end - timedelta(microseconds=1)).astimezone(program.zone).date()
    past_midnight = when.hours is not None and when.hours[:5] > when.hours[6:]
    days = range(-1 if past_midnight else 0, min((last - first).days, 6) + 1)
    there = {(first + timedelta(days=day)).weekday() for day in days}
    return there & {WEEKDAYS.index(day) for day in when.weekdays}


def _all_excluded(program: Program, skus: tuple[str, ...], categories: tuple[str, ...]) -> bool:
    accrual = program.accrual
    return set(skus) <= set(accrual.excluded_skus) and set(categories) <= set(
        accrual.excluded_categories
    )


def _multipliers(program: Program, now: datetime) -> Found:
    accrual = program.accrual
    scalable = any(isinstance(r, SpendRule | PercentRule | ProductRule) for r in accrual.rules)
    for index, multiplier in enumerate(accrual.multipliers):
        path = f"accrual.multipliers[{index}]"
        yield from ((f"{path}.when", words) for words in _never(program, multiplier.when, now))
        if words := _pointless(multiplier):
            yield f"{path}.factor", words
        if not scalable:
            ja = "倍率がかかるルール(金額・率・商品)がないため適用されません"
            yield path, Words(ja, "never applies: no spend, percent or product rule to multiply")


def _pointless(multiplier: Multiplier) -> Words | None:
    factor = Fraction(multiplier.factor)
    if factor == 1:
        return Words("1倍では何も変わりません", "a factor of 1 changes nothing")
    if factor == 0:
        return Words(
            "0倍のため条件が合うとポイントが付きません", "a factor of 0 takes all points away"
        )
    return None


def _caps(program: Program) -> Found:
    least: dict[str, int] = {}
    for index, cap in enumerate(program.accrual.caps):
        path = f"accrual.caps[{index}].points"
        if cap.points == 0:
            yield path, Words("上限が0のため何も付与されません", "a cap of 0: nothing is earned")
        least[cap.per] = min(cap.points, least.get(cap.per, cap.points))
    for wide, narrow in (("purchase", "day"), ("day", "month")):
        if wide in least and narrow in least and least[wide] > least[narrow]:
            ja = f"「{wide}」の上限には届きません(「{narrow}」の上限のほうが小さい)"
            yield "accrual.caps", Words(ja, f"the cap per {wide} is above that per {narrow}")


def _redemption(program: Program) -> Found:
    spend, expiry = program.redemption, program.expiry
    if spend.maximum_percent == 0:
        ja = "利用上限が0%のためポイントを使えません"
        yield "redemption.maximum_percent", Words(ja, "0%: points can never be spent")
    if spend.minimum % spend.unit:
        first = -(-spend.minimum // spend.unit) * spend.unit
        ja = f"利用単位の倍数でないため、実際には{first:,}ポイントからです"
        en = f"not a multiple of the unit: the first amount that can be spent is {first:,}"
        yield "redemption.minimum", Words(ja, en)
    if isinstance(expiry, FixedExpiry) and not expiry.round_to:
        days = expiry.days if expiry.days is not None else (expiry.months or 0) * 28
        if days <= program.pending.days:
            ja = "使えるようになる前に失効します"
            yield "pending.days", Words(ja, "points expire before they can be used")


def _levels(program: Program, now: datetime) -> Found:
    levels = program.ranks.levels
    earned = [_earned(program, level, now) for level in levels] if len(levels) > 1 else []
    for index in range(1, len(levels)):
        path = f"ranks.levels[{index}].requires"
        below, level = levels[index - 1], levels[index]
        gaps = _gaps(below, level)
        if all(gap <= 0 for gap in gaps.values()):
            ja = f"下のランク「{below.code}」より易しいため、「{below.code}」にはなりません"
            yield path, Words(ja, f"no harder than “{below.code}” below: nobody stays there")
            continue
        for name, gap in gaps.items():
            if gap < 0:
                ja = f"下のランク「{below.code}」より条件が易しくなっています"
                yield f"{path}.{name}", Words(ja, f"asks for less than “{below.code}” below")
        if words := _less(program, below, earned[index - 1], earned[index]):
            yield f"ranks.levels[{index}]", words
        elif _perks(level) < _perks(below):
            ja = f"下のランク「{below.code}」より特典が少なくなっています"
            yield f"ranks.levels[{index}]", Words(ja, f"gives less than “{below.code}” below")


def _earned(program: Program, level: Level, now: datetime) -> list[int]:
    """Points of a rank for amounts as they are usual."""
    compiled, context = compile_program(program), Context(rank=level.code)
    return [evaluate(compiled, _bought(total, now), context).points for total in _USUAL]


def _bought(total: int, now: datetime) -> Purchase:
    line = Line(amount=total, tax=0)
    return Purchase(
        total=total, tax=0, occurred_at=now, store="", lines=[line], payments=[], discounts=[]
    )


def _less(program: Program, below: Level, theirs: list[int], ours: list[int]) -> Words | None:
    """Where a rank earns less than the one below it."""
    for total, more, fewer in zip(_USUAL, theirs, ours, strict=True):
        if fewer < more:
            on = written_money(total, program.currency)
            return Words(
                f"{on.ja}のお買い上げで{fewer:,}ポイントと、"
                f"下のランク「{below.code}」の{more:,}ポイントより少なくなります",
                f"earns less than “{below.code}” below: {fewer:,} points on {on.en}, not {more:,}",
            )
    return None


def _gaps(below: Level, level: Level) -> dict[str, int]:
    """How much more of each condition the upper level asks for."""
    return {
        name: (getattr(level.requires, name) or 0) - (getattr(below.requires, name) or 0)
        for name in level.requires.__struct_fields__
        if getattr(level.requires, name) is not None or getattr(below.requires, name) is not None
    }


def _perks(level: Level) -> tuple[Fraction, Fraction]:
    return Fraction(level.multiplier), Fraction(level.rate_bonus_percent)
