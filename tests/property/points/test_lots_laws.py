"""Laws of expiry: never earlier than promised, in any time zone."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from services.points.rules.lots import expires_at, months_later
from services.points.rules.program import parse

ZONES = st.sampled_from(
    [
        "Asia/Tokyo",
        "UTC",
        "America/Sao_Paulo",
        "America/New_York",
        "Asia/Beirut",
        "Africa/Cairo",
        "Pacific/Apia",
        "Pacific/Kiritimati",
        "America/St_Johns",
        "Australia/Lord_Howe",
    ]
)
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
ROUND = st.sampled_from([None, "month_end", "year_end"])
EXPIRIES = st.one_of(
    st.builds(
        lambda months, end: {"type": "fixed", "months": months, "round_to": end},
        st.integers(1, 60),
        ROUND,
    ),
    st.builds(
        lambda days, end: {"type": "fixed", "days": days, "round_to": end},
        st.integers(1, 800),
        ROUND,
    ),
    st.builds(lambda months: {"type": "sliding", "months": months}, st.integers(1, 60)),
)


@settings(max_examples=400, deadline=None)
@given(expiry=EXPIRIES, zone=ZONES, moment=MOMENTS)
def test_points_last_through_the_whole_promised_day(
    expiry: dict[str, Any], zone: str, moment: datetime
) -> None:
    end = expires_at(parse({"expiry": expiry, "time_zone": zone}), moment)
    assert end is not None
    local, there = moment.astimezone(ZoneInfo(zone)), end.astimezone(ZoneInfo(zone))
    promised = (
        months_later(local.date(), expiry["months"])
        if "months" in expiry
        else local.date() + timedelta(days=expiry["days"])
    )
    before = (end - timedelta(microseconds=1)).astimezone(ZoneInfo(zone))
    assert before.date() >= promised
    assert there.date() > before.date()
    if expiry.get("round_to") is None and zone != "Pacific/Apia":  # which skipped a day once
        assert before.date() == promised
    if expiry.get("round_to") == "month_end":
        assert there.day == 1 or zone == "Pacific/Apia"
    if expiry.get("round_to") == "year_end":
        assert (there.month, there.day) == (1, 1) or zone == "Pacific/Apia"


@settings(max_examples=200, deadline=None)
@given(expiry=EXPIRIES, zone=ZONES, moment=MOMENTS, hours=st.integers(0, 24 * 40))
def test_what_is_earned_later_never_expires_earlier(
    expiry: dict[str, Any], zone: str, moment: datetime, hours: int
) -> None:
    program = parse({"expiry": expiry, "time_zone": zone})
    first = expires_at(program, moment)
    second = expires_at(program, moment + timedelta(hours=hours))
    assert first is not None
    assert second is not None
    assert first <= second


@settings(max_examples=200, deadline=None)
@given(day=st.dates(date(1990, 1, 1), date(2100, 1, 1)), months=st.integers(-200, 200))
def test_months_later_is_in_that_month_and_on_that_day_or_its_last(day: date, months: int) -> None:
    later = months_later(day, months)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day == day.day or (later + timedelta(days=1)).month != later.month
    assert later.day <= day.day
