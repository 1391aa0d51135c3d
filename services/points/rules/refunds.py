"""What a refund leaves of a purchase, and what it takes back of the points. Pure.

What is left follows from the units left of each line and the money left, not from the order in
which they went: a unit takes its share of its line with it (the last one settles the rest), money
back without goods makes every line cheaper alike and keeps the units. A refund that leaves no money
settles everything. Must not know lots or balances.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction

from msgspec import Struct

from services.points.errors import NotRefundable
from services.points.rules.earn import Award, CompiledProgram, Context, evaluate
from services.points.rules.purchase import (
    AnyLine,
    AnyPurchase,
    Line,
    Purchase,
    apportion,
    line_bases,
)


class Units(Struct, frozen=True):
    """So many units of a line (index from 0, in the order of the receipt)."""

    line: int
    sku: str | None
    quantity: int


class Wanted(Struct, frozen=True):
    """What is asked to be refunded: an `amount` (minor units), units by SKU, or neither for all."""

    amount: int | None = None
    lines: Mapping[str, int] | None = None


class Past(Struct, frozen=True):
    """What earlier refunds of the purchase came to: how many, money, units by line, points."""

    refunds: int = 0
    money: int = 0
    units: Mapping[int, int] = {}
    points_due: int = 0

    def plus(self, money: int, units: Sequence[Units], points_due: int = 0) -> "Past":
        """With one more."""
        more = Counter({each.line: each.quantity for each in units})
        return Past(
            self.refunds + 1,
            self.money + money,
            Counter(self.units) + more,
            self.points_due + points_due,
        )


class Refund(Struct, frozen=True, kw_only=True):
    """What a refund comes to: money, units, the purchase's points before it and after it.

    `left` is the money that can still be refunded, `whole` whether nothing is left; `carried` is
    what the account's carried fraction of a point changes by.
    """

    money: int
    units: tuple[Units, ...]
    left: int
    whole: bool
    points_before: int
    points_now: int
    carried: Fraction

    @property
    def points_due(self) -> int:
        return self.points_before - self.points_now


def plan(
    program: CompiledProgram,
    purchase: AnyPurchase,
    context: Context,
    awarded: int,
    past: Past,
    wanted: Wanted,
) -> Refund:
    """The refund of a purchase that earned `awarded` points under this program and context.

    Points due = awarded - what the remaining purchase earns - those due before; never below zero,
    so whatever the rules do, all of them are due in the end and no more. Raises NotRefundable, with
    what is left, for more than that.
    """
    left = purchase.total - past.money
    if past.refunds and not left:
        raise NotRefundable(
            "nothing-left",
            "すでに全額が返金済みです。",
            "All of this purchase was refunded before.",
            0,
            {},
        )
    units = _units(purchase, past, wanted)
    money = _money(purchase, past, wanted, units)
    before = awarded - past.points_due
    earned, carried = _earned(program, purchase, context, past, past.plus(money, units))
    return Refund(
        money=money,
        units=units,
        left=left - money,
        whole=left == money,
        points_before=before,
        points_now=min(earned, before),
        carried=carried,
    )


def _earned(
    program: CompiledProgram, purchase: AnyPurchase, context: Context, past: Past, after: Past
) -> tuple[int, Fraction]:
    """What the remaining purchase earns, and how the fraction that it carries changed.

    Both go by the fraction that the purchase began with, so the fractions of a purchase that is
    gone are gone with it, and those of later purchases stay.
    """
    now = Award(0, 0, 0, context.remainder, {})
    if after.money < purchase.total:
        now = evaluate(program, remaining(purchase, after), context)
    if not program.carry:
        return now.points, Fraction()
    was = evaluate(program, remaining(purchase, past), context)
    return now.points, Fraction(*now.remainder) - Fraction(*was.remainder)


def remaining(purchase: AnyPurchase, past: Past) -> Purchase:
    """The purchase less what was refunded, discounts already taken off its lines.

    Lines give the total, and their taxes its tax, to the unit; both never more than they were.
    """
    plain = without_discounts(purchase)
    left = plain.total - past.money
    if not plain.lines:
        tax = plain.tax * left // plain.total if plain.total else 0
        return _bought(plain, left, tax, ())
    worth = _worth(plain.lines, past.units)
    amounts = worth if sum(worth) == left else apportion(left, worth)
    lines = [
        Line(
            amount=amounts[index],
            sku=line.sku,
            category=line.category,
            name=line.name,
            quantity=line.quantity - past.units.get(index, 0),
            tax=line.tax * amounts[index] // line.amount if line.amount else 0,
        )
        for index, line in enumerate(plain.lines)
        if line.quantity > past.units.get(index, 0)
    ]
    return _bought(plain, left, sum(line.tax for line in lines), lines)


def without_discounts(purchase: AnyPurchase) -> Purchase:
    """The same purchase with its discounts taken off its lines and its tax shared out to them."""
    taxed = line_bases(purchase, tax_excluded=False)
    plain = line_bases(purchase, tax_excluded=True)
    lines = [
        Line(
            amount=amount,
            sku=line.sku,
            category=line.category,
            name=line.name,
            quantity=line.quantity,
            tax=amount - base,
        )
        for line, amount, base in zip(purchase.lines, taxed, plain, strict=True)
    ]
    return _bought(purchase, purchase.total, purchase.tax, lines)


def units_left(purchase: AnyPurchase, past: Past) -> dict[str, int]:
    """By SKU how many units have not been refunded; none once no money is left."""
    left: Counter[str] = Counter()
    if past.refunds and past.money == purchase.total:
        return {}
    for index, line in enumerate(purchase.lines):
        if line.sku:
            left[line.sku] += line.quantity - past.units.get(index, 0)
    return dict(+left)


def _units(purchase: AnyPurchase, past: Past, wanted: Wanted) -> tuple[Units, ...]:
    """The units that the refund takes, of lines with the same SKU the first ones first."""
    if wanted.amount is not None:
        return ()
    missing = dict(wanted.lines or {})
    found = []
    for index, line in enumerate(purchase.lines):
        there = line.quantity - past.units.get(index, 0)
        taken = there if wanted.lines is None else min(there, missing.get(line.sku or "", 0))
        if taken:
            found.append(Units(index, line.sku, taken))
            if line.sku in missing:
                missing[line.sku] -= taken
    if any(missing.values()):
        sku = next(sku for sku, more in missing.items() if more)
        raise _too_many(purchase, past, sku)
    return tuple(found)


def _money(purchase: AnyPurchase, past: Past, wanted: Wanted, units: Sequence[Units]) -> int:
    """What the refund pays back. Lines are worth what is left of them after amounts refunded."""
    left = purchase.total - past.money
    if wanted.amount is None and wanted.lines is None:
        return left
    if wanted.amount is not None:
        if wanted.amount > left:
            raise NotRefundable(
                "more-than-left",
                f"返金できるのは残り{left}までです。",
                f"Only {left} is left to be refunded.",
                left,
                units_left(purchase, past),
            )
        return wanted.amount
    lines = without_discounts(purchase).lines
    gone = Counter(past.units) + Counter({each.line: each.quantity for each in units})
    before, after = sum(_worth(lines, past.units)), sum(_worth(lines, gone))
    return left - (left * after // before if before else 0)


def _worth(lines: Sequence[AnyLine], units: Mapping[int, int]) -> list[int]:
    """What each line is worth without the units that came back; the last one takes the rest."""
    return [
        line.amount - line.amount * units.get(index, 0) // line.quantity
        for index, line in enumerate(lines)
    ]


def _too_many(purchase: AnyPurchase, past: Past, sku: str) -> NotRefundable:
    left = units_left(purchase, past)
    return NotRefundable(
        "more-than-left",
        f"商品 {sku} で返品できるのは残り{left.get(sku, 0)}点です。",
        f"Of {sku}, {left.get(sku, 0)} can still be returned.",
        purchase.total - past.money,
        left,
    )


def _bought(like: AnyPurchase, total: int, tax: int, lines: Sequence[Line]) -> Purchase:
    return Purchase(
        total=total, tax=tax, occurred_at=like.occurred_at, store=like.store, lines=lines
    )
