"""What is wrong with a purchase, and sharing out to the unit."""

from datetime import datetime

import pytest

from services.points.rules.earn import (
    Discount,
    Line,
    Payment,
    Purchase,
    apportion,
    check_purchase,
)
from tests.unit.points.baskets import (
    TOKYO,
    bought,
)


@pytest.mark.parametrize(
    ("total", "weights", "shares"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (100, [2, 1, 1], [50, 25, 25]),
        (2, [1, 1, 1], [1, 1, 0]),
        (10, [0, 5], [0, 10]),
        (10, [0, 0], [0, 0]),
        (0, [3, 4], [0, 0]),
        (5, [999, 1], [5, 0]),
    ],
)
def test_sharing_out_to_the_unit(total: int, weights: list[int], shares: list[int]) -> None:
    assert apportion(total, weights) == shares


GOOD_LINES = [Line(sku="A", amount=700, tax=50), Line(sku="B", amount=300)]


@pytest.mark.parametrize(
    ("purchase", "paths"),
    [
        (bought(1_000, tax=90, lines=GOOD_LINES), []),
        (bought(0), []),
        (bought(900, lines=GOOD_LINES, discounts=[Discount(amount=100)]), []),
        (bought(900, lines=GOOD_LINES, discounts=[Discount(amount=100, lines=[1])]), []),
        (bought(1_000, lines=GOOD_LINES, discounts=[Discount(amount=100, lines=["B"])]), []),
        (bought(1_000, payments=[Payment(amount=400), Payment(amount=600)]), []),
        (bought(-1), ["total", "payments"]),
        (bought(10**12 + 1), ["total"]),
        (bought(100, tax=101), ["tax"]),
        (bought(100, tax=-1), ["tax"]),
        (bought(100, at=datetime(2025, 4, 7)), ["occurred_at"]),  # noqa: DTZ001
        (bought(100, at=datetime(1, 1, 1, tzinfo=TOKYO)), ["occurred_at"]),
        (bought(100, at=datetime(9999, 12, 31, tzinfo=TOKYO)), ["occurred_at"]),
        (bought(1_001, lines=GOOD_LINES), ["lines"]),
        (bought(950, lines=GOOD_LINES, discounts=[Discount(amount=100)]), ["lines"]),
        (bought(0, lines=[Line(amount=0, quantity=0)]), ["lines[0].quantity"]),
        (bought(0, lines=[Line(amount=-1)]), ["lines[0].amount"]),
        (bought(10, lines=[Line(amount=10, tax=11)]), ["lines[0].tax"]),
        (bought(100, payments=[Payment(amount=101)]), ["payments"]),
        (bought(100, payments=[Payment(amount=-1)]), ["payments[0].amount"]),
        (bought(100, discounts=[Discount(amount=-5)]), ["discounts[0].amount"]),
        (
            bought(900, lines=GOOD_LINES, discounts=[Discount(amount=100, lines=[2, "C"])]),
            ["discounts[0].lines[0]", "discounts[0].lines[1]"],
        ),
        (
            bought(600, lines=GOOD_LINES, discounts=[Discount(amount=400, lines=[1])]),
            ["discounts[0].amount"],
        ),
    ],
)
def test_what_is_wrong_with_a_purchase(purchase: Purchase, paths: list[str]) -> None:
    assert [problem.path for problem in check_purchase(purchase)] == paths
