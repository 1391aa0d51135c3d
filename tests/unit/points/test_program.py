"""The program document: what is accepted, what is refused and in which words."""

import json
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.points.rules.program import (
    DEMO,
    CalendarYearWindow,
    FixedExpiry,
    LifetimeWindow,
    NoExpiry,
    RollingWindow,
    SlidingExpiry,
    SpendRule,
    default,
    parse,
    to_document,
)
from services.points.rules.terms import ProgramInvalid, moment

CONTRACT = json.loads("""
{"currency": "JPY", "time_zone": "Asia/Tokyo",
 "accrual": {"base_amount": "tax_included", "excluded_categories": [], "excluded_skus": [],
   "minimum_spend": 0, "rounding": "floor", "carry_remainder": false,
   "rules": [{"id": "base", "type": "spend", "per": 100, "points": 1, "stackable": true,
              "priority": 0},
             {"id": "rate", "type": "percent", "percent": "1.0"},
             {"id": "gift", "type": "fixed", "points": 100, "stackable": false, "priority": 10},
             {"id": "come", "type": "visit", "points": 1, "limit": {"per": "day", "count": 1}},
             {"id": "item", "type": "product", "skus": ["A"], "categories": [],
              "points_per_unit": 5}],
   "multipliers": [{"id": "friday", "factor": "1.5", "when": {"weekdays": ["fri"], "from": null,
                    "until": null, "hours": null, "stores": [], "ranks": [], "skus": [],
                    "categories": [], "birthday_month": false, "first_purchase": false}}],
   "caps": [{"per": "purchase", "points": 1000}]},
 "pending": {"days": 0},
 "expiry": {"type": "none"},
 "redemption": {"value": {"points": 1, "amount": 1}, "minimum": 1, "unit": 1,
                "maximum_percent": 100, "hold_minutes": 15},
 "refunds": {"overspent": "allow_negative"},
 "ranks": {"window": {"type": "lifetime"}, "keep_months": 12, "levels": [
   {"code": "bronze", "name": "ブロンズ", "requires": {"points_earned": 10},
    "rate_bonus_percent": "1.0"},
   {"code": "silver", "name": "シルバー", "requires": {"points_earned": 30, "visits": 3},
    "multiplier": "1.5"}]},
 "welcome": {"points": 0}}
""")


LEVEL = {"code": "a", "name": "A", "requires": {"visits": 1}}


def with_rule(**details: Any) -> dict[str, Any]:
    return {"accrual": {"rules": [{"id": "r", **details}]}}


def with_when(**when: Any) -> dict[str, Any]:
    return {"accrual": {"multipliers": [{"id": "m", "factor": "2", "when": when}]}}


def problems(document: Any) -> dict[str, str]:
    with pytest.raises(ProgramInvalid) as caught:
        parse(document)
    return dict(caught.value.problems)


def test_the_contracts_own_example_comes_back_as_it_was_put() -> None:
    raw = json.dumps(CONTRACT).encode()
    assert to_document(parse(raw)) == CONTRACT
    assert list(to_document(parse(raw))) == list(CONTRACT)


def test_what_is_left_out_has_the_contracts_defaults() -> None:
    bare, full = parse({}), deepcopy(CONTRACT)
    full["accrual"] |= {"rules": [], "multipliers": [], "caps": []}
    full["ranks"]["levels"] = []
    for name in ("currency", "time_zone", "accrual", "pending", "expiry", "redemption"):
        assert getattr(bare, name) == getattr(parse(full), name), name
    for name in ("refunds", "ranks", "welcome"):
        assert getattr(bare, name) == getattr(parse(full), name), name
    assert to_document(bare) == {}


def test_tills_give_nothing_of_their_own_accord_unless_the_program_says_so() -> None:
    bare = parse({})
    assert (bare.service.maximum_points, bare.service.per_day, bare.service.rules) == (0, 1, ())
    assert bare.waiting.days == 30


def test_a_new_shop_gives_a_point_for_every_100_yen() -> None:
    assert default().accrual.rules == (SpendRule(id="base", per=100, points=1),)
    assert default().ranks.levels == ()


