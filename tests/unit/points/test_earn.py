"""What purchases earn, as tables that a shop owner can read."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import ceil
from typing import Any

import pytest

from services.points.rules.earn import (
    Context,
    Line,
    compile_program,
    evaluate,
)
from services.points.rules.program import DEMO, parse
from tests.unit.points.baskets import (
    FRIDAY,
    GIFT,
    MONDAY,
    PER_100,
    TOKYO,
    VISIT,
    award,
    basket,
    bought,
)


@pytest.mark.parametrize(
    ("total", "points"), [(0, 0), (99, 0), (100, 1), (199, 1), (1_000, 10), (1_080, 10)]
)
def test_one_point_for_every_100_yen(total: int, points: int) -> None:
    result = award({"rules": [PER_100]}, bought(total))
    assert (result.points, result.visits) == (points, 1)


@pytest.mark.parametrize(
    ("per", "each", "total", "points"),
    [(500, 10, 499, 0), (500, 10, 500, 10), (500, 10, 1_499, 20), (1, 1, 7, 7), (300, 0, 900, 0)],
)
def test_points_come_in_whole_steps(per: int, each: int, total: int, points: int) -> None:
    rule = {"id": "base", "type": "spend", "per": per, "points": each}
    assert award({"rules": [rule]}, bought(total)).points == points


@pytest.mark.parametrize(
    ("percent", "rounding", "total", "points"),
    [
        ("1", "floor", 150, 1),
        ("1", "half_up", 149, 1),
        ("1", "half_up", 150, 2),
        ("1", "ceil", 101, 2),
        ("1", "ceil", 100, 1),
        ("0.5", "floor", 1_999, 9),
        ("0.5", "half_up", 100, 1),
        ("0.0001", "floor", 999_999, 0),
        ("0.0001", "floor", 1_000_000, 1),
        ("100", "floor", 123, 123),
    ],
)
def test_a_percentage_is_rounded_once(percent: str, rounding: str, total: int, points: int) -> None:
    rule = {"id": "rate", "type": "percent", "percent": percent}
    assert award({"rules": [rule], "rounding": rounding}, bought(total)).points == points


def test_fractions_of_two_rules_add_up_before_the_rounding() -> None:
    rules = [{"id": name, "type": "percent", "percent": "0.5"} for name in ("a", "b")]
    assert award({"rules": rules}, bought(100)).points == 1  # 0.5 + 0.5, not 0 + 0


@pytest.mark.parametrize(
    ("limit", "context", "points", "visits"),
    [
        (None, Context(visits_today=9), 3, 1),
        ({"per": "day", "count": 1}, Context(visits_today=0), 3, 1),
        ({"per": "day", "count": 1}, Context(visits_today=1), 0, 0),
        ({"per": "day", "count": 2}, Context(visits_today=1), 3, 1),
        ({"per": "hours", "hours": 3}, Context(), 3, 1),
        (
            {"per": "hours", "hours": 3},
            Context(visit_times=(MONDAY - timedelta(hours=3),)),
            3,
            1,
        ),
        (
            {"per": "hours", "hours": 3},
            Context(visit_times=(MONDAY - timedelta(hours=2, minutes=59),)),
            0,
            0,
        ),
    ],
)
def test_visits_are_limited_by_day_or_by_hours(
    limit: dict[str, Any] | None, context: Context, points: int, visits: int
) -> None:
    rule = {**VISIT, "limit": limit}
    result = award({"rules": [rule]}, bought(500), context)
    assert (result.points, result.visits) == (points, visits)


def test_points_for_each_unit_of_a_product() -> None:
    rule = {"id": "item", "type": "product", "points_per_unit": 5, "skus": ["A"]}
    rule["categories"] = ["cake"]
    lines = [
        Line(sku="A", amount=100, quantity=3),
        Line(sku="B", category="cake", amount=100, quantity=2),
        Line(sku="C", amount=100, quantity=9),
    ]
    assert award({"rules": [rule]}, bought(300, lines=lines)).points == 25
    excluded = {"rules": [rule], "excluded_skus": ["A"]}
    assert award(excluded, bought(300, lines=lines)).points == 10


def rule(id: str, points: int, **details: Any) -> dict[str, Any]:
    return {"id": id, "type": "fixed", "points": points, **details}


@pytest.mark.parametrize(
    ("rules", "points", "suppressed"),
    [
        ([rule("a", 1), rule("b", 2)], 3, []),
        ([rule("a", 1), rule("b", 2, stackable=False)], 2, ["a"]),
        ([rule("a", 1, priority=99), rule("b", 2, stackable=False)], 2, ["a"]),
        (
            [rule("a", 9, stackable=False, priority=1), rule("b", 2, stackable=False, priority=2)],
            2,
            ["a"],
        ),
        ([rule("a", 5, stackable=False), rule("b", 9, stackable=False)], 5, ["b"]),
        ([rule("a", 1), rule("b", 0, stackable=False)], 1, []),
        (
            [rule("a", 1), rule("b", 7, stackable=False, when={"stores": ["other"]})],
            1,
            [],
        ),
    ],
    ids=[
        "stackable rules add",
        "a non-stackable one stands alone",
        "whatever the others' priority",
        "the highest priority wins",
        "of equals the first",
        "one that gives nothing suppresses nothing",
        "nor does one that does not apply",
    ],
)
def test_which_rules_go_together(
    rules: list[dict[str, Any]], points: int, suppressed: list[str]
) -> None:
    result = award({"rules": rules}, bought(100))
    assert result.points == points
    assert result.explanation.get("suppressed", []) == suppressed


@pytest.mark.parametrize(
    ("when", "applies"),
    [
        ({}, True),
        ({"weekdays": ["mon"]}, True),
        ({"weekdays": ["sun", "tue"]}, False),
        ({"from": "2025-04-07"}, True),
        ({"from": "2025-04-08"}, False),
        ({"until": "2025-04-07"}, True),
        ({"until": "2025-04-06"}, False),
        ({"from": "2025-04-07T12:00:00+09:00"}, True),
        ({"from": "2025-04-07T03:00:01Z"}, False),
        ({"until": "2025-04-07T12:00:00+09:00"}, False),
        ({"until": "2025-04-07T12:00:01+09:00"}, True),
        ({"hours": "12:00-13:00"}, True),
        ({"hours": "11:00-12:00"}, False),
        ({"hours": "22:00-12:00"}, False),
        ({"hours": "22:00-12:01"}, True),
        ({"stores": ["main", "east"]}, True),
        ({"stores": ["east"]}, False),
        ({"ranks": ["silver"]}, True),
        ({"ranks": ["gold"]}, False),
        ({"birthday_month": True}, True),
        ({"first_purchase": True}, False),
        ({"skus": ["FOOD"]}, True),
        ({"categories": ["toys"]}, False),
        ({"weekdays": ["mon"], "stores": ["east"]}, False),
    ],
)
def test_when_a_multiplier_applies(when: dict[str, Any], applies: bool) -> None:
    ranks = {
        "levels": [
            {"code": code, "name": code, "requires": {"visits": 1}} for code in ("silver", "gold")
        ]
    }
    accrual = {"rules": [PER_100], "multipliers": [{"id": "m", "factor": "2", "when": when}]}
    context = Context(rank="silver", birthday_month=4)
    result = award(accrual, basket(("food", 1_000)), context, ranks=ranks)
    assert result.points == (20 if applies else 10)
    assert ("multipliers" in result.explanation) is applies


@pytest.mark.parametrize(
    ("at", "applies"),
    [
        (datetime(2025, 4, 4, 21, 59, tzinfo=TOKYO), False),
        (datetime(2025, 4, 4, 22, 0, tzinfo=TOKYO), True),
        (datetime(2025, 4, 5, 1, 59, tzinfo=TOKYO), True),  # Saturday, but Friday's night
        (datetime(2025, 4, 5, 2, 0, tzinfo=TOKYO), False),
        (datetime(2025, 4, 4, 1, 0, tzinfo=TOKYO), False),  # Thursday's night
        (datetime(2025, 4, 4, 13, 30, tzinfo=UTC), True),  # 22:30 in Tokyo
    ],
)
def test_friday_night_goes_on_after_midnight(at: datetime, applies: bool) -> None:
    happy = {"id": "m", "factor": "2", "when": {"weekdays": ["fri"], "hours": "22:00-02:00"}}
    result = award({"rules": [PER_100], "multipliers": [happy]}, bought(1_000, at))
    assert result.points == (20 if applies else 10)


def test_first_purchase_and_birthday_multiply_each_other() -> None:
    accrual = {
        "rules": [PER_100],
        "multipliers": [
            {"id": "first", "factor": "3", "when": {"first_purchase": True}},
            {"id": "birthday", "factor": "1.5", "when": {"birthday_month": True}},
        ],
    }
    context = Context(first_purchase=True, birthday_month=4)
    assert award(accrual, bought(1_000), context).points == 45


def test_multipliers_leave_visits_and_gifts_alone() -> None:
    accrual = {
        "rules": [PER_100, GIFT, VISIT, {"id": "rate", "type": "percent", "percent": "1"}],
        "multipliers": [{"id": "double", "factor": "2"}],
    }
    assert award(accrual, bought(1_000)).points == (10 + 10) * 2 + 100 + 3


def test_a_multiplier_of_zero_gives_nothing_for_the_spending() -> None:
    accrual = {"rules": [PER_100, VISIT], "multipliers": [{"id": "none", "factor": "0"}]}
    assert award(accrual, bought(1_000)).points == 3


CAKES = {"id": "cakes", "factor": "3", "when": {"categories": ["cake"]}}


@pytest.mark.parametrize(
    ("rules", "multipliers", "points"),
    [
        ([PER_100], [CAKES], 22),  # 11 points: 11/2 × 3 + 11/2
        ([PER_100], [CAKES, {"id": "double", "factor": "2"}], 44),
        ([PER_100], [CAKES, {"id": "a", "factor": "2", "when": {"skus": ["CAKE"]}}], 38),
        (
            [{"id": "i", "type": "product", "skus": ["CAKE", "TEA"], "points_per_unit": 5}],
            [CAKES],
            20,
        ),
        ([{**PER_100, "when": {"skus": ["CAKE"]}}], [CAKES], 15),
        ([{**PER_100, "when": {"skus": ["TEA"]}}], [CAKES], 5),
        ([{**GIFT, "when": {"skus": ["TEA"]}}], [CAKES], 100),
        ([{**GIFT, "when": {"skus": ["POT"]}}], [CAKES], 0),
    ],
)
def test_rules_and_multipliers_of_some_products(
    rules: list[dict[str, Any]], multipliers: list[dict[str, Any]], points: int
) -> None:
    purchase = basket(("cake", 550), ("tea", 550))
    assert award({"rules": rules, "multipliers": multipliers}, purchase).points == points


RANKS = {
    "levels": [
        {
            "code": "bronze",
            "name": "ブロンズ",
            "requires": {"points_earned": 10},
            "rate_bonus_percent": "1.0",
        },
        {
            "code": "silver",
            "name": "シルバー",
            "requires": {"points_earned": 30},
            "multiplier": "1.5",
        },
    ]
}


@pytest.mark.parametrize(
    ("rank", "multipliers", "points"),
    [
        (None, [], 10),
        ("gone", [], 10),
        ("bronze", [], 20),  # + 1 % of ¥1,000
        ("silver", [], 15),
        ("silver", [{"id": "double", "factor": "2"}], 30),
        ("bronze", [{"id": "double", "factor": "2"}], 30),  # the bonus itself is not doubled
    ],
)
def test_what_a_rank_adds(rank: str | None, multipliers: list[dict[str, Any]], points: int) -> None:
    accrual = {"rules": [PER_100], "multipliers": multipliers}
    assert award(accrual, bought(1_000), Context(rank=rank), ranks=RANKS).points == points


@pytest.mark.parametrize(
    ("caps", "context", "points"),
    [
        ([{"per": "purchase", "points": 10}], Context(), 10),
        ([{"per": "purchase", "points": 9}], Context(), 9),
        ([{"per": "purchase", "points": 0}], Context(), 0),
        ([{"per": "day", "points": 15}], Context(given_today=5), 10),
        ([{"per": "day", "points": 15}], Context(given_today=8), 7),
        ([{"per": "day", "points": 15}], Context(given_today=99), 0),
        ([{"per": "month", "points": 15}], Context(given_month=12, given_today=99), 3),
        ([{"per": "campaign", "points": 15}], Context(given_campaign=14), 1),
        (
            [{"per": "purchase", "points": 8}, {"per": "day", "points": 5}],
            Context(),
            5,
        ),
    ],
)
def test_caps(caps: list[dict[str, Any]], context: Context, points: int) -> None:
    assert award({"rules": [PER_100], "caps": caps}, bought(1_000), context).points == points


def test_the_cap_comes_before_the_rounding() -> None:
    accrual = {
        "rules": [{"id": "rate", "type": "percent", "percent": "1"}],
        "caps": [{"per": "purchase", "points": 10}],
        "rounding": "ceil",
    }
    result = award(accrual, bought(1_001))
    assert result.points == 10
    assert result.explanation["caps"] == [
        {"per": "purchase", "limit": 10, "from": "10.01", "to": 10}
    ]


@pytest.mark.parametrize(
    ("rules", "totals", "points"),
    [
        ([PER_100], [150, 150], [1, 2]),
        ([PER_100], [80, 119], [0, 1]),
        ([PER_100], [80, 120], [0, 2]),
        ([{"id": "b", "type": "spend", "per": 200, "points": 1}], [80, 120], [0, 1]),
        ([{"id": "b", "type": "spend", "per": 3, "points": 1}], [1, 1, 1], [0, 0, 1]),
        ([{"id": "b", "type": "percent", "percent": "0.3"}], [111, 111, 112], [0, 0, 1]),
    ],
)
def test_what_the_rounding_leaves_joins_the_next_purchase(
    rules: list[dict[str, Any]], totals: list[int], points: list[int]
) -> None:
    remainder = (0, 1)
    given = []
    for total in totals:
        accrual = {"rules": rules, "carry_remainder": True}
        result = award(accrual, bought(total), Context(remainder=remainder))
        given.append(result.points)
        remainder = result.remainder
    assert given == points


def test_a_cap_does_not_eat_what_was_carried() -> None:
    accrual = {
        "rules": [PER_100],
        "carry_remainder": True,
        "caps": [{"per": "purchase", "points": 10}],
    }
    result = award(accrual, bought(2_000), Context(remainder=(9, 10)))
    assert (result.points, result.remainder) == (10, (9, 10))


@pytest.mark.parametrize("total", [100, 150])
def test_without_carrying_the_kept_remainder_stays_as_it_is(total: int) -> None:
    rule = {"id": "rate", "type": "percent", "percent": "1"}
    result = award({"rules": [rule]}, bought(total), Context(remainder=(9, 10)))
    assert (result.points, result.remainder) == (1, (9, 10))


def test_a_remainder_never_outgrows_two_bigints() -> None:
    rule = {"id": "b", "type": "spend", "per": 999_999_999_989, "points": 1}
    accrual = {"rules": [rule], "carry_remainder": True}
    result = award(accrual, bought(1), Context(remainder=(1, 1_000_000_007)))
    exact = Fraction(1, 999_999_999_989) + Fraction(1, 1_000_000_007)
    assert result.remainder == (ceil(exact * 10**18), 10**18)


def test_mistaken_rules_never_overflow_a_balance() -> None:
    rule = {"id": "b", "type": "spend", "per": 1, "points": 10**9}
    accrual = {"rules": [rule], "multipliers": [{"id": "m", "factor": "999999"}]}
    assert award(accrual, bought(10**12)).points == 10**12


def test_the_explanation_has_every_step() -> None:
    purchase = basket(("food", 1_080), ("tobacco", 600), at=FRIDAY)
    result = evaluate(compile_program(parse(DEMO)), purchase, Context(rank="silver"))
    assert result.points == 25
    assert result.explanation == {
        "base": 1_080,
        "left_out": [
            {"line": 1, "amount": 600, "why": "category", "sku": "TOBACCO", "category": "tobacco"}
        ],
        "rules": [
            {
                "id": "base",
                "type": "spend",
                "per": 100,
                "each": 1,
                "amount": 1_080,
                "points": "10",
            }
        ],
        "multipliers": [{"id": "friday", "factor": "1.5", "when": {"weekdays": ["fri"]}}],
        "rank": {"code": "silver", "name": "シルバー", "percent": "1.0", "bonus": "10.8"},
        "exact": "25.8",
        "rounding": "floor",
        "points": 25,
    }


def test_what_costs_nothing_is_no_first_purchase() -> None:
    gift = {"id": "g", "type": "fixed", "points": 9, "when": {"first_purchase": True}}
    new = Context(first_purchase=True)
    assert award({"rules": [gift]}, bought(0), new).points == 0
    assert award({"rules": [gift]}, bought(1), new).points == 9


def test_one_purchase_never_changes_the_words_of_the_next() -> None:
    program = compile_program(parse(DEMO))
    first = evaluate(program, bought(1_000, FRIDAY), Context(rank="silver")).explanation
    before = repr(first)
    evaluate(program, bought(5_000, FRIDAY), Context(rank="silver"))
    assert repr(first) == before
