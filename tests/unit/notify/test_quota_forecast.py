"""When the month's messages run out: by the last week, and by the days of the week."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.notify.quota import months
from services.notify.quota.forecast import Forecast, forecast

LONG_AGO = date(2024, 1, 1)


def steady(today, count, days=40):
    return {today - timedelta(days=back): count for back in range(1, days)}


@pytest.mark.parametrize(
    ("today", "quota", "gone"),
    [
        (date(2025, 4, 11), 1_000 + 100, date(2025, 4, 11)),
        (date(2025, 4, 11), 1_000 + 101, date(2025, 4, 12)),
        (date(2025, 4, 11), 1_000 + 1_999, date(2025, 4, 30)),
        (date(2025, 4, 11), 1_000 + 2_001, None),  # 20 days are left in April
        (date(2025, 2, 28), 1_000 + 101, None),
        (date(2024, 2, 28), 1_000 + 101, date(2024, 2, 29)),
        (date(2025, 12, 31), 1_000 + 101, None),
        (date(2025, 4, 11), 1_000, date(2025, 4, 11)),
        (date(2025, 4, 11), 900, date(2025, 4, 11)),
        (date(2025, 4, 11), None, None),
    ],
)
def test_at_a_steady_rate_both_ways_agree(today, quota, gone):
    found = forecast(today, 1_000, quota, steady(today, 100), LONG_AGO)
    assert (found.by_rate, found.by_weekday) == (gone, gone)


def test_what_today_has_seen_already_is_not_expected_again():
    today = date(2025, 4, 30)
    sent = {**steady(today, 100), today: 60}
    assert forecast(today, 500, 540, sent, LONG_AGO).by_rate == today
    assert forecast(today, 500, 541, sent, LONG_AGO).by_rate is None
    assert forecast(today, 500, 541, {**sent, today: 300}, LONG_AGO) == Forecast(None, None, 500)


def test_sundays_are_known_as_sundays():
    today = date(2025, 6, 16)  # a Monday; June began on a Sunday
    sent = {date(2025, 6, day): 700 for day in (1, 8, 15)}
    found = forecast(today, 2_100, 2_700, sent, LONG_AGO)
    assert found.by_rate == date(2025, 6, 21), "100 a day from the last week"
    assert found.by_weekday == date(2025, 6, 22), "nothing until Sunday"
    assert found.month_end == 2_100 + 15 * 100, "the higher of the two"


def test_days_before_the_first_message_say_nothing():
    today = date(2025, 4, 11)
    sent = {today - timedelta(days=1): 100}
    assert forecast(today, 100, 250, sent, today - timedelta(days=1)).by_rate == date(2025, 4, 12)
    assert forecast(today, 40, 100, {today: 40}, today).by_rate == date(2025, 4, 13)
    assert forecast(today, 0, 100, {}, None) == Forecast(None, None, 0)


def test_fractions_of_a_message_are_not_lost():
    today = date(2025, 4, 1)
    sent = {today - timedelta(days=1): 1}  # a seventh of a message a day
    assert forecast(today, 0, 4, sent, LONG_AGO).by_rate == date(2025, 4, 28)
    assert forecast(today, 0, 5, sent, LONG_AGO).by_rate is None


@pytest.mark.parametrize(
    ("month", "following", "length"),
    [
        (date(2025, 12, 1), date(2026, 1, 1), 31),
        (date(2024, 2, 1), date(2024, 3, 1), 29),
        (date(2025, 2, 1), date(2025, 3, 1), 28),
        (date(2025, 4, 1), date(2025, 5, 1), 30),
    ],
)
def test_months(month, following, length):
    assert months.after(month) == following
    assert len(months.days(month, following)) == length


def test_a_month_begins_at_midnight_in_its_zone():
    new_york = ZoneInfo("America/New_York")
    moment = datetime(2025, 3, 1, 4, 59, 59, tzinfo=ZoneInfo("UTC"))
    assert months.day_of(moment, new_york) == date(2025, 2, 28)
    assert months.day_of(moment, ZoneInfo("Asia/Tokyo")) == date(2025, 3, 1)
    turn = months.starts(date(2025, 3, 1), new_york)
    assert turn == moment + timedelta(seconds=1)
    day = months.starts(date(2025, 4, 1), new_york)
    assert (day - turn) == timedelta(days=31, hours=-1), "the clocks went forward in between"
