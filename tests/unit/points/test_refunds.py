"""What refunds take back, in tables that a shop owner could read. 1 point for ¥100 unless said."""

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any

import pytest

from services.points.errors import NotRefundable
from services.points.rules.earn import Context, Discount, Line, Purchase, compile_program, evaluate
from services.points.rules.program import parse
from services.points.rules.purchase import check_purchase
from services.points.rules.refunds import Past, Refund, Wanted, plan, remaining, units_left
from tests.unit.points.baskets import FRIDAY, GIFT, MONDAY, PER_100, VISIT, basket, bought

PLAIN = {"rules": [PER_100]}
ALL = Wanted()
Given = dict[str, Any]


def amount(money: int) -> Wanted:
    return Wanted(amount=money)


def lines(**quantities: int) -> Wanted:
    return Wanted(lines=quantities)


def refunded(
    accrual: Given,
    purchase: Purchase,
    wanted: Sequence[Wanted],
    context: Context | None = None,
    awarded: int | None = None,
    **document: Any,
) -> list[Refund]:
    """One refund after the other."""
    program = compile_program(parse({"accrual": accrual, **document}))
    context, past, done = context or Context(), Past(), []
    if awarded is None:
        awarded = evaluate(program, purchase, context).points
    for each in wanted:
        done.append(plan(program, purchase, context, awarded, past, each))
        past = past.plus(done[-1].money, done[-1].units, done[-1].points_due)
        assert check_purchase(remaining(purchase, past)) == []
    return done


def points(*given: Any, **more: Any) -> list[int]:
    return [each.points_due for each in refunded(*given, **more)]


def money(*given: Any, **more: Any) -> list[int]:
    return [each.money for each in refunded(*given, **more)]


def trio(**details: Any) -> Purchase:
    """Three coffees for ¥1,000 together and a cup for ¥500."""
    items = [
        Line(sku="COFFEE", category="food", amount=1000, quantity=3),
        Line(sku="CUP", category="goods", amount=500),
    ]
    return bought(1500, lines=items, **details)


@pytest.mark.parametrize(
    ("total", "refunds", "taken"),
    [
        (1000, [amount(300)], [3]),
        (1000, [amount(1)], [1]),  # ¥999 earn 9
        (1050, [amount(50)], [0]),
        (1050, [amount(51)], [1]),
        (1000, [ALL], [10]),
        (1000, [amount(1000)], [10]),
        (1000, [amount(300), ALL], [3, 7]),
        (1000, [amount(50), amount(50), amount(50)], [1, 0, 1]),
        (99, [ALL], [0]),
    ],
)
def test_an_amount(total: int, refunds: list[Wanted], taken: list[int]) -> None:
    assert points(PLAIN, bought(total), refunds) == taken


@pytest.mark.parametrize(
    ("refunds", "paid", "taken"),
    [
        ([lines(CUP=1)], [500], [5]),
        ([lines(COFFEE=1)], [333], [4]),  # ¥1,167 are left: 11 of 15
        ([lines(COFFEE=1), lines(COFFEE=1), lines(COFFEE=1)], [333, 333, 334], [4, 3, 3]),
        ([lines(COFFEE=3), lines(CUP=1)], [1000, 500], [10, 5]),
        ([lines(COFFEE=2, CUP=1), ALL], [1166, 334], [12, 3]),
        ([lines(CUP=1), amount(500), ALL], [500, 500, 500], [5, 5, 5]),
        # After half of the money came back, what is left is worth half.
        ([amount(750), lines(CUP=1), lines(COFFEE=3)], [750, 250, 500], [8, 2, 5]),
    ],
)
def test_lines(refunds: list[Wanted], paid: list[int], taken: list[int]) -> None:
    done = refunded(PLAIN, trio(), refunds)
    assert [each.money for each in done] == paid
    assert [each.points_due for each in done] == taken


def test_the_first_lines_of_a_sku_come_back_first_and_the_others_after_them() -> None:
    twice = bought(900, lines=[Line(sku="A", amount=600, quantity=2), Line(sku="A", amount=300)])
    assert money(PLAIN, twice, [lines(A=1), lines(A=2)]) == [300, 600]
    (both,) = refunded(PLAIN, twice, [lines(A=3)])
    assert [(each.line, each.quantity) for each in both.units] == [(0, 2), (1, 1)]


EXCLUDED = {**PLAIN, "excluded_categories": ["tobacco"]}


@pytest.mark.parametrize(
    ("refunds", "taken"),
    [
        ([lines(TOBACCO=1)], [0]),
        ([lines(FOOD=1)], [10]),
        ([amount(1000)], [5]),  # half of it was for food
        ([amount(1000), lines(TOBACCO=1)], [5, 0]),
        ([amount(1000), lines(FOOD=1)], [5, 5]),
    ],
)
def test_money_that_did_not_count_takes_nothing_back(
    refunds: list[Wanted], taken: list[int]
) -> None:
    assert points(EXCLUDED, basket(("food", 1000), ("tobacco", 1000)), refunds) == taken


