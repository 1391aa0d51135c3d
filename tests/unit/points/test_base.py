"""Which part of a purchase counts: tax, discounts, what is left out, minimum spend."""

import pytest

from services.points.rules.earn import (
    Discount,
    Line,
    Payment,
)
from tests.unit.points.baskets import (
    GIFT,
    PER_100,
    VISIT,
    award,
    basket,
    bought,
)


@pytest.mark.parametrize(
    ("base", "points"), [("tax_included", 11), ("tax_excluded", 10)], ids=["with", "without"]
)
def test_the_base_with_and_without_tax(base: str, points: int) -> None:
    assert award({"rules": [PER_100], "base_amount": base}, bought(1_100, tax=100)).points == points


MIXED = [
    Line(sku="RICE", category="food", amount=1_080, tax=80),
    Line(sku="BEER", category="alcohol", amount=1_100, tax=100),
]


@pytest.mark.parametrize(
    ("excluded", "included_base", "excluded_base"),
    [([], 2_180, 2_000), (["alcohol"], 1_080, 1_000), (["food"], 1_100, 1_000)],
)
def test_eight_and_ten_percent_on_one_receipt(
    excluded: list[str], included_base: int, excluded_base: int
) -> None:
    purchase = bought(2_180, tax=180, lines=MIXED)
    for how, base in (("tax_included", included_base), ("tax_excluded", excluded_base)):
        accrual = {"rules": [PER_100], "excluded_categories": excluded, "base_amount": how}
        assert award(accrual, purchase).base == base


@pytest.mark.parametrize("tax", [162, 180], ids=["tax after the discount", "tax before it"])
def test_a_bill_discount_lowers_the_base_before_tax(tax: int) -> None:
    purchase = bought(1_962, tax=tax, lines=MIXED, discounts=[Discount(amount=218)])
    everything = award({"rules": [PER_100], "base_amount": "tax_excluded"}, purchase)
    food = award(
        {"rules": [PER_100], "base_amount": "tax_excluded", "excluded_categories": ["alcohol"]},
        purchase,
    )
    assert everything.base == 1_962 - tax
    assert food.base == 972 - (72 if tax == 162 else 80)


def test_lines_without_tax_share_the_tax_of_the_bill() -> None:
    accrual = {"rules": [PER_100], "base_amount": "tax_excluded", "excluded_skus": ["TEA"]}
    purchase = bought(
        2_200, tax=200, lines=[Line(sku="TEA", amount=1_100), Line(sku="CUP", amount=1_100)]
    )
    assert award(accrual, purchase).base == 1_000


@pytest.mark.parametrize(
    ("lines", "base"),
    [
        ((("food", 500), ("tobacco", 600)), 500),
        ((("tobacco", 600),), 0),
        ((("food", 500),), 500),
        ((("gift", 5_000), ("tobacco", 600), ("food", 1)), 1),
    ],
)
def test_excluded_lines_do_not_count(lines: tuple[tuple[str, int], ...], base: int) -> None:
    accrual = {"rules": [PER_100], "excluded_categories": ["tobacco"], "excluded_skus": ["GIFT"]}
    result = award(accrual, basket(*lines))
    assert result.base == base
    assert result.points == base // 100


def test_left_out_lines_are_named_with_the_reason() -> None:
    accrual = {"rules": [PER_100], "excluded_categories": ["tobacco"], "excluded_skus": ["GIFT"]}
    result = award(accrual, basket(("food", 500), ("gift", 5_000), ("tobacco", 600)))
    assert result.explanation["left_out"] == [
        {"line": 1, "amount": 5_000, "why": "sku", "sku": "GIFT", "category": "gift"},
        {"line": 2, "amount": 600, "why": "category", "sku": "TOBACCO", "category": "tobacco"},
    ]


@pytest.mark.parametrize(
    ("discounts", "base"),
    [
        ([Discount(amount=300)], 775),  # a quarter of ¥300 belongs to the tobacco
        ([Discount(amount=300, lines=[0])], 700),  # all of it to the food
        ([Discount(amount=300, lines=["FOOD"])], 700),
        ([Discount(amount=100, lines=[1])], 1_000),  # all of it to the tobacco
        ([Discount(amount=500, lines=[0]), Discount(amount=100)], 440),
        ([Discount(amount=1_200)], 100),
    ],
)
def test_discounts_lower_the_base_by_what_they_took(discounts: list[Discount], base: int) -> None:
    purchase = basket(("food", 1_000), ("tobacco", 333), discounts=discounts)
    accrual = {"rules": [PER_100], "excluded_categories": ["tobacco"]}
    assert award(accrual, purchase).base == base


def test_a_line_that_is_already_net_of_its_discount_is_not_lowered_again() -> None:
    purchase = bought(
        1_033,
        lines=[Line(category="food", amount=700), Line(category="tobacco", amount=333)],
        discounts=[Discount(amount=300, lines=[0])],
    )
    assert award({"rules": [PER_100], "excluded_categories": ["tobacco"]}, purchase).base == 700


def test_paying_with_points_or_a_gift_card_is_not_a_discount() -> None:
    payments = [Payment(method="points", amount=400, redemption="r1"), Payment(amount=600)]
    assert award({"rules": [PER_100]}, bought(1_000, payments=payments)).points == 10


@pytest.mark.parametrize(("total", "points"), [(999, 0), (1_000, 113), (1_001, 113)])
def test_below_the_minimum_spend_nothing_is_earned(total: int, points: int) -> None:
    accrual = {"rules": [PER_100, GIFT, VISIT], "minimum_spend": 1_000}
    result = award(accrual, bought(total))
    assert (result.points, result.visits) == (points, 1)


def test_the_minimum_spend_looks_at_what_counts() -> None:
    accrual = {"rules": [PER_100], "minimum_spend": 1_000, "excluded_categories": ["tobacco"]}
    assert award(accrual, basket(("food", 999), ("tobacco", 600))).points == 0


def test_a_fixed_gift_needs_something_that_counts() -> None:
    accrual = {"rules": [GIFT], "excluded_categories": ["tobacco"]}
    assert award(accrual, basket(("tobacco", 600))).points == 0
    assert award(accrual, basket(("tobacco", 600), ("food", 1))).points == 100