def test_the_demo_has_three_ranks_and_a_welcome() -> None:
    demo = parse(DEMO)
    assert [level.code for level in demo.ranks.levels] == ["bronze", "silver", "gold"]
    assert demo.welcome.points == 50


@pytest.mark.parametrize(
    ("given", "window"),
    [
        ("lifetime", LifetimeWindow()),
        ("calendar_year", CalendarYearWindow()),
        ({"type": "calendar_year"}, CalendarYearWindow()),
        ({"type": "rolling", "months": 12}, RollingWindow(months=12)),
    ],
)
def test_windows_may_be_written_short(given: Any, window: Any) -> None:
    document = {"ranks": {"window": given}}
    program = parse(document)
    assert program.ranks.window == window
    assert to_document(program) == document


@pytest.mark.parametrize(
    ("given", "expiry"),
    [
        ({"type": "none"}, NoExpiry()),
        ({"type": "fixed", "months": 12}, FixedExpiry(months=12)),
        (
            {"type": "fixed", "days": 90, "round_to": "year_end"},
            FixedExpiry(days=90, round_to="year_end"),
        ),
        ({"type": "fixed", "months": 1, "days": None, "round_to": None}, FixedExpiry(months=1)),
        ({"type": "sliding", "months": 6}, SlidingExpiry(months=6)),
    ],
)
def test_expiries(given: Any, expiry: Any) -> None:
    assert parse({"expiry": given}).expiry == expiry


GOOD = [
    with_rule(type="spend", per=1, points=0),
    with_rule(type="percent", percent="0"),
    with_rule(type="percent", percent="100000.1234"),
    with_rule(type="visit", points=1, limit=None),
    with_rule(type="visit", points=1, limit={"per": "hours", "hours": 3, "count": 2}),
    with_rule(type="fixed", points=1, name="雨の日", when={"stores": ["main"]}),
    {"accrual": {"caps": [{"per": "campaign", "points": 1, "id": "spring"}]}},
    {"service": {"maximum_points": 10, "per_day": 2, "rules": [{"id": "rain", "points": 5}]}},
    {"waiting": {"days": 3650}},
    with_when(hours="22:00-02:00"),
    with_when(hours="00:00-24:00"),
    with_when(**{"from": "2025-04-01", "until": "2025-04-01"}),
    with_when(**{"from": "2025-04-01", "until": "2025-03-31T16:00:00Z"}),  # in Tokyo it is April
    with_when(**{"from": "2025-04-01T10:00:00+09:00", "until": "2025-04-01T01:00:01.5Z"}),
    {"accrual": {"caps": [{"per": per, "points": 5} for per in ("day", "month", "campaign")]}},
    {"time_zone": "UTC", "currency": "USD"},
    {"ranks": {"levels": []}},
    {"ranks": {"notice_days": 0, "levels": [LEVEL | {"points": 100, "every_time": True}]}},
]


@pytest.mark.parametrize("document", GOOD, ids=str)
def test_good_documents(document: dict[str, Any]) -> None:
    assert to_document(parse(document)) is document


