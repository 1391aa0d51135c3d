"""What points are worth and how many a bill takes: the table that a shop owner could read."""

import pytest

from services.points.rules.program import Redemption, Worth
from services.points.rules.redemption import Offer, most, refusal, value_of


def rules(
    points: int = 1, amount: int = 1, minimum: int = 1, unit: int = 1, percent: int = 100
) -> Redemption:
    return Redemption(
        value=Worth(points=points, amount=amount),
        minimum=minimum,
        unit=unit,
        maximum_percent=percent,
    )


@pytest.mark.parametrize(
    ("program", "points", "value"),
    [
        (rules(), 1, 1),
        (rules(points=10), 10, 1),
        (rules(points=10), 19, 1),
        (rules(points=10), 9, 0),
        (rules(amount=5), 3, 15),
        (rules(points=3, amount=2), 4, 2),
    ],
)
def test_worth(program: Redemption, points: int, value: int) -> None:
    assert value_of(program, points) == value


@pytest.mark.parametrize(
    ("program", "balance", "bill", "points", "value"),
    [
        (rules(), 500, None, 500, 500),
        (rules(), 500, 300, 300, 300),
        (rules(), 500, 0, 0, 0),
        (rules(), -20, 300, 0, 0),
        (rules(), 0, 300, 0, 0),
        (rules(percent=50), 500, 301, 150, 150),
        (rules(percent=0), 500, 300, 0, 0),
        (rules(unit=100), 499, 1000, 400, 400),
        (rules(unit=100), 499, 399, 300, 300),
        (rules(minimum=100), 99, 1000, 0, 0),
        (rules(minimum=100), 100, 1000, 100, 100),
        (rules(minimum=100), 1000, 99, 0, 0),
        (rules(points=10), 500, 30, 300, 30),
        (rules(points=10, unit=10), 500, 30, 300, 30),
        (rules(amount=5), 500, 12, 2, 10),
        (rules(points=10), 9, 1000, 0, 0),
    ],
    ids=[
        "without a bill all of it",
        "no more than the bill",
        "nothing for a bill of nothing",
        "nobody spends a debt",
        "nor nothing",
        "half of the bill, rounded down",
        "a shop may forbid it",
        "whole units",
        "whole units within the bill",
        "below the minimum nothing",
        "at the minimum all",
        "nor where the bill is too small for it",
        "the fewest points for the money",
        "in units",
        "dear points leave a rest of the bill",
        "too few for one yen",
    ],
)
def test_the_most_that_a_bill_takes(
    program: Redemption, balance: int, bill: int | None, points: int, value: int
) -> None:
    assert most(program, balance, bill) == Offer(points, value)


@pytest.mark.parametrize(
    ("program", "points", "bill", "kind"),
    [
        (rules(), 300, 300, None),
        (rules(), 301, 300, "above-share-of-bill"),
        (rules(), 301, None, None),
        (rules(percent=50), 150, 301, None),
        (rules(percent=50), 151, 301, "above-share-of-bill"),
        (rules(minimum=100), 99, None, "below-minimum"),
        (rules(minimum=100), 100, None, None),
        (rules(unit=50), 75, None, "not-in-units"),
        (rules(unit=50), 100, None, None),
        (rules(points=10), 9, None, "worth-nothing"),
        (rules(points=10), 309, 30, None),
        (rules(points=10), 310, 30, "above-share-of-bill"),
    ],
)
def test_what_is_refused(
    program: Redemption, points: int, bill: int | None, kind: str | None
) -> None:
    why = refusal(program, points, bill)
    assert (why.kind if why else None) == kind


@pytest.mark.parametrize("program", [rules(), rules(points=7, amount=3, unit=5, percent=60)])
def test_nothing_that_is_allowed_is_worth_more_than_the_most(program: Redemption) -> None:
    for bill in range(0, 400, 7):
        offer = most(program, 300, bill)
        allowed = [each for each in range(1, 301) if refusal(program, each, bill) is None]
        assert offer.value == max((value_of(program, each) for each in allowed), default=0)
        assert not offer.points or offer.points in allowed
