"""What a purchase earns under a program: one pure function, exact to the end, rounded once.

Owns the arithmetic of accrual (base, rules, combination, multipliers, caps, rounding, remainder)
and the explanation of each result. Must not read clocks or stores: what it has to know of the
member and the past comes in a `Context`. Fractions of points are integers over a denominator.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from math import gcd, lcm
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from msgspec import Struct

from services.points import program as rules
from services.points.program import Cap, Problem, Program

_ONE = 10_000  # decimal strings carry at most four decimals: the factor "1.5" is 15000 of these
_PER_CENT = 100 * _ONE  # "1.0" percent is 10000 of 1000000
_REMAINDER_LIMIT = 10**18  # keeps a carried fraction within two bigints
_MOST = 10**12  # of any amount of money
_LARGEST_AWARD = 10**12  # so that no rules, however mistaken, overflow a balance


class AnyLine(Protocol):
    """A receipt line; `amount` is the whole line, tax included, in minor units."""

    @property
    def amount(self) -> int: ...

    @property
    def sku(self) -> str | None: ...

    @property
    def category(self) -> str | None: ...

    @property
    def name(self) -> str | None: ...

    @property
    def quantity(self) -> int: ...

    @property
    def tax(self) -> int: ...


class AnyPayment(Protocol):
    """How a part was paid. It never lowers the base, whatever the method."""

    @property
    def amount(self) -> int: ...


class AnyDiscount(Protocol):
    """Money off; `lines` are indexes from 0 (or SKUs), none of them means the whole bill."""

    @property
    def amount(self) -> int: ...

    @property
    def lines(self) -> Sequence[int | str] | None: ...


class AnyPurchase(Protocol):
    """A purchase as far as accrual looks at it, wherever it was decoded."""

    @property
    def total(self) -> int: ...

    @property
    def tax(self) -> int: ...

    @property
    def occurred_at(self) -> datetime: ...

    @property
    def store(self) -> str: ...

    @property
    def lines(self) -> Sequence[AnyLine]: ...

    @property
    def payments(self) -> Sequence[AnyPayment]: ...

    @property
    def discounts(self) -> Sequence[AnyDiscount]: ...


class Line(Struct, frozen=True, kw_only=True):
    """A plain AnyLine."""

    amount: int
    sku: str | None = None
    category: str | None = None
    name: str | None = None
    quantity: int = 1
    tax: int = 0


class Payment(Struct, frozen=True, kw_only=True):
    """A plain AnyPayment; `redemption` names the points spent."""

    amount: int
    method: str = ""
    redemption: str | None = None


class Discount(Struct, frozen=True, kw_only=True):
    """A plain AnyDiscount."""

    amount: int
    lines: Sequence[int | str] | None = None


class Purchase(Struct, frozen=True, kw_only=True):
    """A plain AnyPurchase."""

    total: int
    occurred_at: datetime
    store: str = ""
    tax: int = 0
    lines: Sequence[Line] = ()
    payments: Sequence[Payment] = ()
    discounts: Sequence[Discount] = ()


# What is counted of a purchase.


def check_purchase(purchase: AnyPurchase) -> list[Problem]:
    """Everything that keeps a purchase from being counted, as (path, message); [] when fine."""
    problems = [*_amounts("total", purchase.total), *_amounts("tax", purchase.tax)]
    if 0 <= purchase.total < purchase.tax:
        problems.append(Problem("tax", "is more than the total; total includes tax"))
    if purchase.occurred_at.tzinfo is None:
        problems.append(Problem("occurred_at", "needs an offset, such as +09:00"))
    if not 1970 <= purchase.occurred_at.year <= 2999:
        problems.append(Problem("occurred_at", "must be between the years 1970 and 2999"))
    for index, line in enumerate(purchase.lines):
        problems += _line_problems(f"lines[{index}]", line)
    for index, payment in enumerate(purchase.payments):
        problems += _amounts(f"payments[{index}].amount", payment.amount)
    if sum(payment.amount for payment in purchase.payments) > purchase.total:
        problems.append(Problem("payments", "sum to more than the total"))
    for index, discount in enumerate(purchase.discounts):
        problems += _discount_problems(f"discounts[{index}]", discount, purchase.lines)
    return problems or _sum_problems(purchase)


def _line_problems(path: str, line: AnyLine) -> list[Problem]:
    problems = _amounts(f"{path}.amount", line.amount)
    problems += _amounts(f"{path}.tax", line.tax)
    if 0 <= line.amount < line.tax:
        problems.append(Problem(f"{path}.tax", "is more than the line; amount includes tax"))
    if not 1 <= line.quantity <= 1_000_000:
        problems.append(Problem(f"{path}.quantity", "must be from 1 to 1000000"))
    return problems


def _discount_problems(path: str, discount: AnyDiscount, lines: Sequence[AnyLine]) -> list[Problem]:
    problems = _amounts(f"{path}.amount", discount.amount)
    for index, name in enumerate(discount.lines or ()):
        if not _named(lines, [name]):
            problems.append(Problem(f"{path}.lines[{index}]", "is not a line of this purchase"))
    return problems


def _sum_problems(purchase: AnyPurchase) -> list[Problem]:
    """Lines give the total and the bill's discounts; those on lines may be in there or not."""
    if not purchase.lines:
        return []
    whole = sum(line.amount for line in purchase.lines)
    expected = purchase.total + sum(each.amount for each in purchase.discounts if not each.lines)
    named = sum(each.amount for each in purchase.discounts if each.lines)
    if whole == expected:
        return []
    if whole != expected + named:
        return [Problem("lines", f"sum to {whole}; with the discounts they must sum to {expected}")]
    return [
        Problem(f"discounts[{index}].amount", "is more than its lines")
        for index, each in enumerate(purchase.discounts)
        if each.lines and each.amount > _worth(purchase.lines, each.lines)
    ]