BAD: list[tuple[Any, str, str]] = [
    ([], "", "an object"),
    (b"{", "", "JSON"),
    (b"[" * 100_000, "", "JSON"),
    (b'{"currency": "\xff"}', "", "JSON"),
    ({"currencies": "JPY"}, "currencies", "currency or time_zone"),
    ({"currency": "yen"}, "currency", "three capital letters"),
    ({"currency": "ＪＰＹ"}, "currency", "three capital letters"),
    ({"currency": 392}, "currency", "three capital letters"),
    ({"time_zone": "Tokyo"}, "time_zone", "IANA"),
    ({"time_zone": "Asia"}, "time_zone", "IANA"),
    ({"time_zone": ""}, "time_zone", "IANA"),
    ({"time_zone": "../etc/passwd"}, "time_zone", "IANA"),
    ({"time_zone": "a\0b"}, "time_zone", "IANA"),
    ({"time_zone": "localtime"}, "time_zone", "IANA"),
    ({"accrual": None}, "accrual", "an object"),
    ({"accrual": {"rules": {}}}, "accrual.rules", "a list"),
    ({"accrual": {"rules": [3]}}, "accrual.rules[0].type", "spend"),
    (with_rule(type="cashback"), "accrual.rules[0].type", "spend or percent"),
    (with_rule(type=["spend"]), "accrual.rules[0].type", "spend"),
    (with_rule(type="spend", points=1), "accrual.rules[0].per", "missing"),
    (with_rule(type="spend", per=0, points=1), "accrual.rules[0].per", "from 1"),
    (with_rule(type="spend", per=100.5, points=1), "accrual.rules[0].per", "whole number"),
    (with_rule(type="spend", per=True, points=1), "accrual.rules[0].per", "whole number"),
    (with_rule(type="spend", per=1, points=-1), "accrual.rules[0].points", "from 0"),
    (with_rule(type="spend", per=1, points=10**10), "accrual.rules[0].points", "to 1000000000"),
    (with_rule(type="fixed", points=1, per=100), "accrual.rules[0].per", "not known"),
    (with_rule(type="fixed", points=1, id=""), "accrual.rules[0].id", "1 to 64"),
    (with_rule(type="fixed", points=1, stackable=1), "accrual.rules[0].stackable", "true or"),
    (with_rule(type="percent", percent=1.0), "accrual.rules[0].percent", '"1.5"'),
    (with_rule(type="percent", percent="-1"), "accrual.rules[0].percent", "0 or more"),
    (with_rule(type="percent", percent="1.00001"), "accrual.rules[0].percent", "4 decimals"),
    (with_rule(type="percent", percent="1e3"), "accrual.rules[0].percent", "decimal"),
    (with_rule(type="percent", percent="１"), "accrual.rules[0].percent", "decimal"),
    (with_rule(type="percent", percent="1\n"), "accrual.rules[0].percent", "decimal"),
    (with_rule(type="product", points_per_unit=1), "accrual.rules[0].skus", "name the products"),
    (with_rule(type="visit", points=1, limit={"per": "week"}), "accrual.rules[0].limit.per", "day"),
    (
        with_rule(type="visit", points=1, limit={"per": "hours"}),
        "accrual.rules[0].limit.hours",
        "hours",
    ),
    (
        with_rule(type="visit", points=1, limit={"per": "day", "hours": 3}),
        "accrual.rules[0].limit.hours",
        "hours",
    ),
    (with_when(weekdays=["friday"]), "accrual.multipliers[0].when.weekdays[0]", "fri or mon"),
    (with_when(weekdays="fri"), "accrual.multipliers[0].when.weekdays", "a list"),
    (with_when(hours="9-17"), "accrual.multipliers[0].when.hours", "HH:MM"),
    (with_when(hours="24:00-02:00"), "accrual.multipliers[0].when.hours", "HH:MM"),
    (with_when(hours="10:00-10:00"), "accrual.multipliers[0].when.hours", "two different"),
    (with_when(until="2025-02-30"), "accrual.multipliers[0].when.until", "2025-04-01"),
    (with_when(until="2025-04-01T10:00:00"), "accrual.multipliers[0].when.until", "offset"),
    (with_when(until="9999-12-31"), "accrual.multipliers[0].when.until", "2025-04-01"),
    (
        with_when(until="9999-12-31T23:59:59-23:59"),
        "accrual.multipliers[0].when.until",
        "2025-04-01",
    ),
    (
        with_when(**{"from": "2025-04-02", "until": "2025-04-01"}),
        "accrual.multipliers[0].when.until",
        "later than from",
    ),
    (
        {
            **with_when(**{"from": "2025-04-02T08:00:00+09:00", "until": "2025-04-01"}),
            "time_zone": "Asia/Tokyo",
        },
        "accrual.multipliers[0].when.until",
        "later than from",
    ),
    ({"accrual": {"caps": [{"per": "day", "points": 1}] * 101}}, "accrual.caps", "at most 100"),
    (with_when(ranks=["gold"]), "accrual.multipliers[0].when.ranks[0]", "not the code"),
    ({"accrual": {"caps": [{"per": "week", "points": 1}]}}, "accrual.caps[0].per", "purchase"),
    ({"pending": {"days": -1}}, "pending.days", "from 0"),
    ({"expiry": {"type": "fixed"}}, "expiry", "either months or days"),
    ({"expiry": {"type": "fixed", "months": 1, "days": 1}}, "expiry", "either months or days"),
    ({"expiry": {"type": "sliding"}}, "expiry.months", "missing"),
    ({"expiry": {"type": "fixed", "months": 0}}, "expiry.months", "from 1"),
    ({"redemption": {"maximum_percent": 101}}, "redemption.maximum_percent", "to 100"),
    ({"redemption": {"value": {"points": 0}}}, "redemption.value.points", "from 1"),
    ({"redemption": {"unit": 0}}, "redemption.unit", "from 1"),
    ({"refunds": {"overspent": "forgive"}}, "refunds.overspent", "allow_negative"),
    ({"ranks": {"window": "weekly"}}, "ranks.window.type", "lifetime or rolling"),
    ({"ranks": {"window": {"type": "rolling"}}}, "ranks.window.months", "missing"),
    (
        {"ranks": {"levels": [{"code": "a", "name": "A", "requires": {}}]}},
        "ranks.levels[0].requires",
        "at least one condition",
    ),
    (
        {"ranks": {"levels": [{"code": "a", "name": "A", "requires": {"stars": 5}}]}},
        "ranks.levels[0].requires.stars",
        "points_earned",
    ),
    ({"welcome": {"points": "50"}}, "welcome.points", "whole number"),
    ({"service": {"per_day": 0}}, "service.per_day", "from 1"),
    ({"service": {"rules": [{"id": "rain"}]}}, "service.rules[0].points", "missing"),
    ({"service": {"rules": [{"id": "a", "points": 1}] * 2}}, "service.rules[1].id", "twice"),
    ({"waiting": {"days": 0}}, "waiting.days", "from 1"),
    ({"accrual": {"caps": [{"per": "day", "points": 1, "id": ""}]}}, "accrual.caps[0].id", "text"),
]


