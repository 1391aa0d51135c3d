"""What a purchase earns under a program: one pure function, exact to the end, rounded once.

Owns the arithmetic of accrual (base, rules, combination, multipliers, caps, rounding, remainder)
and the explanation of each result. Must not read clocks or stores: what it has to know of the
member and the past comes in a `Context`. Fractions of points are integers over a denominator.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import gcd
from typing import Any

from msgspec import Struct

from services.points.rules import program as rules
from services.points.rules.carrying import missing_amount
from services.points.rules.compiled import (
    ONE,
    PER_CENT,
    Chosen,
    CompiledProgram,
    ReadyCondition,
    ReadyMultiplier,
    ReadyRule,
    compile_program,
)
from services.points.rules.purchase import (
    AnyLine,
    AnyPurchase,
    Discount,
    Line,
    Payment,
    Purchase,
    apportion,
    check_purchase,
    line_bases,
)

__all__ = [
    "Award",
    "CompiledProgram",
    "Context",
    "Discount",
    "Line",
    "Payment",
    "Purchase",
    "apportion",
    "check_purchase",
    "compile_program",
    "evaluate",
    "exact",
    "line_bases",
]

_REMAINDER_LIMIT = 10**18  # keeps a carried fraction within two bigints
_LARGEST_AWARD = 10**12  # so that no rules, however mistaken, overflow a balance


class Context(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the past contributes, at the time of the purchase; worth keeping with the earn entry.

    `visits_today` counts visits on that calendar day in the program's time zone, `visit_times` are
    the recent ones (aware). `given_*` are points already given against the caps of that kind, of
    campaigns with an id of their own by that id. `remainder` is the carried fraction of a point as
    (numerator, denominator).
    """

    rank: str | None = None
    first_purchase: bool = False
    birthday_month: int | None = None
    visits_today: int = 0
    visit_times: tuple[datetime, ...] = ()
    given_today: int = 0
    given_month: int = 0
    given_campaign: int = 0
    given_campaigns: tuple[tuple[str, int], ...] = ()
    remainder: tuple[int, int] = (0, 1)


_NO_PAST = Context()


class Award(Struct, frozen=True):
    """Points (>= 0) and visits (0 or 1) to give, and why.

    `base` is the amount that counted, `remainder` what to keep for the next purchase (unchanged
    where the program does not carry). `explanation` is JSON-able; fractions are text
    ("1.5", "1/3").
    """

    points: int
    visits: int
    base: int
    remainder: tuple[int, int]
    explanation: dict[str, Any]


class _Sale(Struct):
    """One purchase while it is evaluated: the counting lines and the facts of its moment.

    `amounts` and `counting` stay empty where no rule looks at lines.
    """

    purchase: AnyPurchase
    context: Context
    base: int
    amounts: Sequence[int]
    counting: Sequence[int]
    left_out: list[dict[str, Any]]
    weekday: int
    minute: int
    month: int


class _Gift(Struct):
    """What one rule gave, in units, and the lines that it looked at (None: the whole base)."""

    rule: ReadyRule
    units: int
    lines: Sequence[int] | None
    words: dict[str, Any]


def evaluate(program: CompiledProgram, purchase: AnyPurchase, context: Context = _NO_PAST) -> Award:
    """The award for a purchase that `check_purchase` found nothing wrong with.

    Order (design, ledger rules): base; each rule by its own step; stackable rules add, the highest
    non-stackable one suppresses all others; multipliers on what spend, percent and product rules
    gave; the rank's rate bonus, a share of the base; caps; one rounding.
    """
    sale = _sale(program, purchase, context)
    words: dict[str, Any] = {"base": sale.base, **program.words}
    if sale.left_out:
        words["left_out"] = sale.left_out
    visits = _visits(program, sale)
    num, den = 0, 1
    if sale.base < program.minimum:
        words["minimum_spend"] = program.minimum
    else:
        gifts = _combined(_gifts(program, sale), words)
        num, den = _multiplied(program, sale, gifts, words)
    num, den = _capped(program, context, num, den, words)
    points, remainder = _rounded(program, context, num, den, words)
    words["points"] = points
    return Award(points, visits, sale.base, remainder, words)