def _worth(lines: Sequence[AnyLine], names: Sequence[int | str]) -> int:
    return sum(lines[index].amount for index in _named(lines, names))


def _amounts(path: str, amount: int) -> list[Problem]:
    if 0 <= amount <= _MOST:
        return []
    return [Problem(path, f"must be from 0 to {_MOST}")]


def line_bases(purchase: AnyPurchase, tax_excluded: bool) -> list[int]:
    """What each line adds to the base: its amount less its share of discounts, less its tax.

    Together the lines give `total` (less `tax`) to the unit. Taxes are taken as given; where those
    of the lines do not sum to the bill's (discounts came after, or none were given), the bill's is
    shared out like them, or where that is more than a line, by amount.
    """
    amounts = [line.amount for line in purchase.lines]
    if purchase.discounts:
        amounts = _discounted(purchase, amounts)
    if not tax_excluded:
        return amounts
    taxes = [line.tax for line in purchase.lines]
    if sum(taxes) != purchase.tax:
        taxes = apportion(purchase.tax, _tax_weights(purchase.lines, amounts))
    if any(tax > amount for tax, amount in zip(taxes, amounts, strict=True)):
        taxes = apportion(purchase.tax, amounts)
    return _less(amounts, taxes)


def _tax_weights(lines: Sequence[AnyLine], amounts: list[int]) -> Sequence[Any]:
    """Each line's tax as far as its discounts left it; the amounts where no line has any."""
    weights = [
        Fraction(line.tax * amount, line.amount) if line.amount else Fraction(0)
        for line, amount in zip(lines, amounts, strict=True)
    ]
    return weights if any(weights) else amounts


def _discounted(purchase: AnyPurchase, amounts: list[int]) -> list[int]:
    """The lines less their discounts. A discount that names lines is taken off them unless their
    amounts already are net of it, which the sums tell."""
    bill = sum(each.amount for each in purchase.discounts if not each.lines)
    if sum(amounts) != purchase.total + bill:
        for discount in purchase.discounts:
            if discount.lines:
                named = _named(purchase.lines, discount.lines)
                weights = [each if index in named else 0 for index, each in enumerate(amounts)]
                amounts = _less(amounts, apportion(discount.amount, weights))
    return _less(amounts, apportion(bill, amounts)) if bill else amounts


def _named(lines: Sequence[AnyLine], names: Sequence[int | str]) -> set[int]:
    return {
        index
        for index, line in enumerate(lines)
        if index in names or (line.sku and line.sku in names)
    }


def _less(amounts: list[int], shares: list[int]) -> list[int]:
    return [max(amount - share, 0) for amount, share in zip(amounts, shares, strict=True)]


