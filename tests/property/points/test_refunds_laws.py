"""Laws of refunds, whatever the rules, the receipt and the order."""

from collections import Counter
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.points.errors import NotRefundable
from services.points.rules.earn import CompiledProgram, Context, Purchase, compile_program, evaluate
from services.points.rules.program import parse
from services.points.rules.purchase import check_purchase
from services.points.rules.refunds import Past, Refund, Wanted, plan, remaining, units_left
from tests.property.points.test_earn_laws import (
    AMOUNTS,
    MONDAY,
    ROUNDINGS,
    fixed,
    multipliers,
    percent,
    product,
    receipts,
    some_rules,
    spend,
    with_ids,
)

ALL = Wanted()
FRACTIONS = st.fractions(min_value=0, max_value=1, max_denominator=100).filter(lambda f: f < 1)

accruals = st.fixed_dictionaries(
    {
        "rules": some_rules(spend, percent, fixed, product),
        "multipliers": multipliers,
        "rounding": ROUNDINGS,
        "base_amount": st.sampled_from(["tax_included", "tax_excluded"]),
        "carry_remainder": st.booleans(),
        "minimum_spend": st.integers(0, 1000),
    }
)
amounts = st.builds(lambda amount: Wanted(amount=amount), st.integers(1, 50_000))
units = st.builds(
    lambda lines: Wanted(lines=lines),
    st.dictionaries(st.sampled_from("ABC"), st.integers(1, 3), min_size=1),
)


class Refunding:
    """A purchase and its refunds so far; what is refused changes nothing."""

    def __init__(self, program: CompiledProgram, purchase: Purchase, context: Context) -> None:
        self.program, self.purchase, self.context = program, purchase, context
        self.awarded = evaluate(program, purchase, context).points
        self.past = Past()
        self.done: list[Refund] = []

    def refund(self, wanted: Wanted) -> None:
        try:
            done = plan(self.program, self.purchase, self.context, self.awarded, self.past, wanted)
        except NotRefundable:
            return
        self.past = self.past.plus(done.money, done.units, done.points_due)
        self.done.append(done)


def started(accrual: dict[str, Any], purchase: Purchase, carried: Fraction) -> Refunding:
    context = Context(remainder=(carried.numerator, carried.denominator))
    return Refunding(compile_program(parse({"accrual": accrual})), purchase, context)


@settings(max_examples=200, deadline=None)
@given(accruals, receipts(), FRACTIONS, st.lists(st.one_of(amounts, units), max_size=6))
def test_any_refunds_that_end_whole_take_everything_back_and_no_more(
    accrual: dict[str, Any], purchase: Purchase, carried: Fraction, asked: list[Wanted]
) -> None:
    refunding = started(accrual, purchase, carried)
    for wanted in [*asked, ALL]:
        refunding.refund(wanted)
    done = refunding.done
    assert done[-1].whole and done[-1].left == 0
    assert sum(each.money for each in done) == purchase.total
    assert sum(each.points_due for each in done) == refunding.awarded
    assert min(each.points_due for each in done) >= 0
    assert min(each.money for each in done) >= 0
    award = evaluate(refunding.program, purchase, refunding.context)
    kept = Fraction(*award.remainder) + sum(each.carried for each in done)
    assert kept == carried or not accrual["carry_remainder"]


@settings(max_examples=200, deadline=None)
@given(accruals, receipts(), st.lists(st.one_of(amounts, units), max_size=4))
def test_what_is_left_is_a_receipt_that_adds_up_and_never_more_than_it_was(
    accrual: dict[str, Any], purchase: Purchase, asked: list[Wanted]
) -> None:
    refunding = started(accrual, purchase, Fraction())
    for wanted in asked:
        refunding.refund(wanted)
        left = remaining(purchase, refunding.past)
        assert check_purchase(left) == []
        assert left.total == purchase.total - refunding.past.money
        assert left.tax <= purchase.tax
        if not refunding.done or not refunding.done[-1].whole:
            there = Counter[str]()
            for line in left.lines:
                there[line.sku or ""] += line.quantity
            assert there == units_left(purchase, refunding.past)


@settings(max_examples=200, deadline=None)
@given(accruals, receipts(), FRACTIONS)
def test_nothing_refunded_is_the_purchase_as_it_was(
    accrual: dict[str, Any], purchase: Purchase, carried: Fraction
) -> None:
    refunding = started(accrual, purchase, carried)
    same = evaluate(refunding.program, remaining(purchase, Past()), refunding.context)
    was = evaluate(refunding.program, purchase, refunding.context)
    assert (same.points, same.base, same.remainder) == (was.points, was.base, was.remainder)


# Steps of the whole receipt make a line worth more alone than beside others, so no order could
# leave the same; a refund never gives points.
steady = st.fixed_dictionaries(
    {"rules": some_rules(percent, fixed, product), "multipliers": multipliers}
)


@settings(max_examples=200, deadline=None)
@given(steady, receipts(), st.lists(units, min_size=2, max_size=5), st.randoms())
def test_the_order_in_which_lines_come_back_does_not_matter(
    accrual: dict[str, Any], purchase: Purchase, asked: list[Wanted], chance: Any
) -> None:
    left = units_left(purchase, Past())
    possible = []
    for wanted in asked:
        taken = {sku: min(n, left.get(sku, 0)) for sku, n in (wanted.lines or {}).items()}
        possible.append(Wanted(lines={sku: n for sku, n in taken.items() if n}))
        left = {sku: n - taken.get(sku, 0) for sku, n in left.items()}
    other = list(possible)
    chance.shuffle(other)
    totals = []
    for order in (possible, other):
        refunding = started(accrual, purchase, Fraction())
        for wanted in order:
            if wanted.lines and refunding.past.money < purchase.total:
                refunding.refund(wanted)
        totals.append((refunding.past.money, refunding.past.points_due))
    assert totals[0] == totals[1]


@settings(max_examples=150, deadline=None)
@given(
    per=st.integers(1, 1000),
    rounding=ROUNDINGS,
    purchases=st.lists(AMOUNTS.filter(bool), min_size=1, max_size=5),
    refunds=st.lists(st.tuples(st.integers(0, 4), st.integers(1, 100_000)), max_size=8),
)
def test_with_carrying_points_and_fractions_are_worth_what_was_bought_and_kept(
    per: int, rounding: str, purchases: list[int], refunds: list[tuple[int, int]]
) -> None:
    rules = with_ids([{"type": "spend", "per": per, "points": 1}])
    accrual = {"rules": rules, "carry_remainder": True, "rounding": rounding}
    carried, cases = Fraction(), []
    for total in purchases:
        receipt = Purchase(total=total, occurred_at=MONDAY)
        cases.append(started(accrual, receipt, carried))
        award = evaluate(cases[-1].program, receipt, cases[-1].context)
        carried = Fraction(*award.remainder)
    for index, amount in refunds:
        cases[index % len(cases)].refund(Wanted(amount=amount))
    given_ = sum(case.awarded - case.past.points_due for case in cases)
    carried += sum((each.carried for case in cases for each in case.done), Fraction())
    kept = sum(case.purchase.total - case.past.money for case in cases)
    assert given_ + carried == Fraction(kept, per)
