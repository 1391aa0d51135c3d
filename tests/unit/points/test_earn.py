"""What purchases earn, as tables that a shop owner can read."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import ceil
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.points.earn import (
    Award,
    Context,
    Discount,
    Line,
    Payment,
    Purchase,
    apportion,
    check_purchase,
    compile_program,
    evaluate,
)
from services.points.program import DEMO, parse

TOKYO = ZoneInfo("Asia/Tokyo")
FRIDAY = datetime(2025, 4, 4, 12, 0, tzinfo=TOKYO)
MONDAY = datetime(2025, 4, 7, 12, 0, tzinfo=TOKYO)
PER_100 = {"id": "base", "type": "spend", "per": 100, "points": 1}
GIFT = {"id": "gift", "type": "fixed", "points": 100}
VISIT = {"id": "come", "type": "visit", "points": 3}
NO_PAST = Context()


def award(
    accrual: dict[str, Any], purchase: Purchase, context: Context = NO_PAST, **document: Any
) -> Award:
    program = compile_program(parse({"accrual": accrual, **document}))
    return evaluate(program, purchase, context)


def bought(total: int, at: datetime = MONDAY, **details: Any) -> Purchase:
    return Purchase(total=total, occurred_at=at, store=details.pop("store", "main"), **details)


def basket(*lines: tuple[str, int], **details: Any) -> Purchase:
    """Lines as (category, amount); each line's SKU is its category in capitals."""
    items = [Line(sku=name.upper(), category=name, amount=amount) for name, amount in lines]
    off = sum(each.amount for each in details.get("discounts", ()))
    return bought(sum(line.amount for line in items) - off, lines=items, **details)


@pytest.mark.parametrize(
    ("total", "points"), [(0, 0), (99, 0), (100, 1), (199, 1), (1_000, 10), (1_080, 10)]
)
def test_one_point_for_every_100_yen(total: int, points: int) -> None:
    assert award({"rules": [PER_100]}, bought(total)).points == points


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
    ("base", "points"), [("tax_included", 11), ("tax_excluded", 10)], ids=["with", "without"]
)
def test_the_base_with_and_without_tax(base: str, points: int) -> None:
    assert award({"rules": [PER_100], "base_amount": base}, bought(1_100, tax=100)).points == points


MIXED = [
    Line(sku="RICE", category="food", amount=1_080, tax=80),
    Line(sku="BEER", category="alcohol", amount=1_100, tax=100),
]


@pytest.mark.parametrize(
    ("excluded", "included_base", "excluded_base"),
    [([], 2_180, 2_000), (["alcohol"], 1_080, 1_000), (["food"], 1_100, 1_000)],
)
def test_eight_and_ten_percent_on_one_receipt(
    excluded: list[str], included_base: int, excluded_base: int
) -> None:
    purchase = bought(2_180, tax=180, lines=MIXED)
    for how, base in (("tax_included", included_base), ("tax_excluded", excluded_base)):
        accrual = {"rules": [PER_100], "excluded_categories": excluded, "base_amount": how}
        assert award(accrual, purchase).base == base


@pytest.mark.parametrize("tax", [162, 180], ids=["tax after the discount", "tax before it"])
def test_a_bill_discount_lowers_the_base_before_tax(tax: int) -> None:
    purchase = bought(1_962, tax=tax, lines=MIXED, discounts=[Discount(amount=218)])
    everything = award({"rules": [PER_100], "base_amount": "tax_excluded"}, purchase)
    food = award(
        {"rules": [PER_100], "base_amount": "tax_excluded", "excluded_categories": ["alcohol"]},
        purchase,
    )
    assert everything.base == 1_962 - tax
    assert food.base == 972 - (72 if tax == 162 else 80)


