"""What an account comes to: between midnight and the night too, whatever is stored then."""

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.points.accounts.standing import Standing, in_order, plainly, standing
from services.points.store.lots import Holding, StoredLot
from tests.unit.points.ledgers import NOW, OPENED, holding, stored

TOKYO = ZoneInfo("Asia/Tokyo")
SOON, LATER = NOW + timedelta(days=1), NOW + timedelta(days=5)

CASES: dict[str, tuple[list[StoredLot], int, Standing]] = {
    "no points": ([], 0, Standing(0, 0, 0, ())),
    "points that never expire": ([stored(1, 10)], 0, Standing(10, 0, 0, ())),
    "points by date, soonest first": (
        [stored(1, 10, expires=5), stored(2, 4, expires=1), stored(3, 1, expires=5)],
        0,
        Standing(15, 0, 0, ((SOON, 4), (LATER, 11))),
    ),
    "expired but not swept": ([stored(1, 10, expires=0)], 0, Standing(0, 0, 0, ())),
    "due but not activated": (
        [stored(1, 10, active=0, expires=5)],
        0,
        Standing(10, 0, 0, ((LATER, 10),)),
    ),
    "waiting points neither count nor are about to expire": (
        [stored(1, 10, active=1, expires=5)],
        0,
        Standing(0, 10, 0, ()),
    ),
    "held points neither count nor are about to expire": (
        [stored(1, 10, expires=5, held=4)],
        0,
        Standing(6, 0, 4, ((LATER, 6),)),
    ),
    "held points that have expired are still held": (
        [stored(1, 10, expires=0, held=4)],
        0,
        Standing(0, 0, 4, ()),
    ),
    "in debt": ([stored(1, 10, active=1)], 7, Standing(-7, 10, 0, ())),
    "what becomes active pays the debt": ([stored(1, 10, active=0)], 7, Standing(3, 0, 0, ())),
}


@pytest.mark.parametrize(("lots", "debt", "shown"), CASES.values(), ids=CASES)
def test_what_is_shown(lots: list[StoredLot], debt: int, shown: Standing) -> None:
    assert standing(holding(lots, debt), TOKYO, NOW) == shown


@pytest.mark.parametrize(
    ("zone", "last_activity", "expires_at"),
    [
        ("Asia/Tokyo", datetime(2025, 1, 31, 14, 59, tzinfo=UTC), "2025-02-28T15:00:00+00:00"),
        ("Asia/Tokyo", datetime(2025, 1, 31, 15, 0, tzinfo=UTC), "2025-03-01T15:00:00+00:00"),
        ("Asia/Tokyo", datetime(2024, 1, 31, 12, 0, tzinfo=UTC), "2024-02-29T15:00:00+00:00"),
        ("Asia/Tokyo", datetime(2025, 12, 31, 12, 0, tzinfo=UTC), "2026-01-31T15:00:00+00:00"),
        ("America/New_York", datetime(2025, 2, 9, 12, 0, tzinfo=UTC), "2025-03-10T04:00:00+00:00"),
        ("America/New_York", datetime(2025, 2, 8, 12, 0, tzinfo=UTC), "2025-03-09T05:00:00+00:00"),
        ("America/New_York", datetime(2025, 10, 2, 12, 0, tzinfo=UTC), "2025-11-03T05:00:00+00:00"),
        ("Asia/Beirut", datetime(2025, 2, 28, 12, 0, tzinfo=UTC), "2025-03-28T22:00:00+00:00"),
        ("Asia/Beirut", datetime(2025, 3, 1, 12, 0, tzinfo=UTC), "2025-04-01T21:00:00+00:00"),
        # a midnight that does not exist: the day begins at one
        ("Africa/Cairo", datetime(2025, 3, 24, 12, 0, tzinfo=UTC), "2025-04-24T22:00:00+00:00"),
    ],
)
def test_sliding_points_last_a_month_from_the_last_activity(
    zone: str, last_activity: datetime, expires_at: str
) -> None:
    now = last_activity + timedelta(hours=1)
    lots = [replace(stored(1, 10, sliding_months=1), opened_at=now - timedelta(days=9))]
    shown = standing(Holding(0, last_activity, lots), ZoneInfo(zone), now)
    assert shown.expiring == ((datetime.fromisoformat(expires_at), 10),)
    for seconds, balance in ((-1, 10), (0, 0)):
        moment = datetime.fromisoformat(expires_at) + timedelta(seconds=seconds)
        assert standing(Holding(0, last_activity, lots), ZoneInfo(zone), moment).balance == balance


@pytest.mark.parametrize("last_activity", [None, OPENED - timedelta(days=400)])
def test_without_later_activity_sliding_points_last_from_their_own_opening(
    last_activity: datetime | None,
) -> None:
    lots = [stored(1, 10, sliding_months=12)]
    shown = standing(Holding(0, last_activity, lots), TOKYO, NOW)
    assert shown.balance == 10
    assert [f"{at:%Y-%m-%d %H}" for at, _ in shown.expiring] == ["2025-12-22 15"]


LOTS = st.builds(
    lambda points, held, expires, slides: replace(
        stored(1, points, expires=expires, held=min(held, points)), sliding_months=slides
    ),
    st.integers(1, 9),
    st.integers(0, 9),
    st.none() | st.integers(-3, 3),
    st.none() | st.integers(1, 3),
)


@given(st.lists(LOTS, max_size=6), st.integers(0, 100))
def test_the_short_way_comes_to_the_same(lots: list[StoredLot], days_away: int) -> None:
    """Who owes nothing and waits for nothing needs no order."""
    lots = [replace(lot, entry_id=UUID(int=number)) for number, lot in enumerate(lots)]
    who = replace(holding(lots, 0), last_activity_at=NOW - timedelta(days=days_away))
    assert plainly(who, TOKYO, NOW, 12) == in_order(who, TOKYO, NOW, 12)