def apportion(total: int, weights: Sequence[Any]) -> list[int]:
    """Share out `total` by weight in whole units: largest remainder first, then first line."""
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    shares = [int(total * weight // whole) for weight in weights]
    order = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for index in order[: total - sum(shares)]:
        shares[index] += 1
    return shares


# A program made ready.


class _Chosen(Struct, frozen=True):
    """Lines by SKU or category; either matches."""

    skus: frozenset[str]
    categories: frozenset[str]

    def has(self, line: AnyLine) -> bool:
        return line.sku in self.skus or line.category in self.categories


class _Condition(Struct, frozen=True):
    weekdays: frozenset[int]
    start: datetime | None
    end: datetime | None
    minutes: tuple[int, int] | None
    stores: frozenset[str]
    ranks: frozenset[str]
    birthday_month: bool
    first_purchase: bool


class _Rule(Struct, frozen=True):
    """A rule made ready: `each` points for every `per`, and what does not change in its words."""

    kind: str
    each: int
    per: int
    stackable: bool
    priority: int
    limit: rules.VisitLimit | None
    condition: _Condition | None
    chosen: _Chosen | None
    products: _Chosen | None
    words: dict[str, Any]


class _Multiplier(Struct, frozen=True):
    factor: int
    condition: _Condition | None
    chosen: _Chosen | None
    words: dict[str, Any]


class _Rank(Struct, frozen=True):
    bonus: int
    factor: int
    words: dict[str, Any]


class CompiledProgram(Struct, frozen=True):
    """A program made ready for many evaluations; make it once per published version."""

    zone: ZoneInfo
    rules: tuple[_Rule, ...]
    multipliers: tuple[_Multiplier, ...]
    ranks: dict[str, _Rank]
    excluded: _Chosen | None
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
        unit=_PER_CENT * (lcm(*steps) if accrual.carry_remainder else 1),
        looks_at_lines=bool(excluded or limited or products),
        looks_at_clock=any(w.weekdays or w.hours or w.birthday_month for w in conditions),
        words=words,
    )


def _rule(rule: rules.Rule, zone: ZoneInfo) -> _Rule:
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
    return _Rule(
        kind, each, per, rule.stackable, rule.priority, limit, condition, chosen, products, words
    )


def _multiplier(multiplier: rules.Multiplier, zone: ZoneInfo) -> _Multiplier:
    words: dict[str, Any] = {"id": multiplier.id, "factor": multiplier.factor}
    if multiplier.name:
        words["name"] = multiplier.name
    if multiplier.when:
        words["when"] = _plain(multiplier.when)
    return _Multiplier(_scaled(multiplier.factor), *_condition(multiplier.when, zone), words)


def _plain(when: rules.When) -> dict[str, Any]:
    """The conditions that were set, as JSON."""
    names = zip(when.__struct_fields__, when.__struct_encode_fields__, strict=True)
    set_ones = ((name, getattr(when, attribute)) for attribute, name in names)
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in set_ones
        if value
    }


def _rank(level: rules.Level) -> _Rank:
    bonus, factor = _scaled(level.rate_bonus_percent), _scaled(level.multiplier)
    words: dict[str, Any] = {"code": level.code, "name": level.name}
    if bonus:
        words["percent"] = level.rate_bonus_percent
    if factor != _ONE:
        words["factor"] = level.multiplier
    return _Rank(bonus, factor, words)


def _condition(when: rules.When | None, zone: ZoneInfo) -> tuple[_Condition | None, _Chosen | None]:
    if when is None:
        return None, None
    hours = when.hours
    condition = _Condition(
        weekdays=frozenset(rules.WEEKDAYS.index(day) for day in when.weekdays),
        start=rules.moment(when.from_, zone, end=False) if when.from_ else None,
        end=rules.moment(when.until, zone, end=True) if when.until else None,
        minutes=(_minute(hours[:5]), _minute(hours[6:])) if hours else None,
        stores=frozenset(when.stores),
        ranks=frozenset(when.ranks),
        birthday_month=when.birthday_month,
        first_purchase=when.first_purchase,
    )
    return condition, _chosen(when.skus, when.categories)


def _chosen(skus: Iterable[str], categories: Iterable[str]) -> _Chosen | None:
    chosen = _Chosen(frozenset(skus), frozenset(categories))
    return chosen if chosen.skus or chosen.categories else None