def test_lines_without_tax_share_the_tax_of_the_bill() -> None:
    accrual = {"rules": [PER_100], "base_amount": "tax_excluded", "excluded_skus": ["TEA"]}
    purchase = bought(
        2_200, tax=200, lines=[Line(sku="TEA", amount=1_100), Line(sku="CUP", amount=1_100)]
    )
    assert award(accrual, purchase).base == 1_000


@pytest.mark.parametrize(
    ("lines", "base"),
    [
        ((("food", 500), ("tobacco", 600)), 500),
        ((("tobacco", 600),), 0),
        ((("food", 500),), 500),
        ((("gift", 5_000), ("tobacco", 600), ("food", 1)), 1),
    ],
)
def test_excluded_lines_do_not_count(lines: tuple[tuple[str, int], ...], base: int) -> None:
    accrual = {"rules": [PER_100], "excluded_categories": ["tobacco"], "excluded_skus": ["GIFT"]}
    result = award(accrual, basket(*lines))
    assert result.base == base
    assert result.points == base // 100


def test_left_out_lines_are_named_with_the_reason() -> None:
    accrual = {"rules": [PER_100], "excluded_categories": ["tobacco"], "excluded_skus": ["GIFT"]}
    result = award(accrual, basket(("food", 500), ("gift", 5_000), ("tobacco", 600)))
    assert result.explanation["left_out"] == [
        {"line": 1, "amount": 5_000, "why": "sku", "sku": "GIFT", "category": "gift"},
        {"line": 2, "amount": 600, "why": "category", "sku": "TOBACCO", "category": "tobacco"},
    ]


@pytest.mark.parametrize(
    ("discounts", "base"),
    [
        ([Discount(amount=300)], 775),  # a quarter of ¥300 belongs to the tobacco
        ([Discount(amount=300, lines=[0])], 700),  # all of it to the food
        ([Discount(amount=300, lines=["FOOD"])], 700),
        ([Discount(amount=100, lines=[1])], 1_000),  # all of it to the tobacco
        ([Discount(amount=500, lines=[0]), Discount(amount=100)], 440),
        ([Discount(amount=1_200)], 100),
    ],
)
def test_discounts_lower_the_base_by_what_they_took(discounts: list[Discount], base: int) -> None:
    purchase = basket(("food", 1_000), ("tobacco", 333), discounts=discounts)
    accrual = {"rules": [PER_100], "excluded_categories": ["tobacco"]}
    assert award(accrual, purchase).base == base


def test_a_line_that_is_already_net_of_its_discount_is_not_lowered_again() -> None:
    purchase = bought(
        1_033,
        lines=[Line(category="food", amount=700), Line(category="tobacco", amount=333)],
        discounts=[Discount(amount=300, lines=[0])],
    )
    assert award({"rules": [PER_100], "excluded_categories": ["tobacco"]}, purchase).base == 700


def test_paying_with_points_or_a_gift_card_is_not_a_discount() -> None:
    payments = [Payment(method="points", amount=400, redemption="r1"), Payment(amount=600)]
    assert award({"rules": [PER_100]}, bought(1_000, payments=payments)).points == 10


@pytest.mark.parametrize(("total", "points"), [(999, 0), (1_000, 113), (1_001, 113)])
def test_below_the_minimum_spend_nothing_is_earned(total: int, points: int) -> None:
    accrual = {"rules": [PER_100, GIFT, VISIT], "minimum_spend": 1_000}
    result = award(accrual, bought(total))
    assert (result.points, result.visits) == (points, 1)


def test_the_minimum_spend_looks_at_what_counts() -> None:
    accrual = {"rules": [PER_100], "minimum_spend": 1_000, "excluded_categories": ["tobacco"]}
    assert award(accrual, basket(("food", 999), ("tobacco", 600))).points == 0


def test_a_fixed_gift_needs_something_that_counts() -> None:
    accrual = {"rules": [GIFT], "excluded_categories": ["tobacco"]}
    assert award(accrual, basket(("tobacco", 600))).points == 0
    assert award(accrual, basket(("tobacco", 600), ("food", 1))).points == 100


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


