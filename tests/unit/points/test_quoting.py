"""What a quote says can be spent."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.points.purchases.quoting import newcomer, redeemable, spendable
from services.points.rules.program import Redemption, Worth, parse
from services.points.store.lots import StoredLot
from shared import ids

NOW = datetime(2025, 4, 7, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def terms(points: int = 1, amount: int = 1, **details: int) -> Redemption:
    return Redemption(value=Worth(points=points, amount=amount), **details)


@pytest.mark.parametrize(
    ("rules", "balance", "total", "open_bill", "maximum", "value"),
    [
        (terms(), 500, 1_000, 1_000, 500, 500),
        (terms(), 5_000, 1_000, 1_000, 1_000, 1_000),
        (terms(), -20, 1_000, 1_000, 0, 0),
        (terms(), 5_000, 1_000, 300, 300, 300),
        (terms(), 5_000, 1_000, 0, 0, 0),
        (terms(maximum_percent=50), 5_000, 999, 999, 499, 499),
        (terms(maximum_percent=50), 5_000, 1_000, 300, 300, 300),
        (terms(maximum_percent=0), 5_000, 1_000, 1_000, 0, 0),
        (terms(unit=100), 799, 1_000, 1_000, 700, 700),
        (terms(minimum=500), 499, 1_000, 1_000, 0, 0),
        (terms(minimum=500), 500, 1_000, 1_000, 500, 500),
        (terms(points=10), 109, 1_000, 1_000, 100, 10),
        (terms(points=10), 5_000, 7, 7, 70, 7),
        (terms(points=10, unit=25), 109, 1_000, 1_000, 100, 10),
        (terms(points=1, amount=5), 100, 52, 52, 10, 50),
    ],
)
def test_how_much_of_a_bill_can_be_paid_with_points(
    rules: Redemption, balance: int, total: int, open_bill: int, maximum: int, value: int
) -> None:
    found = redeemable(rules, balance, total, open_bill)
    assert (found.maximum, found.maximum_value) == (maximum, value)
    assert found.spendable == max(balance, 0)


def lot(remaining: int, **details: Any) -> StoredLot:
    fields = {
        "held": 0,
        "pending": False,
        "opened_at": NOW - 30 * DAY,
        "active_at": None,
        "expires_at": None,
        "sliding_months": None,
    }
    return StoredLot(UUID(int=1), ids.new_id(), remaining, **{**fields, **details})


@pytest.mark.parametrize(
    ("kept", "points"),
    [
        ([lot(100)], 100),
        ([lot(100), lot(50)], 150),
        ([lot(100, held=30)], 70),
        ([lot(100, expires_at=NOW + DAY)], 100),
        ([lot(100, expires_at=NOW)], 0),
        ([lot(100, pending=True, active_at=NOW + DAY)], 0),
        ([lot(100, pending=True, active_at=NOW)], 100),
        ([lot(100, sliding_months=1)], 100),
        ([lot(100, sliding_months=1, opened_at=NOW - 60 * DAY)], 0),
    ],
)
def test_what_is_due_counts_as_done(kept: list[StoredLot], points: int) -> None:
    account = newcomer()
    assert spendable(account, kept, parse({}), NOW) == points
    account.debt = 20
    assert spendable(account, kept, parse({}), NOW) == points - 20
