"""Days as people in Japan write them."""

from datetime import date

import pytest

from services.points.rules.importing.days import _SHORT, Days, _repeated, days


@pytest.mark.parametrize(
    "text",
    [
        "2026/1/5",
        "2026-01-05",
        "2026.1.5",
        "2026年1月5日",
        "２０２６年１月５日",
        "20260105",
        "令和8年1月5日",
        "R8.1.5",
        "r8/01/05",
        "2026/1/5 10:30",
        "2026/1/5(月) 10:30",
        "2026-01-05T10:30:00+09:00",
        "46027",
    ],
)
def test_a_day(text: str) -> None:
    assert days(text) == Days(date(2026, 1, 5), date(2026, 1, 5))


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("令和8年", date(2026, 1, 1), date(2026, 12, 31)),
        ("2026年", date(2026, 1, 1), date(2026, 12, 31)),
        ("令和元年5月", date(2019, 5, 1), date(2019, 5, 31)),
        ("2028/2", date(2028, 2, 1), date(2028, 2, 29)),
        ("昭和55年3月12日", date(1980, 3, 12), date(1980, 3, 12)),
        ("S64.1.7", date(1989, 1, 7), date(1989, 1, 7)),
    ],
)
def test_what_a_day_or_span_is(text: str, first: date, last: date) -> None:
    assert days(text) == Days(first, last)


@pytest.mark.parametrize(
    "text", ["", "x", "2026/13/1", "2026/2/29", "01/05/2026", "平成40年", "令和0年", "5日", "0"]
)
def test_no_day(text: str) -> None:
    assert days(text) is None


def test_a_long_cell_is_read_and_not_kept_in_memory() -> None:
    day, before = Days(date(2026, 1, 5), date(2026, 1, 5)), _repeated.cache_info().currsize
    assert days("2026/1/5 10:30 " + "x" * _SHORT) == day
    assert _repeated.cache_info().currsize == before
    assert days("2026/1/5 10:30 xx") == day
    assert _repeated.cache_info().currsize == before + 1