def test_without_carrying_the_kept_remainder_stays_as_it_is() -> None:
    result = award({"rules": [PER_100]}, bought(150), Context(remainder=(9, 10)))
    assert (result.points, result.remainder) == (1, (9, 10))


def test_a_remainder_never_outgrows_two_bigints() -> None:
    rule = {"id": "b", "type": "spend", "per": 999_999_999_989, "points": 1}
    accrual = {"rules": [rule], "carry_remainder": True}
    result = award(accrual, bought(1), Context(remainder=(1, 1_000_000_007)))
    exact = Fraction(1, 999_999_999_989) + Fraction(1, 1_000_000_007)
    assert result.remainder == (ceil(exact * 10**18), 10**18)


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


def test_one_purchase_never_changes_the_words_of_the_next() -> None:
    program = compile_program(parse(DEMO))
    first = evaluate(program, bought(1_000, FRIDAY), Context(rank="silver")).explanation
    before = repr(first)
    evaluate(program, bought(5_000, FRIDAY), Context(rank="silver"))
    assert repr(first) == before


@pytest.mark.parametrize(
    ("total", "weights", "shares"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (100, [2, 1, 1], [50, 25, 25]),
        (2, [1, 1, 1], [1, 1, 0]),
        (10, [0, 5], [0, 10]),
        (10, [0, 0], [0, 0]),
        (0, [3, 4], [0, 0]),
        (5, [999, 1], [5, 0]),
    ],
)
def test_sharing_out_to_the_unit(total: int, weights: list[int], shares: list[int]) -> None:
    assert apportion(total, weights) == shares


GOOD_LINES = [Line(sku="A", amount=700, tax=50), Line(sku="B", amount=300)]


@pytest.mark.parametrize(
    ("purchase", "paths"),
    [
        (bought(1_000, tax=90, lines=GOOD_LINES), []),
        (bought(0), []),
        (bought(900, lines=GOOD_LINES, discounts=[Discount(amount=100)]), []),
        (bought(900, lines=GOOD_LINES, discounts=[Discount(amount=100, lines=[1])]), []),
        (bought(1_000, lines=GOOD_LINES, discounts=[Discount(amount=100, lines=["B"])]), []),
        (bought(1_000, payments=[Payment(amount=400), Payment(amount=600)]), []),
        (bought(-1), ["total", "payments"]),
        (bought(10**12 + 1), ["total"]),
        (bought(100, tax=101), ["tax"]),
        (bought(100, tax=-1), ["tax"]),
        (bought(100, at=datetime(2025, 4, 7)), ["occurred_at"]),  # noqa: DTZ001
        (bought(1_001, lines=GOOD_LINES), ["lines"]),
        (bought(950, lines=GOOD_LINES, discounts=[Discount(amount=100)]), ["lines"]),
        (bought(0, lines=[Line(amount=0, quantity=0)]), ["lines[0].quantity"]),
        (bought(0, lines=[Line(amount=-1)]), ["lines[0].amount"]),
        (bought(10, lines=[Line(amount=10, tax=11)]), ["lines[0].tax"]),
        (bought(100, payments=[Payment(amount=101)]), ["payments"]),
        (bought(100, payments=[Payment(amount=-1)]), ["payments[0].amount"]),
        (bought(100, discounts=[Discount(amount=-5)]), ["discounts[0].amount"]),
        (
            bought(900, lines=GOOD_LINES, discounts=[Discount(amount=100, lines=[2, "C"])]),
            ["discounts[0].lines[0]", "discounts[0].lines[1]"],
        ),
        (
            bought(600, lines=GOOD_LINES, discounts=[Discount(amount=400, lines=[1])]),
            ["discounts[0].amount"],
        ),
    ],
)
def test_what_is_wrong_with_a_purchase(purchase: Purchase, paths: list[str]) -> None:
    assert [problem.path for problem in check_purchase(purchase)] == paths