@pytest.mark.parametrize(
    ("refunds", "taken"),
    [([amount(500)], [5]), ([amount(501)], [15]), ([amount(501), ALL], [15, 0])],
)
def test_below_the_minimum_spend_everything_goes(refunds: list[Wanted], taken: list[int]) -> None:
    assert points({**PLAIN, "minimum_spend": 1000}, bought(1500), refunds) == taken


@pytest.mark.parametrize(
    ("caps", "context", "refunds", "taken"),
    [
        # ¥1,500 would earn 15: what is above the cap is given up first.
        ([{"per": "purchase", "points": 10}], Context(), [amount(500), amount(100)], [0, 1]),
        ([{"per": "day", "points": 10}], Context(given_today=4), [amount(500), ALL], [0, 6]),
        ([{"per": "month", "points": 10}], Context(given_month=4), [amount(1000), ALL], [1, 5]),
    ],
)
def test_caps_are_those_of_that_day(
    caps: list[Given], context: Context, refunds: list[Wanted], taken: list[int]
) -> None:
    assert points({**PLAIN, "caps": caps}, bought(1500), refunds, context) == taken


DOUBLE_GOODS = {
    **PLAIN,
    "multipliers": [{"id": "m", "factor": "2", "when": {"categories": ["goods"]}}],
}


@pytest.mark.parametrize(
    ("refunds", "taken"),
    [
        ([lines(CUP=1)], [10]),
        ([lines(COFFEE=3)], [10]),
        ([amount(750)], [11]),  # ¥750 earn 7, a third of them twice: 9⅓ of 20
    ],
)
def test_multipliers_of_some_lines(refunds: list[Wanted], taken: list[int]) -> None:
    assert points(DOUBLE_GOODS, trio(), refunds) == taken


@pytest.mark.parametrize(
    ("rules", "refunds", "taken"),
    [
        ([PER_100, GIFT], [amount(500), ALL], [5, 110]),
        ([PER_100, VISIT], [lines(CUP=1), ALL], [5, 13]),
        (
            [{"id": "p", "type": "product", "skus": ["COFFEE"], "points_per_unit": 5}],
            [lines(COFFEE=1), amount(500), ALL],
            [5, 0, 10],
        ),
        (
            [{**GIFT, "when": {"categories": ["goods"]}}],
            [lines(COFFEE=3), lines(CUP=1)],
            [0, 100],
        ),
    ],
)
def test_what_does_not_go_by_money_goes_with_its_goods_or_at_the_end(
    rules: list[Given], refunds: list[Wanted], taken: list[int]
) -> None:
    assert points({"rules": rules}, trio(), refunds) == taken


def test_a_refund_gives_nothing_even_where_the_rest_would_earn_more() -> None:
    """The poor offer of the goods suppressed the rule for everything else."""
    poor = {**GIFT, "points": 1, "stackable": False, "when": {"categories": ["goods"]}}
    assert points({"rules": [PER_100, poor]}, trio(), [lines(CUP=1), ALL]) == [0, 1]


@pytest.mark.parametrize(
    ("purchase", "refunds", "paid", "taken"),
    [
        # 8 % and 10 %, before tax ¥1,000 and ¥2,000
        (
            bought(
                3280,
                tax=280,
                lines=[
                    Line(sku="F", amount=1080, tax=80, quantity=2),
                    Line(sku="G", amount=2200, tax=200),
                ],
            ),
            [lines(F=1), lines(G=1), ALL],
            [540, 2200, 540],
            [5, 20, 5],
        ),
        (bought(1100, tax=100), [amount(550)], [550], [5]),
        # The bill's tax alone is known: it is shared out by amount.
        (
            bought(1100, tax=100, lines=[Line(sku="A", amount=660), Line(sku="B", amount=440)]),
            [lines(B=1)],
            [440],
            [4],
        ),
    ],
)
def test_before_tax(
    purchase: Purchase, refunds: list[Wanted], paid: list[int], taken: list[int]
) -> None:
    done = refunded({**PLAIN, "base_amount": "tax_excluded"}, purchase, refunds)
    assert [each.money for each in done] == paid
    assert [each.points_due for each in done] == taken


@pytest.mark.parametrize(
    ("discounts", "refunds", "paid", "taken"),
    [
        # ¥300 off the bill of ¥1,500: the cup cost ¥400 of the ¥1,200.
        ([Discount(amount=300)], [lines(CUP=1), ALL], [400, 800], [4, 8]),
        # ¥300 off the coffees: the cup cost what it says.
        ([Discount(amount=300, lines=[0])], [lines(CUP=1), ALL], [500, 700], [5, 7]),
        ([Discount(amount=300, lines=[0])], [lines(COFFEE=1), ALL], [233, 967], [3, 9]),
    ],
)
def test_discounts_shrink_with_what_they_were_for(
    discounts: list[Discount], refunds: list[Wanted], paid: list[int], taken: list[int]
) -> None:
    items = trio().lines
    purchase = bought(1200, lines=items, discounts=discounts)
    done = refunded(PLAIN, purchase, refunds)
    assert [each.money for each in done] == paid
    assert [each.points_due for each in done] == taken


