"""A purchase as accrual sees it: its shape, its checks, and what each line adds to the base.

Owns discounts, taxes and how they are shared out over lines. Must not know any rule.
"""

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any, Protocol

from msgspec import Struct

from services.points.rules.terms import Problem

_MOST = 10**12  # of any amount of money


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
