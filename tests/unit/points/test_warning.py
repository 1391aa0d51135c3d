"""Warnings ahead of expiry: which days are covered, and what a member is told of them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from services.points.nights.warning import thresholds, told
from services.points.purchases.quoting import newcomer
from services.points.rules.program import parse
from services.points.rules.terms import ProgramInvalid
from services.points.store.expiry_warnings import Untold

TOKYO = ZoneInfo("Asia/Tokyo")
NIGHT = datetime(2025, 1, 30, 3, 30, tzinfo=TOKYO)
A, B, C = (UUID(int=number) for number in (1, 2, 3))


@pytest.mark.parametrize(
    ("expiry", "now", "last_days"),
    [
        ({"type": "fixed", "months": 12}, NIGHT, {7: "2025-02-06", 30: "2025-03-01"}),
        ({"type": "sliding", "months": 12}, NIGHT, {7: "2025-02-06", 30: "2025-03-01"}),
        ({"type": "none"}, NIGHT, {7: "2025-02-06", 30: "2025-03-01"}),
        (
            {"type": "fixed", "days": 9, "warn_days": [1, 3, 1]},
            NIGHT,
            {1: "2025-01-31", 3: "2025-02-02"},
        ),
        (
            {"type": "fixed", "days": 9, "warn_days": [1]},
            datetime(2025, 1, 30, 23, 59, tzinfo=TOKYO),
            {1: "2025-01-31"},
        ),
        (
            {"type": "fixed", "days": 9, "warn_days": [1]},
            datetime(2024, 2, 28, 3, tzinfo=TOKYO),
            {1: "2024-02-29"},
        ),
        ({"type": "fixed", "days": 9, "warn_days": []}, NIGHT, None),
    ],
)
def test_points_are_warned_of_that_expire_by_the_midnight_of_a_day(
    expiry: dict[str, Any], now: datetime, last_days: dict[int, str] | None
) -> None:
    found = thresholds(parse({"expiry": expiry}), now)
    assert last_days == (
        found
        and {
            days: f"{horizon.astimezone(TOKYO):%Y-%m-%d}"
            for days, horizon in zip(found.days, found.horizons, strict=True)
        }
    )
    assert found is None or {each.astimezone(TOKYO).hour for each in found.horizons} == {0}


def test_days_are_counted_where_the_clocks_change() -> None:
    program = parse({"time_zone": "America/New_York", "expiry": {"type": "fixed", "days": 90}})
    found = thresholds(program, datetime(2025, 3, 5, 3, 30, tzinfo=ZoneInfo("America/New_York")))
    assert found is not None
    assert found.horizons[0] == datetime(2025, 3, 12, 4, tzinfo=UTC)


def test_one_night_is_one_event_a_member_with_the_soonest_date_first() -> None:
    def untold(member: UUID, days: int, points: int) -> Untold:
        return Untold(member, datetime(2025, 1, 30, tzinfo=TOKYO) + timedelta(days), points)

    accounts = {
        A: replace(newcomer(), member_id=A, in_lots=130, line_user_id="U1"),
        B: replace(newcomer(), member_id=B, in_lots=9, status="suspended"),
    }
    found = told(
        [untold(A, 7, 100), untold(A, 30, 20), untold(B, 7, 9), untold(C, 7, 9)],
        accounts,
        TOKYO,
        NIGHT,
    )
    assert [(each.member_id, each.points, each.days, each.balance) for each in found] == [
        (A, 100, 7, 130)
    ]
    assert [(each.points, each.days) for each in found[0].later] == [(20, 30)]
    assert found[0].line_user_id == "U1"


@pytest.mark.parametrize(
    ("warn_days", "paths"),
    [
        ([30, 7], []),
        ([], []),
        ([0], ["expiry.warn_days[0]"]),
        ([7, 367], ["expiry.warn_days[1]"]),
        (["7"], ["expiry.warn_days[0]"]),
        (7, ["expiry.warn_days"]),
    ],
)
def test_the_program_says_what_is_wrong_with_its_days(warn_days: Any, paths: list[str]) -> None:
    for kind in ({"type": "fixed", "months": 1}, {"type": "sliding", "months": 1}):
        try:
            parse({"expiry": {**kind, "warn_days": warn_days}})
            found: list[str] = []
        except ProgramInvalid as problem:
            found = [each.path for each in problem.problems]
        assert found == paths