def _minute(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def _scaled(text: str) -> int:
    return int(Fraction(text) * _ONE)


# Evaluation.


class Context(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the past contributes, at the time of the purchase; worth keeping with the earn entry.

    `visits_today` counts visits on that calendar day in the program's time zone, `visit_times` are
    the recent ones (aware). `given_*` are points already given against the caps of that kind.
    `remainder` is the carried fraction of a point as (numerator, denominator).
    """

    rank: str | None = None
    first_purchase: bool = False
    birthday_month: int | None = None
    visits_today: int = 0
    visit_times: tuple[datetime, ...] = ()
    given_today: int = 0
    given_month: int = 0
    given_campaign: int = 0
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

    rule: _Rule
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


def _counting(
    excluded: _Chosen, lines: Sequence[AnyLine]
) -> tuple[list[int], list[dict[str, Any]]]:
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


def _holds(condition: _Condition, sale: _Sale) -> bool:
    """Whether everything but the lines is as the condition wants it."""
    context, at = sale.context, sale.purchase.occurred_at
    return (
        (condition.start is None or condition.start <= at)
        and (condition.end is None or at < condition.end)
        and (not condition.stores or sale.purchase.store in condition.stores)
        and (not condition.ranks or context.rank in condition.ranks)
        and (not condition.first_purchase or context.first_purchase)
        and (not condition.birthday_month or context.birthday_month == sale.month)
        and _in_hours(condition, sale)
    )


def _in_hours(condition: _Condition, sale: _Sale) -> bool:
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


def _gift(unit: int, rule: _Rule, sale: _Sale) -> _Gift:
    """What the rule gives alone; a rule with SKUs or categories sees only their counting lines."""
    words = rule.words.copy()
    lines: Sequence[int] | None = None
    amount = sale.base
    if rule.chosen or rule.products:
        lines = _matching(rule, sale)
        amount = sum([sale.amounts[index] for index in lines])
    kind, units = rule.kind, 0
    if kind == "spend":
        steps = amount * (unit // rule.per) if unit != _PER_CENT else amount // rule.per * unit
        units = steps * rule.each
        words["amount"] = amount
    elif kind == "percent":
        units = amount * rule.each * (unit // _PER_CENT)
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


def _matching(rule: _Rule, sale: _Sale) -> list[int]:
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
    if rank is not None and (rank.bonus or rank.factor != _ONE):
        bonus = sale.base * rank.bonus * (program.unit // _PER_CENT)
        flat += bonus
        factor, scale = factor * rank.factor, scale * _ONE
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
) -> tuple[int, int, list[_Multiplier]]:
    """The product of the factors that scale everything, and the multipliers of some lines only."""
    factor, scale = 1, 1
    limited: list[_Multiplier] = []
    applied = []
    for multiplier in program.multipliers if scalable else ():
        if multiplier.condition is not None and not _holds(multiplier.condition, sale):
            continue
        if multiplier.chosen is None:
            factor, scale = factor * multiplier.factor, scale * _ONE
        elif any(multiplier.chosen.has(sale.purchase.lines[index]) for index in sale.counting):
            limited.append(multiplier)
        else:
            continue
        applied.append(multiplier.words)
    if applied:
        words["multipliers"] = applied
    return factor, scale, limited


def _by_line(gift: _Gift, sale: _Sale, limited: list[_Multiplier]) -> tuple[int, int]:
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
                weight *= _ONE
        weighed += weight
    return weighed, whole * _ONE ** len(limited)


def _capped(
    program: CompiledProgram, context: Context, num: int, den: int, words: dict[str, Any]
) -> tuple[int, int]:
    """No more than what each cap has left."""
    cuts = []
    for cap in program.caps:
        left = max(cap.points - _given(cap.per, context), 0)
        if num > left * den:
            cuts.append({"per": cap.per, "limit": cap.points, "from": exact(num, den), "to": left})
            num, den = left, 1
    if cuts:
        words["caps"] = cuts
    return (num, den) if num <= _LARGEST_AWARD * den else (_LARGEST_AWARD, 1)


def _given(per: str, context: Context) -> int:
    if per == "purchase":
        return 0
    if per == "day":
        return context.given_today
    return context.given_month if per == "month" else context.given_campaign


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
    points = min(_round(program.rounding, num, den), most)
    if num % den:
        words["exact"] = exact(num, den)
        words["rounding"] = program.rounding
    if not program.carry:
        return points, context.remainder
    left = _bounded(num - points * den, den)
    if left[0]:
        words["remainder"] = exact(*left)
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