@pytest.mark.parametrize(
    ("rounding", "taken"), [("floor", [0, 1, 0]), ("half_up", [1, 1, 0]), ("ceil", [0, 1, 1])]
)
def test_one_rounding_of_what_is_left(rounding: str, taken: list[int]) -> None:
    """¥160 earn 1.6; then 1.4, 0.4 and nothing."""
    rates = {"rules": [{"id": "r", "type": "percent", "percent": "1"}], "rounding": rounding}
    assert points(rates, bought(160), [amount(20), amount(100), ALL]) == taken


@pytest.mark.parametrize(
    ("context", "at", "taken"),
    [
        (Context(first_purchase=True), MONDAY, [10]),
        (Context(rank="gold"), MONDAY, [10]),
        (Context(), FRIDAY, [10]),
        (Context(), MONDAY, [5]),
    ],
)
def test_the_context_is_that_of_the_purchase(
    context: Context, at: datetime, taken: list[int]
) -> None:
    twice = [{"first_purchase": True}, {"ranks": ["gold"]}, {"weekdays": ["fri"]}]
    rules = {
        **PLAIN,
        "multipliers": [{"id": str(n), "factor": "2", "when": w} for n, w in enumerate(twice)],
    }
    gold = {"levels": [{"code": "gold", "name": "G", "requires": {"visits": 1}}]}
    assert points(rules, bought(1000, at), [amount(500)], context, ranks=gold) == taken


def test_earlier_refunds_count_by_what_they_called_for() -> None:
    """A clamped refund forgave 3 of its 5 points: they are not asked for again."""
    program = compile_program(parse({"accrual": PLAIN}))
    past = Past(1, 500, {}, 5)
    assert plan(program, bought(1000), Context(), 10, past, ALL).points_due == 5


CARRY = {**PLAIN, "carry_remainder": True}


@pytest.mark.parametrize(
    ("carried_in", "refunds", "taken", "carried"),
    [
        ((0, 1), [ALL], [1], [Fraction(-1, 2)]),  # ¥150: the half point goes too
        ((0, 1), [amount(50)], [0], [Fraction(-1, 2)]),
        ((0, 1), [amount(60), ALL], [1, 0], [Fraction(2, 5), Fraction(-9, 10)]),
        ((1, 2), [ALL], [2], [Fraction(1, 2)]),  # what it began with comes back
        ((1, 2), [amount(1)], [1], [Fraction(99, 100)]),
    ],
)
def test_a_carried_fraction_goes_with_its_purchase(
    carried_in: tuple[int, int], refunds: list[Wanted], taken: list[int], carried: list[Fraction]
) -> None:
    done = refunded(CARRY, bought(150), refunds, Context(remainder=carried_in))
    assert [each.points_due for each in done] == taken
    assert [each.carried for each in done] == carried


def test_less_than_nothing_carried_is_made_up_for_before_points_are_given() -> None:
    program = compile_program(parse({"accrual": CARRY}))
    award = evaluate(program, bought(40), Context(remainder=(-1, 2)))
    assert (award.points, award.remainder) == (0, (-1, 10))
    assert evaluate(program, bought(110), Context(remainder=award.remainder)).points == 1


@pytest.mark.parametrize(
    ("past", "wanted", "left", "units"),
    [
        ([], amount(1501), 1500, {"COFFEE": 3, "CUP": 1}),
        ([amount(1000)], amount(501), 500, {"COFFEE": 3, "CUP": 1}),
        ([lines(COFFEE=2)], lines(COFFEE=2), 834, {"COFFEE": 1, "CUP": 1}),
        ([], lines(TEA=1), 1500, {"COFFEE": 3, "CUP": 1}),
        ([ALL], ALL, 0, {}),
        ([ALL], amount(1), 0, {}),
        ([amount(1500)], lines(CUP=1), 0, {}),
    ],
)
def test_more_than_is_left_is_refused_with_what_is_left(
    past: list[Wanted], wanted: Wanted, left: int, units: dict[str, int]
) -> None:
    with pytest.raises(NotRefundable) as refusal:
        refunded(PLAIN, trio(), [*past, wanted])
    assert (refusal.value.left, refusal.value.lines) == (left, units)


def test_a_purchase_for_nothing_can_be_refunded_once() -> None:
    free = bought(0, lines=[Line(sku="GIFT", amount=0)])
    (done,) = refunded({"rules": [VISIT]}, free, [ALL])
    assert (done.money, done.whole, done.points_due) == (0, True, 3)
    assert units_left(free, Past(1, 0, {0: 1}, 3)) == {}
    with pytest.raises(NotRefundable):
        refunded(PLAIN, free, [ALL, ALL])


def test_a_free_line_comes_back_without_money() -> None:
    with_gift = bought(100, lines=[Line(sku="A", amount=100), Line(sku="GIFT", amount=0)])
    done = refunded(PLAIN, with_gift, [lines(GIFT=1), lines(A=1)])
    assert [(each.money, each.whole) for each in done] == [(0, False), (100, True)]
