"""Who has which rank, and what is missing to the next."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.points.program import Program, parse
from services.points.ranks import Decision, Metrics, evaluate, next_level, window_start

NOW = datetime(2025, 4, 1, 12, tzinfo=UTC)
BRONZE = {"code": "bronze", "name": "ブロンズ", "requires": {"points_earned": 10}}
SILVER = {"code": "silver", "name": "シルバー", "requires": {"points_earned": 50, "visits": 3}}
GOLD = {"code": "gold", "name": "ゴールド", "requires": {"amount_spent": 100_000}}


def program(**ranks: Any) -> Program:
    return parse({"ranks": {"levels": [BRONZE, SILVER, GOLD], **ranks}})


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
    assert evaluate(program(), counted, None, NOW).rank == rank


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
    decision = evaluate(
        program(), counted, current, NOW, keep_until=keep_until, evaluation=evaluation
    )
    assert (decision.rank, decision.direction) == (rank, direction)


def test_down_by_one_level_where_the_program_says_so() -> None:
    by_one = program(downgrade="one_level")
    decision = evaluate(by_one, metrics(0), "gold", NOW, evaluation=True)
    assert (decision.rank, decision.direction) == ("silver", "down")
    decision = evaluate(by_one, metrics(0), "bronze", NOW, evaluation=True)
    assert (decision.rank, decision.direction) == (None, "down")


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
    decision = evaluate(program(), metrics(0), current, NOW, manual_floor=floor, evaluation=True)
    assert (decision.rank, decision.direction) == (rank, direction)


def test_a_rank_is_kept_through_the_last_day_of_its_months() -> None:
    year = datetime(2026, 4, 1, 15, tzinfo=UTC)  # the end of 1 April 2026 in Tokyo
    up = evaluate(program(), metrics(10), None, NOW, keep_until=FUTURE)
    assert up == Decision(rank="bronze", direction="up", keep_until=year)
    confirmed = evaluate(program(), metrics(10), "bronze", NOW, keep_until=PAST, evaluation=True)
    assert confirmed == Decision(rank="bronze", direction="same", keep_until=year)
    untouched = evaluate(program(), metrics(10), "bronze", NOW, keep_until=PAST)
    assert untouched == Decision(rank="bronze", direction="same", keep_until=PAST)
    brief = evaluate(program(keep_months=0), metrics(10), None, NOW)
    assert brief == Decision(rank="bronze", direction="up", keep_until=None)


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
