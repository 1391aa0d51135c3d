"""When cron expressions come due, across time zones, changes of the clocks and absences."""

import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.scheduler import cron
from services.scheduler.errors import BadSchedule

TOKYO = ZoneInfo("Asia/Tokyo")
BERLIN = ZoneInfo("Europe/Berlin")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def due(expression: str, zone: ZoneInfo, after: datetime, until: datetime, limit: int = 50):
    return cron.due_moments(expression, zone, after, until, limit)


def test_nightly_in_tokyo_is_half_past_six_in_the_evening_utc():
    moments = due("30 3 * * *", TOKYO, utc(2026, 1, 1), utc(2026, 1, 3))
    assert moments == [utc(2026, 1, 1, 18, 30), utc(2026, 1, 2, 18, 30)]


def test_the_start_is_excluded_and_the_end_included():
    moment = utc(2026, 1, 1, 18, 30)
    day = timedelta(days=1)
    assert due("30 3 * * *", TOKYO, moment, moment + day) == [moment + day]
    assert due("30 3 * * *", TOKYO, moment, moment) == []
    assert due("30 3 * * *", TOKYO, moment - timedelta(microseconds=1), moment) == [moment]
    assert due("30 3 * * *", TOKYO, moment + timedelta(microseconds=1), moment + day) == [
        moment + day
    ]


def test_a_moment_that_spring_leaves_out_comes_at_the_end_of_the_gap():
    # Berlin, 29 March 2026: 02:00 becomes 03:00 (01:00 UTC).
    moments = due("30 2 * * *", BERLIN, utc(2026, 3, 28, 12), utc(2026, 3, 30, 12))
    assert moments == [utc(2026, 3, 29, 1), utc(2026, 3, 30, 0, 30)]


def test_moments_that_fall_together_in_spring_come_once():
    moments = due("0,30 2,3 * * *", BERLIN, utc(2026, 3, 28, 12), utc(2026, 3, 29, 12))
    assert moments == [utc(2026, 3, 29, 1), utc(2026, 3, 29, 1, 30)]


def test_a_moment_that_comes_twice_in_autumn_fires_the_first_time_only():
    # Berlin, 25 October 2026: 03:00 becomes 02:00 (01:00 UTC).
    moments = due("30 2 * * *", BERLIN, utc(2026, 10, 24, 12), utc(2026, 10, 26, 12))
    assert moments == [utc(2026, 10, 25, 0, 30), utc(2026, 10, 26, 1, 30)]


@pytest.mark.parametrize("minutes", range(0, 200, 7))
def test_looking_often_around_the_autumn_change_finds_the_same(minutes: int):
    start, end = utc(2026, 10, 24, 23), utc(2026, 10, 25, 5)
    middle = start + timedelta(minutes=minutes)
    once = due("15,45 1,2,3 * * *", BERLIN, start, end)
    twice = due("15,45 1,2,3 * * *", BERLIN, start, middle) + due(
        "15,45 1,2,3 * * *", BERLIN, middle, end
    )
    assert twice == once
    assert len(once) == 6


def test_every_quarter_of_an_hour_stays_so_across_both_changes():
    for start in (utc(2026, 3, 29), utc(2026, 10, 25)):
        moments = due("*/15 * * * *", BERLIN, start, start + timedelta(hours=4))
        assert len(moments) == 16
        assert {b - a for a, b in itertools.pairwise(moments)} == {timedelta(minutes=15)}


def test_a_change_by_half_an_hour():
    # Lord Howe moves by 30 minutes: 4 October 2026, 02:00 becomes 02:30.
    moments = due("15 2 * * *", LORD_HOWE, utc(2026, 10, 2, 20), utc(2026, 10, 5))
    assert [m.astimezone(LORD_HOWE).strftime("%d %H:%M") for m in moments] == [
        "04 02:30",
        "05 02:15",
    ]


def test_after_an_absence_the_latest_moments_count():
    moments = due("30 3 * * *", TOKYO, utc(2020, 1, 1), utc(2026, 1, 10), limit=2)
    assert moments == [utc(2026, 1, 8, 18, 30), utc(2026, 1, 9, 18, 30)]


def test_years_of_minutes_are_not_walked_through(monkeypatch: pytest.MonkeyPatch):
    walked = 0
    moments = cron._moments

    def counted(*arguments):
        nonlocal walked
        for moment in moments(*arguments):
            walked += 1
            yield moment

    monkeypatch.setattr(cron, "_moments", counted)
    found = due("* * * * *", TOKYO, utc(2000, 1, 1), utc(2026, 1, 10), limit=3)
    assert found == [utc(2026, 1, 9, 23, 58), utc(2026, 1, 9, 23, 59), utc(2026, 1, 10)]
    assert walked <= 61


def test_a_rare_moment_is_found_however_long_ago():
    assert due("0 0 29 2 *", TOKYO, utc(2021, 1, 1), utc(2027, 6, 1)) == [utc(2024, 2, 28, 15)]


def test_the_next_moment():
    assert cron.next_moment("30 3 * * *", TOKYO, utc(2026, 1, 1, 18, 30)) == utc(2026, 1, 2, 18, 30)


@pytest.mark.parametrize(
    "expression", ["", "* * * *", "* * * * * *", "61 * * * *", "a b c d e", "0 0 30 2 *"]
)
def test_an_expression_that_is_none_is_said_so(expression: str):
    with pytest.raises(BadSchedule):
        cron.check(expression)


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../../etc/passwd", "Asia/Tokyo\0", "/etc"])
def test_a_zone_that_is_none_is_said_so(name: str):
    with pytest.raises(BadSchedule):
        cron.zone(name)
