"""When people are told what can wait: by day, in the program's time zone."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.preferences.quiet import quiet_until

TOKYO, NEW_YORK = ZoneInfo("Asia/Tokyo"), ZoneInfo("America/New_York")
EVENING, MORNING = time(21), time(9)


@pytest.mark.parametrize(
    ("now", "zone", "waits_until"),
    [
        (datetime(2026, 1, 5, 3, 40, tzinfo=TOKYO), TOKYO, datetime(2026, 1, 5, 9, tzinfo=TOKYO)),
        (datetime(2026, 1, 5, 8, 59, tzinfo=TOKYO), TOKYO, datetime(2026, 1, 5, 9, tzinfo=TOKYO)),
        (datetime(2026, 1, 5, 9, 0, tzinfo=TOKYO), TOKYO, None),
        (datetime(2026, 1, 5, 20, 59, tzinfo=TOKYO), TOKYO, None),
        (datetime(2026, 1, 31, 21, 0, tzinfo=TOKYO), TOKYO, datetime(2026, 2, 1, 9, tzinfo=TOKYO)),
        (
            datetime(2026, 3, 7, 23, 0, tzinfo=NEW_YORK),  # the clocks change in this night
            NEW_YORK,
            datetime(2026, 3, 8, 9, tzinfo=NEW_YORK),
        ),
        (datetime(2026, 1, 5, 3, 40, tzinfo=TOKYO), NEW_YORK, None),
    ],
)
def test_nobody_is_woken_up(now: datetime, zone: ZoneInfo, waits_until: datetime | None) -> None:
    assert quiet_until(now, zone, EVENING, MORNING) == waits_until


@pytest.mark.parametrize(
    ("hour", "waits_until"), [(11, None), (12, 14), (13, 14), (14, None), (23, None)]
)
def test_hours_within_one_day(hour: int, waits_until: int | None) -> None:
    now = datetime(2026, 1, 5, hour, tzinfo=TOKYO)
    over = waits_until and datetime(2026, 1, 5, waits_until, tzinfo=TOKYO)
    assert quiet_until(now, TOKYO, time(12), time(14)) == over


def test_an_hour_that_comes_twice_ends_after_who_is_in_it() -> None:
    second = datetime(2026, 11, 1, 1, 10, tzinfo=NEW_YORK, fold=1)
    over = quiet_until(second.astimezone(UTC), NEW_YORK, time(23), time(1, 30))
    assert over == datetime(2026, 11, 1, 6, 30, tzinfo=UTC)


def test_an_end_that_does_not_exist_comes_an_hour_later() -> None:
    night = datetime(2026, 3, 8, 1, 50, tzinfo=NEW_YORK)
    over = quiet_until(night, NEW_YORK, time(23), time(2, 30))
    assert over == datetime(2026, 3, 8, 7, 30, tzinfo=UTC)  # 03:30 by the clock that has moved


MINUTES = st.times().map(lambda at: at.replace(second=0, microsecond=0))
MOMENTS = st.integers(0, 2 * 366 * 24 * 60).map(
    lambda minute: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
)


@given(
    MOMENTS, MINUTES, MINUTES, st.sampled_from(["Asia/Tokyo", "America/New_York", "Europe/Kyiv"])
)
def test_it_ends_later_and_within_a_day_and_an_hour(
    now: datetime, start: time, end: time, name: str
) -> None:
    zone = ZoneInfo(name)
    over = quiet_until(now, zone, start, end)
    inside = now.astimezone(zone).time()
    if start != end:
        assert (over is not None) == (
            start <= inside < end if start < end else not end <= inside < start
        )
    if over is not None:
        assert now < over <= now + timedelta(hours=25)
        assert over.astimezone(zone).time() == end or end.hour in (1, 2, 3)
