"""Who has which rank, and what is missing to the next."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.points.rules.program import Program, parse
from services.points.rules.ranks import (
    Decision,
    Held,
    Metrics,
    evaluate,
    next_level,
    reached,
    to_keep,
    window_start,
)

NOW = datetime(2025, 4, 1, 12, tzinfo=UTC)
BRONZE = {"code": "bronze", "name": "ブロンズ", "requires": {"points_earned": 10}}
SILVER = {"code": "silver", "name": "シルバー", "requires": {"points_earned": 50, "visits": 3}}
GOLD = {"code": "gold", "name": "ゴールド", "requires": {"amount_spent": 100_000}}


def program(**ranks: Any) -> Program:
    return parse({"ranks": {"levels": [BRONZE, SILVER, GOLD], **ranks}})


def held(code: str | None, keep_until: datetime | None = None, floor: str | None = None) -> Held:
    """A rank that was earned, all of it."""
    return Held(code=code, own=code, keep_until=keep_until, floor=floor)


def metrics(points: int, visits: int = 0, spent: int = 0) -> Metrics:
    return Metrics(points_earned=points, visits=visits, amount_spent=spent)


@pytest.mark.parametrize(
    ("counted", "rank"),
    [
        (metrics(0), None),
        (metrics(9, visits=99), None),
        (metrics(10), "bronze"),
        (metrics(50, visits=2), "bronze"),
        (metrics(49, visits=3), "bronze"),
        (metrics(50, visits=3), "silver"),
        (metrics(0, spent=99_999), None),
        (metrics(0, spent=100_000), "gold"),
    ],
)
def test_the_highest_level_whose_conditions_are_all_met(counted: Metrics, rank: str | None) -> None:
    assert evaluate(program(), counted, Held(), NOW).code == rank


PAST, FUTURE = NOW - timedelta(seconds=1), NOW + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("current", "counted", "evaluation", "keep_until", "rank", "direction"),
    [
        ("bronze", metrics(50, 3), False, FUTURE, "silver", "up"),
        (None, metrics(50, 3), False, None, "silver", "up"),
        ("silver", metrics(0), False, PAST, "silver", "same"),
        ("silver", metrics(0), True, FUTURE, "silver", "same"),
        ("silver", metrics(0), True, PAST, None, "down"),
        ("silver", metrics(0), True, NOW, None, "down"),
        ("silver", metrics(0), True, None, None, "down"),
        ("gold", metrics(10), True, PAST, "bronze", "down"),
        ("silver", metrics(50, 3), True, PAST, "silver", "same"),
        (None, metrics(0), True, None, None, "same"),
        ("platinum", metrics(50, 3), False, FUTURE, "silver", "up"),
        ("platinum", metrics(0), False, FUTURE, None, "down"),
    ],
    ids=[
        "up at once",
        "two levels at once",
        "never down between evaluations",
        "nor within the keep period",
        "down when it has passed",
        "to the second",
        "or when there was none",
        "down to the earned level",
        "kept when earned again",
        "nothing from nothing",
        "a level that is gone becomes the earned one",
        "or none",
    ],
)
def test_up_and_down(
    current: str | None,
    counted: Metrics,
    evaluation: bool,
    keep_until: datetime | None,
    rank: str | None,
    direction: str,
) -> None:
    decision = evaluate(program(), counted, held(current, keep_until), NOW, evaluation=evaluation)
    assert (decision.code, decision.direction) == (rank, direction)


def test_down_by_one_level_where_the_program_says_so() -> None:
    by_one = program(downgrade="one_level")
    decision = evaluate(by_one, metrics(0), held("gold"), NOW, evaluation=True)
    assert (decision.code, decision.direction) == ("silver", "down")
    decision = evaluate(by_one, metrics(0), held("bronze"), NOW, evaluation=True)
    assert (decision.code, decision.direction) == (None, "down")


@pytest.mark.parametrize(
    ("floor", "current", "rank", "direction"),
    [
        ("silver", None, "silver", "up"),
        ("silver", "gold", "silver", "down"),
        ("silver", "silver", "silver", "same"),
        ("bronze", "silver", "bronze", "down"),
        ("unknown", None, None, "same"),
    ],
)
def test_a_rank_given_by_hand_is_a_floor(
    floor: str, current: str | None, rank: str | None, direction: str
) -> None:
    before = held(current, floor=floor)
    decision = evaluate(program(), metrics(0), before, NOW, evaluation=True)
    assert (decision.code, decision.direction) == (rank, direction)


def test_a_rank_is_kept_through_the_last_day_of_its_months() -> None:
    year = datetime(2026, 4, 1, 15, tzinfo=UTC)  # the end of 1 April 2026 in Tokyo
    bronze, past = held("bronze"), held("bronze", PAST)
    up = evaluate(program(), metrics(10), Held(), NOW)
    assert up == Decision(code="bronze", own="bronze", direction="up", keep_until=year)
    confirmed = evaluate(program(), metrics(10), past, NOW, evaluation=True)
    assert confirmed == Decision(code="bronze", own="bronze", direction="same", keep_until=year)
    untouched = evaluate(program(), metrics(10), past, NOW)
    assert untouched == Decision(code="bronze", own="bronze", direction="same", keep_until=PAST)
    brief = evaluate(program(keep_months=0), metrics(10), Held(), NOW)
    assert brief == Decision(code="bronze", own="bronze", direction="up", keep_until=None)
    first = evaluate(program(), metrics(10), bronze, NOW, evaluation=True)
    assert first.keep_until == year


@pytest.mark.parametrize(
    ("current", "counted", "code", "missing"),
    [
        (None, metrics(0), "bronze", {"points_earned": 10}),
        ("bronze", metrics(30), "silver", {"points_earned": 20, "visits": 3}),
        ("bronze", metrics(60, 1), "silver", {"visits": 2}),
        ("silver", metrics(60, 3, 99_000), "gold", {"amount_spent": 1_000}),
        ("bronze", metrics(60, 3), "gold", {"amount_spent": 100_000}),
    ],
)
def test_what_is_missing_to_the_next_level(
    current: str | None, counted: Metrics, code: str, missing: dict[str, int]
) -> None:
    levels = program().ranks.levels
    assert next_level(levels, current, counted) == {"code": code, "missing": missing}


def test_there_is_nothing_above_the_top() -> None:
    assert next_level(program().ranks.levels, "gold", metrics(0)) is None
    assert next_level((), None, metrics(0)) is None


@pytest.mark.parametrize(
    ("window", "now", "start"),
    [
        ({"type": "lifetime"}, NOW, None),
        (
            {"type": "rolling", "months": 12},
            NOW,
            datetime(2024, 3, 31, 15, tzinfo=UTC),
        ),
        (
            {"type": "rolling", "months": 1},
            datetime(2025, 3, 31, 3, tzinfo=UTC),
            datetime(2025, 2, 27, 15, tzinfo=UTC),
        ),
        ({"type": "calendar_year"}, NOW, datetime(2024, 12, 31, 15, tzinfo=UTC)),
        (
            {"type": "calendar_year"},
            datetime(2024, 12, 31, 15, tzinfo=UTC),  # New Year in Tokyo
            datetime(2024, 12, 31, 15, tzinfo=UTC),
        ),
    ],
)
def test_where_the_window_begins(
    window: dict[str, Any], now: datetime, start: datetime | None
) -> None:
    assert window_start(program(window=window), now) == start


# Eight levels, each with more conditions than the one before.

EIGHT = [
    {"code": f"l{n}", "name": f"L{n}", "requires": requires}
    for n, requires in enumerate(
        [
            {"visits": 1},
            {"visits": 3},
            {"visits": 3, "points_earned": 50},
            {"visits": 5, "points_earned": 100},
            {"amount_spent": 50_000},
            {"amount_spent": 50_000, "visits": 10},
            {"amount_spent": 100_000, "visits": 10, "points_earned": 500},
            {"amount_spent": 1_000_000, "visits": 50, "points_earned": 10_000},
        ],
        start=1,
    )
]


@pytest.mark.parametrize(
    ("visits", "points", "spent", "rank"),
    [
        (0, 0, 0, None),
        (1, 0, 0, "l1"),
        (2, 49, 49_999, "l1"),
        (3, 0, 0, "l2"),
        (3, 49, 0, "l2"),
        (3, 50, 0, "l3"),
        (2, 50, 0, "l1"),
        (5, 99, 0, "l3"),
        (4, 100, 0, "l3"),
        (5, 100, 0, "l4"),
        (5, 100, 49_999, "l4"),
        (0, 0, 50_000, "l5"),
        (9, 500, 100_000, "l5"),
        (10, 0, 50_000, "l6"),
        (10, 499, 100_000, "l6"),
        (10, 500, 99_999, "l6"),
        (10, 500, 100_000, "l7"),
        (50, 10_000, 999_999, "l7"),
        (49, 10_000, 1_000_000, "l7"),
        (50, 9_999, 1_000_000, "l7"),
        (50, 10_000, 1_000_000, "l8"),
        (999, 10**9, 10**12, "l8"),
    ],
)
def test_eight_levels_to_the_point_the_visit_and_the_yen(
    visits: int, points: int, spent: int, rank: str | None
) -> None:
    eight = parse({"ranks": {"levels": EIGHT}})
    assert evaluate(eight, metrics(points, visits, spent), Held(), NOW).code == rank


def test_eight_levels_down_by_one_take_eight_evaluations_a_keep_period_apart() -> None:
    eight = parse({"ranks": {"levels": EIGHT, "downgrade": "one_level", "keep_months": 1}})
    now, before, seen = NOW, held("l8", PAST), []
    for _ in range(20):
        after = evaluate(eight, metrics(0), before, now, evaluation=True)
        if after.direction == "down":
            seen.append((after.code, now.date().isoformat()))
        before = held(after.code, after.keep_until)
        now += timedelta(days=16)
    assert [code for code, _ in seen] == ["l7", "l6", "l5", "l4", "l3", "l2", "l1", None]
    assert [day for _, day in seen][:3] == ["2025-04-01", "2025-05-03", "2025-06-04"]


def test_eight_levels_down_to_the_earned_one_at_once() -> None:
    eight = parse({"ranks": {"levels": EIGHT}})
    after = evaluate(eight, metrics(50, 3), held("l8", PAST), NOW, evaluation=True)
    assert (after.code, after.direction) == ("l3", "down")


# Month ends: until when a rank is kept, in the program's time zone.


@pytest.mark.parametrize(
    ("zone", "now", "months", "keep_until"),
    [
        # 31 January in Tokyo + 1 month: through 28 February
        ("Asia/Tokyo", "2025-01-31T03:00:00+00:00", 1, "2025-02-28T15:00:00+00:00"),
        ("Asia/Tokyo", "2024-01-31T03:00:00+00:00", 1, "2024-02-29T15:00:00+00:00"),
        # 15:00 UTC is the next day in Tokyo
        ("Asia/Tokyo", "2025-03-30T14:59:59+00:00", 1, "2025-04-30T15:00:00+00:00"),
        ("Asia/Tokyo", "2025-03-30T15:00:00+00:00", 1, "2025-04-30T15:00:00+00:00"),
        ("Asia/Tokyo", "2025-03-31T15:00:00+00:00", 1, "2025-05-01T15:00:00+00:00"),
        ("Asia/Tokyo", "2024-02-29T00:00:00+00:00", 12, "2025-02-28T15:00:00+00:00"),
        # New York: clocks change in between
        ("America/New_York", "2025-02-28T17:00:00+00:00", 1, "2025-03-29T04:00:00+00:00"),
        ("America/New_York", "2025-10-31T17:00:00+00:00", 1, "2025-12-01T05:00:00+00:00"),
    ],
)
def test_until_when_a_rank_is_kept(zone: str, now: str, months: int, keep_until: str) -> None:
    rules = {"levels": [BRONZE], "keep_months": months}
    there = parse({"time_zone": zone, "ranks": rules})
    decision = evaluate(there, metrics(10), Held(), datetime.fromisoformat(now))
    assert decision.keep_until == datetime.fromisoformat(keep_until)


@pytest.mark.parametrize(
    ("zone", "window", "now", "start"),
    [
        ("Asia/Tokyo", {"type": "rolling", "months": 1}, "2025-03-31T12", "2025-02-27T15"),
        ("Asia/Tokyo", {"type": "rolling", "months": 1}, "2025-03-28T12", "2025-02-27T15"),
        ("Asia/Tokyo", {"type": "rolling", "months": 12}, "2024-02-29T03", "2023-02-27T15"),
        ("Asia/Tokyo", {"type": "rolling", "months": 12}, "2024-02-29T15", "2023-02-28T15"),
        ("UTC", {"type": "rolling", "months": 6}, "2025-08-31T23", "2025-02-28T00"),
        ("America/New_York", {"type": "rolling", "months": 1}, "2025-04-01T12", "2025-03-01T05"),
        ("America/New_York", {"type": "rolling", "months": 1}, "2025-04-10T12", "2025-03-10T04"),
        ("America/New_York", {"type": "calendar_year"}, "2026-01-01T04", "2025-01-01T05"),
        ("America/New_York", {"type": "calendar_year"}, "2026-01-01T05", "2026-01-01T05"),
        ("Asia/Kolkata", {"type": "calendar_year"}, "2025-12-31T18", "2024-12-31T18:30"),
        ("Asia/Kolkata", {"type": "calendar_year"}, "2025-12-31T19", "2025-12-31T18:30"),
    ],
)
def test_where_windows_begin_at_the_ends_of_months_and_years(
    zone: str, window: dict[str, Any], now: str, start: str
) -> None:
    there = parse({"time_zone": zone, "ranks": {"window": window}})
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert window_start(there, moment) == datetime.fromisoformat(start).replace(tzinfo=UTC)


# Floors: ranks given by hand, over what was earned.


def test_a_floor_lifts_at_once_and_starts_no_keep_period() -> None:
    by_hand = evaluate(program(), metrics(0), Held(floor="gold"), NOW)
    assert by_hand == Decision(code="gold", own=None, keep_until=None, direction="up")


def test_where_a_floor_ends_the_next_evaluation_leads_back_to_what_is_kept() -> None:
    lifted = Held(code="gold", own="silver", keep_until=FUTURE)
    assert evaluate(program(), metrics(0), lifted, NOW).code == "gold"
    night = evaluate(program(), metrics(0), lifted, NOW, evaluation=True)
    assert night == Decision(code="silver", own="silver", keep_until=FUTURE, direction="down")


def test_the_keep_period_of_what_was_earned_goes_on_above_it() -> None:
    year = datetime(2026, 4, 1, 15, tzinfo=UTC)
    before = Held(code="gold", own="bronze", keep_until=FUTURE, floor="gold")
    earned_more = evaluate(program(), metrics(50, 3), before, NOW)
    assert earned_more == Decision(code="gold", own="silver", keep_until=year, direction="same")
    before = Held(code="gold", own="silver", keep_until=PAST, floor="gold")
    lost = evaluate(program(), metrics(10), before, NOW, evaluation=True)
    assert lost == Decision(code="gold", own="bronze", keep_until=year, direction="same")


# Notice before a rank is lost.

DAYS_30 = NOW + timedelta(days=30)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("keep_until", "counted", "floor", "missing"),
    [
        (DAYS_30, metrics(10, 1), None, {"points_earned": 40, "visits": 2}),
        (NOW + SECOND, metrics(60, 1), None, {"visits": 2}),
        (DAYS_30 + SECOND, metrics(0), None, None),
        (NOW, metrics(0), None, None),
        (None, metrics(0), None, None),
        (DAYS_30, metrics(50, 3), None, None),
        (DAYS_30, metrics(0, spent=100_000), None, None),
        (DAYS_30, metrics(0), "silver", None),
        (DAYS_30, metrics(0), "bronze", {"points_earned": 50, "visits": 3}),
    ],
    ids=[
        "exactly thirty days ahead",
        "to the last second",
        "not yet",
        "too late",
        "not kept at all",
        "earned again",
        "something higher was earned",
        "held by hand",
        "held by hand lower down",
    ],
)
def test_what_keeps_a_rank_whose_keep_period_ends(
    keep_until: datetime | None,
    counted: Metrics,
    floor: str | None,
    missing: dict[str, int] | None,
) -> None:
    assert to_keep(program(), counted, held("silver", keep_until, floor), NOW) == missing


def test_notice_days_are_the_programs() -> None:
    tomorrow = held("silver", NOW + timedelta(days=1))
    assert to_keep(program(notice_days=1), metrics(0), tomorrow, NOW)
    assert to_keep(program(notice_days=0), metrics(0), tomorrow, NOW) is None
    assert to_keep(program(), metrics(0), Held(keep_until=DAYS_30), NOW) is None


@pytest.mark.parametrize(
    ("before", "after", "codes"),
    [
        (None, "bronze", ["bronze"]),
        (None, "gold", ["bronze", "silver", "gold"]),
        ("bronze", "gold", ["silver", "gold"]),
        ("gold", "gold", []),
        ("gold", "bronze", []),
        ("gold", None, []),
        ("renamed", "gold", []),
    ],
)
def test_a_rise_reaches_every_level_that_it_passes(
    before: str | None, after: str | None, codes: list[str]
) -> None:
    assert [level.code for level in reached(program().ranks.levels, before, after)] == codes