def _sale(program: CompiledProgram, purchase: AnyPurchase, context: Context) -> _Sale:
    weekday = minute = month = 0
    if program.looks_at_clock:
        local = purchase.occurred_at.astimezone(program.zone)
        weekday, minute, month = local.weekday(), local.hour * 60 + local.minute, local.month
    base = purchase.total - purchase.tax if program.tax_excluded else purchase.total
    amounts: Sequence[int] = ()
    counting: Sequence[int] = ()
    left_out: list[dict[str, Any]] = []
    if program.looks_at_lines and purchase.lines:
        amounts = line_bases(purchase, program.tax_excluded)
        counting = range(len(amounts))
        if program.excluded:
            counting, left_out = _counting(program.excluded, purchase.lines)
        base = sum([amounts[index] for index in counting])
    return _Sale(purchase, context, base, amounts, counting, left_out, weekday, minute, month)


def _counting(excluded: Chosen, lines: Sequence[AnyLine]) -> tuple[list[int], list[dict[str, Any]]]:
    counting: list[int] = []
    left_out: list[dict[str, Any]] = []
    for index, line in enumerate(lines):
        if not excluded.has(line):
            counting.append(index)
            continue
        words: dict[str, Any] = {"line": index, "amount": line.amount}
        words["why"] = "sku" if line.sku in excluded.skus else "category"
        for name in ("sku", "category", "name"):
            if value := getattr(line, name):
                words[name] = value
        left_out.append(words)
    return counting, left_out


def _holds(condition: ReadyCondition, sale: _Sale) -> bool:
    """Whether everything but the lines is as the condition wants it."""
    context, at = sale.context, sale.purchase.occurred_at
    return (
        (condition.start is None or condition.start <= at)
        and (condition.end is None or at < condition.end)
        and (not condition.stores or sale.purchase.store in condition.stores)
        and (not condition.ranks or context.rank in condition.ranks)
        and (not condition.first_purchase or _is_first(sale))
        and (not condition.birthday_month or context.birthday_month == sale.month)
        and _in_hours(condition, sale)
    )


def _is_first(sale: _Sale) -> bool:
    """What costs nothing is no first purchase, as it uses none up."""
    return sale.context.first_purchase and sale.purchase.total > 0


def _in_hours(condition: ReadyCondition, sale: _Sale) -> bool:
    """After midnight, hours that began the day before go by that day's name."""
    day = sale.weekday
    if condition.minutes is not None:
        begin, end = condition.minutes
        if begin < end:
            if not begin <= sale.minute < end:
                return False
        elif sale.minute < end:
            day = (day - 1) % 7
        elif sale.minute < begin:
            return False
    return not condition.weekdays or day in condition.weekdays


def _visits(program: CompiledProgram, sale: _Sale) -> int:
    """A purchase is one visit, unless the limit of every visit rule is used up."""
    limits = [rule.limit for rule in program.rules if rule.kind == "visit"]
    return 1 if not limits or any(_visit_counts(limit, sale) for limit in limits) else 0


def _visit_counts(limit: rules.VisitLimit | None, sale: _Sale) -> bool:
    if limit is None:
        return True
    if limit.hours is None:
        return sale.context.visits_today < limit.count
    near = timedelta(hours=limit.hours)
    at = sale.purchase.occurred_at
    return sum(abs(at - visit) < near for visit in sale.context.visit_times) < limit.count


def _gifts(program: CompiledProgram, sale: _Sale) -> list[_Gift]:
    gifts = []
    for rule in program.rules:
        if rule.condition is None or _holds(rule.condition, sale):
            gift = _gift(program.unit, rule, sale)
            if gift.units:
                gifts.append(gift)
    return gifts


