"""What is allowed and hardly meant: each suspicion, and the documents that raise none."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.points.rules.advice import moves, warnings
from services.points.rules.program import DEMO, parse

NOW = datetime(2026, 11, 22, tzinfo=UTC)
BASE = {"id": "base", "type": "spend", "per": 100, "points": 1}


def accrual(rules: list[Any] | None = None, **details: Any) -> dict[str, Any]:
    return {"accrual": {"rules": [BASE] if rules is None else rules, **details}}


def multiplied(factor: str = "2", **when: Any) -> dict[str, Any]:
    return accrual(multipliers=[{"id": "m", "factor": factor, "when": when or None}])


def ranked(*requires: dict[str, int], **top: Any) -> dict[str, Any]:
    levels: list[dict[str, Any]] = [
        {"code": f"L{place}", "name": "x", "requires": each} for place, each in enumerate(requires)
    ]
    levels[-1] |= top
    return accrual() | {"ranks": {"levels": levels}}


SUSPECT: list[tuple[dict[str, Any], str, str]] = [
    ({}, "accrual.rules", "nothing is earned"),
    (accrual([{**BASE, "points": 0}]), "accrual.rules[0]", "gives 0 points"),
    (accrual([{**BASE, "per": 1}]), "accrual.rules", "about 100%"),
    (
        accrual([BASE, {"id": "all", "type": "fixed", "points": 9, "stackable": False}]),
        "accrual.rules[0]",
        "“all”, which is not stackable, always wins",
    ),
    (
        accrual(
            [BASE, {"id": "p", "type": "product", "points_per_unit": 1, "categories": ["tobacco"]}],
            excluded_categories=["tobacco"],
        ),
        "accrual.rules[1]",
        "are excluded",
    ),
    (multiplied("1"), "accrual.multipliers[0].factor", "changes nothing"),
    (multiplied("0"), "accrual.multipliers[0].factor", "takes all points away"),
    (multiplied(until="2026-11-21"), "accrual.multipliers[0].when", "its period is over"),
    (multiplied(until=NOW.isoformat()), "accrual.multipliers[0].when", "period is over"),
    (
        multiplied(weekdays=["fri"], **{"from": "2026-12-01", "until": "2026-12-03"}),
        "accrual.multipliers[0].when",
        "no such weekday",
    ),
    (
        multiplied(weekdays=["thu"], **{"from": "2026-12-04", "until": "2026-12-04"}),
        "accrual.multipliers[0].when",
        "such weekday",
    ),
    (
        accrual(
            [{"id": "come", "type": "visit", "points": 1}],
            multipliers=[{"id": "m", "factor": "2"}],
        ),
        "accrual.multipliers[0]",
        "no spend, percent or product rule",
    ),
    (accrual(caps=[{"per": "day", "points": 0}]), "accrual.caps[0].points", "a cap of 0"),
    (
        accrual(caps=[{"per": "purchase", "points": 10}, {"per": "day", "points": 5}]),
        "accrual.caps",
        "per purchase is above that per day",
    ),
    (
        accrual() | {"redemption": {"minimum": 50, "unit": 100}},
        "redemption.minimum",
        "the first amount that can be spent is 100",
    ),
    (accrual() | {"redemption": {"maximum_percent": 0}}, "redemption.maximum_percent", "never"),
    (
        accrual() | {"expiry": {"type": "fixed", "days": 30}, "pending": {"days": 30}},
        "pending.days",
        "expire before they can be used",
    ),
    (ranked({"visits": 5}, {"visits": 3}), "ranks.levels[1].requires", "nobody stays there"),
    (ranked({"visits": 5}, {"visits": 5}), "ranks.levels[1].requires", "nobody stays there"),
    (
        ranked({"visits": 5}, {"visits": 3, "points_earned": 9}),
        "ranks.levels[1].requires.visits",
        "asks for less",
    ),
]


@pytest.mark.parametrize(("document", "path", "words"), SUSPECT, ids=[s[2] for s in SUSPECT])
def test_a_suspicion_is_named(document: dict[str, Any], path: str, words: str) -> None:
    found = warnings(parse(document), NOW)
    assert [each.path for each in found] == [path]
    assert words in found[0].text["en"]
    assert found[0].text["ja"]


ONE_FRIDAY = {"from": "2026-12-04", "until": "2026-12-04"}
GIFT = {"id": "g", "type": "fixed", "points": 9, "stackable": False}
FINE: list[dict[str, Any]] = [
    DEMO,
    accrual(),
    multiplied(until="2026-11-22"),
    multiplied(weekdays=["fri"], **{"from": "2026-12-01", "until": "2026-12-04"}),
    multiplied(weekdays=["thu"], hours="22:00-02:00", **ONE_FRIDAY),
    accrual([BASE, {**GIFT, "when": {"stores": ["a"]}}]),
    accrual(caps=[{"per": "purchase", "points": 5}, {"per": "day", "points": 10}]),
    accrual() | {"expiry": {"type": "fixed", "months": 1}, "pending": {"days": 7}},
    accrual() | {"redemption": {"minimum": 200, "unit": 100}},
    ranked({"visits": 5}, {"visits": 5, "points_earned": 1}),
]


@pytest.mark.parametrize("document", FINE, ids=str)
def test_what_may_well_be_meant_is_left_alone(document: dict[str, Any]) -> None:
    assert warnings(parse(document), NOW) == []


def test_a_rank_with_less_than_the_one_below_is_named() -> None:
    document = ranked({"visits": 1}, {"visits": 9})
    document["ranks"]["levels"][0]["multiplier"] = "2"
    (found,) = warnings(parse(document), NOW)
    assert found.path == "ranks.levels[1]"


def test_a_rank_that_earns_less_on_a_usual_purchase_is_named() -> None:
    document = ranked({"visits": 1}, {"visits": 9}, multiplier="1.5")
    document["ranks"]["levels"][0]["rate_bonus_percent"] = "1.0"
    (found,) = warnings(parse(document), NOW)
    assert found.path == "ranks.levels[1]"
    assert "“L0” below: 7 points on ¥500, not 10" in found.text["en"]
    assert "500円のお買い上げで7ポイントと、下のランク「L0」の10ポイント" in found.text["ja"]
    document["ranks"]["levels"][1]["rate_bonus_percent"] = "0.5"
    assert warnings(parse(document), NOW) == []


def test_a_rule_for_lower_ranks_only_may_leave_a_higher_one_with_less() -> None:
    gift = {"id": "g", "type": "fixed", "points": 9, "when": {"ranks": ["L0"]}}
    document = ranked({"visits": 1}, {"visits": 9}) | accrual([BASE, gift])
    (found,) = warnings(parse(document), NOW)
    assert found.path == "ranks.levels[1]"


def test_moving_away_from_a_rank_or_a_currency_is_named() -> None:
    fewer = {**DEMO, "currency": "USD", "ranks": {"levels": DEMO["ranks"]["levels"][:2]}}
    found = moves(parse(DEMO), parse(fewer))
    assert [each.path for each in found] == ["currency", "ranks.levels"]
    assert "“gold”" in found[1].text["en"]
    assert moves(parse(DEMO), parse(DEMO)) == []
