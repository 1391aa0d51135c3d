"""Today beside a week ago: which way, by how much, and where a percentage would say nothing."""

import pytest

from services.points.reports.glance import Compared


@pytest.mark.parametrize(
    ("now", "before", "trend", "percent"),
    [
        (112, 100, "up", 12),
        (95, 100, "down", -5),
        (100, 100, "", 0),
        (0, 0, "", None),
        (5, 0, "up", None),
        (900, -100, "up", None),
        (5_000, 10, "up", None),
        (0, 40, "down", -100),
    ],
)
def test_a_number_is_compared(now: int, before: int, trend: str, percent: int | None) -> None:
    compared = Compared(now, before)
    assert (compared.trend, compared.percent) == (trend, percent)