def _gift(unit: int, rule: ReadyRule, sale: _Sale) -> _Gift:
    """What the rule gives alone; a rule with SKUs or categories sees only their counting lines."""
    words = rule.words.copy()
    lines: Sequence[int] | None = None
    amount = sale.base
    if rule.chosen or rule.products:
        lines = _matching(rule, sale)
        amount = sum([sale.amounts[index] for index in lines])
    kind, units = rule.kind, 0
    if kind == "spend":
        steps = amount * (unit // rule.per) if unit != PER_CENT else amount // rule.per * unit
        units = steps * rule.each
        words["amount"] = amount
    elif kind == "percent":
        units = amount * rule.each * (unit // PER_CENT)
        words["amount"] = amount
    elif kind == "product":
        count = sum(sale.purchase.lines[index].quantity for index in lines or ())
        units = count * rule.each * unit
        words["units"] = count
    elif kind == "visit":
        units = rule.each * unit if _visit_counts(rule.limit, sale) else 0
    elif amount > 0:
        units = rule.each * unit
    words["points"] = exact(units, unit)
    return _Gift(rule, units, lines, words)


def _matching(rule: ReadyRule, sale: _Sale) -> list[int]:
    lines = sale.purchase.lines
    return [
        index
        for index in sale.counting
        if (rule.chosen is None or rule.chosen.has(lines[index]))
        and (rule.products is None or rule.products.has(lines[index]))
    ]


def _combined(gifts: list[_Gift], words: dict[str, Any]) -> list[_Gift]:
    """All stackable gifts, or the one non-stackable with the highest priority (the first of
    equals) and nothing else. A rule that gives nothing suppresses nothing."""
    alone = [gift for gift in gifts if not gift.rule.stackable]
    if alone:
        best = max(alone, key=lambda gift: gift.rule.priority)
        suppressed = [gift.words["id"] for gift in gifts if gift is not best]
        if suppressed:
            words["suppressed"] = suppressed
        gifts = [best]
    if gifts:
        words["rules"] = [gift.words for gift in gifts]
    return gifts


def _multiplied(
    program: CompiledProgram, sale: _Sale, gifts: list[_Gift], words: dict[str, Any]
) -> tuple[int, int]:
    """Gifts, multipliers and the rank's bonus together, as an exact (numerator, denominator)."""
    scalable = [gift for gift in gifts if gift.rule.kind not in ("fixed", "visit")]
    flat = sum([gift.units for gift in gifts if gift.rule.kind in ("fixed", "visit")])
    factor, scale, limited = _factors(program, sale, scalable, words)
    rank = program.ranks.get(sale.context.rank) if sale.context.rank else None
    if rank is not None and (rank.bonus or rank.factor != ONE):
        bonus = sale.base * rank.bonus * (program.unit // PER_CENT)
        flat += bonus
        factor, scale = factor * rank.factor, scale * ONE
        words["rank"] = {**rank.words, "bonus": exact(bonus, program.unit)} if bonus else rank.words
    if not limited:
        return sum([gift.units for gift in scalable]) * factor + flat * scale, program.unit * scale
    num, den = flat * scale, program.unit * scale
    for gift in scalable:
        weighed, whole = _by_line(gift, sale, limited)
        num = num * whole + gift.units * weighed * factor * (den // (program.unit * scale))
        den *= whole
    return num, den


def _factors(
    program: CompiledProgram, sale: _Sale, scalable: list[_Gift], words: dict[str, Any]
) -> tuple[int, int, list[ReadyMultiplier]]:
    """The product of the factors that scale everything, and the multipliers of some lines only."""
    factor, scale = 1, 1
    limited: list[ReadyMultiplier] = []
    applied = []
    for multiplier in program.multipliers if scalable else ():
        if multiplier.condition is not None and not _holds(multiplier.condition, sale):
            continue
        if multiplier.chosen is None:
            factor, scale = factor * multiplier.factor, scale * ONE
        elif any(multiplier.chosen.has(sale.purchase.lines[index]) for index in sale.counting):
            limited.append(multiplier)
        else:
            continue
        applied.append(multiplier.words)
    if applied:
        words["multipliers"] = applied
    return factor, scale, limited


def _by_line(gift: _Gift, sale: _Sale, limited: list[ReadyMultiplier]) -> tuple[int, int]:
    """What the multipliers of some lines make of the gift, as a fraction of it: each line's share
    of it is scaled by those that name the line."""
    lines, product = sale.purchase.lines, gift.rule.kind == "product"
    weighed = whole = 0
    for index in sale.counting if gift.lines is None else gift.lines:
        weight = lines[index].quantity if product else sale.amounts[index]
        whole += weight
        for multiplier in limited:
            if multiplier.chosen is not None and multiplier.chosen.has(lines[index]):
                weight *= multiplier.factor
            else:
                weight *= ONE
        weighed += weight
    return weighed, whole * ONE ** len(limited)


def _capped(
    program: CompiledProgram, context: Context, num: int, den: int, words: dict[str, Any]
) -> tuple[int, int]:
    """No more than what each cap has left."""
    cuts = []
    for cap in program.caps:
        left = max(cap.points - _given(cap, context), 0)
        if num > left * den:
            cuts.append({"per": cap.per, "limit": cap.points, "from": exact(num, den), "to": left})
            if cap.id != rules.CAMPAIGN:
                cuts[-1]["id"] = cap.id
            num, den = left, 1
    if cuts:
        words["caps"] = cuts
    return (num, den) if num <= _LARGEST_AWARD * den else (_LARGEST_AWARD, 1)


def _given(cap: rules.Cap, context: Context) -> int:
    if cap.per == "purchase":
        return 0
    if cap.per == "day":
        return context.given_today
    if cap.per == "month":
        return context.given_month
    if cap.id == rules.CAMPAIGN:
        return context.given_campaign
    return dict(context.given_campaigns).get(cap.id, 0)


def _rounded(
    program: CompiledProgram, context: Context, num: int, den: int, words: dict[str, Any]
) -> tuple[int, tuple[int, int]]:
    """The one rounding. With carry-over the fraction left last time joins after the caps, and what
    this rounding leaves (below zero where it rounded up) is left for the next."""
    most = -(-num // den)
    if program.carry and context.remainder[0]:
        words["carried"] = exact(*context.remainder)
        num = num * context.remainder[1] + context.remainder[0] * den
        den *= context.remainder[1]
    if num % den == 0 and not program.carry:
        return num // den, context.remainder
    # A refund can leave less than nothing carried: then less is given until that is made up for.
    points = max(min(_round(program.rounding, num, den), most), 0)
    if num % den:
        words["exact"] = exact(num, den)
        words["rounding"] = program.rounding
    if not program.carry:
        return points, context.remainder
    left = _bounded(num - points * den, den)
    if left[0]:
        words["remainder"] = exact(*left)
        if missing := missing_amount(program, left, context.rank):
            words["missing"] = missing
    return points, left


def _round(rounding: str, num: int, den: int) -> int:
    if rounding == "ceil":
        return -(-num // den)
    return (2 * num + den) // (2 * den) if rounding == "half_up" else num // den


def _bounded(num: int, den: int) -> tuple[int, int]:
    """In lowest terms; what is finer than the limit is rounded up for the customer."""
    common = gcd(num, den)
    num, den = num // common, den // common
    if den > _REMAINDER_LIMIT:
        return -(-num * _REMAINDER_LIMIT // den), _REMAINDER_LIMIT
    return num, den


def exact(num: int, den: int) -> str:
    """A fraction as text without loss: "12", "1.5", or "1/3" where decimals do not end."""
    if num % den == 0:
        return str(num // den)
    sign = "-" if num < 0 else ""
    whole, rest = divmod(abs(num), den)
    digits = rest * 10**12
    if digits % den == 0:
        return f"{sign}{whole}.{digits // den:012d}".rstrip("0")
    common = gcd(num, den)
    return f"{num // common}/{den // common}"