def test_levels_give_points_once_and_who_would_lose_one_knows_it_thirty_days_ahead() -> None:
    ranks = parse({"ranks": {"levels": [LEVEL]}}).ranks
    assert (ranks.levels[0].points, ranks.levels[0].every_time, ranks.notice_days) == (0, False, 30)
    bad = LEVEL | {"points": -1, "every_time": 1}
    assert set(problems({"ranks": {"notice_days": 367, "levels": [bad]}})) == {
        "ranks.notice_days",
        "ranks.levels[0].points",
        "ranks.levels[0].every_time",
    }


@pytest.mark.parametrize(("document", "path", "words"), BAD, ids=lambda value: str(value)[:60])
def test_what_is_refused_and_why(document: Any, path: str, words: str) -> None:
    assert words in problems(document)[path]


def test_ids_and_codes_are_used_once() -> None:
    document = deepcopy(CONTRACT)
    document["accrual"]["rules"].append({"id": "base", "type": "fixed", "points": 1})
    document["accrual"]["multipliers"] *= 2
    document["ranks"]["levels"].append(document["ranks"]["levels"][0])
    assert list(problems(document)) == [
        "accrual.rules[5].id",
        "accrual.multipliers[1].id",
        "ranks.levels[2].code",
    ]


def test_every_problem_is_told_at_once() -> None:
    document = {
        "currency": "yen",
        "accrual": {
            "rules": [
                {"id": "a", "type": "spend", "per": 0, "points": "x"},
                {"id": "a", "type": "fixed"},
            ]
        },
        "expiry": {"type": "fixed"},
        "surprise": 1,
    }
    assert set(problems(document)) == {
        "currency",
        "accrual.rules[0].per",
        "accrual.rules[0].points",
        "accrual.rules[1].points",
        "accrual.rules[1].id",
        "expiry",
        "surprise",
    }


def test_a_bare_date_is_that_day_in_the_shops_time_zone() -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    assert moment("2025-04-01", tokyo, end=False) == datetime(2025, 3, 31, 15, tzinfo=UTC)
    assert moment("2025-04-01", tokyo, end=True) == datetime(2025, 4, 1, 15, tzinfo=UTC)
    assert moment("2025-04-01t10:00:00z", tokyo, end=True) == datetime(2025, 4, 1, 10, tzinfo=UTC)
