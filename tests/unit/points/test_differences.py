"""What changed between two programs, as an owner reads it."""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest
from msgspec import inspect

from services.points.rules import labels
from services.points.rules.differences import Difference, between
from services.points.rules.program import DEMO, Rules, parse

_SHAPE = inspect.type_info(Rules)
RULES = [
    {"id": "base", "type": "spend", "per": 100, "points": 1},
    {"id": "gift", "type": "fixed", "points": 5},
]
BEFORE: dict[str, Any] = {**DEMO, "accrual": {**DEMO["accrual"], "rules": RULES}}


def differences(change: Callable[[dict[str, Any]], object]) -> list[Difference]:
    after = deepcopy(BEFORE)
    change(after)
    return between(parse(BEFORE), parse(after))


def level(code: str, **details: Any) -> dict[str, Any]:
    return {"code": code, "name": code, "requires": {"visits": 1}, **details}


CASES: list[tuple[str, Any, str, str, str]] = [
    (
        "a rule's step",
        lambda p: p["accrual"]["rules"][0].update(per=200),
        "accrual.rules[base].per",
        "付与ルール「base」の単位：100円 → 200円",
        "rule “base”, step: ¥100 → ¥200",
    ),
    (
        "a new rule",
        lambda p: p["accrual"]["rules"].append({"id": "come", "type": "visit", "points": 1}),
        "accrual.rules[come]",
        "付与ルール「come」を追加：ご来店ごとに1ポイント",
        "rule “come” added: 1 point per visit",
    ),
    (
        "a rule that goes",
        lambda p: p["accrual"]["rules"].pop(),
        "accrual.rules[gift]",
        "付与ルール「gift」を削除：5ポイント",
        "rule “gift” removed: 5 points",
    ),
    (
        "a rule of another kind under the same id",
        lambda p: p["accrual"]["rules"].__setitem__(
            0, {"id": "base", "type": "percent", "percent": "1.5"}
        ),
        "accrual.rules[base]",
        "付与ルール「base」の付与ルール：100円ごとに1ポイント → お買い上げの1.5%",
        "rule “base”, rule: 1 point per ¥100 → 1.5% of the amount",
    ),
    (
        "a multiplier's days",
        lambda p: p["accrual"]["multipliers"][0]["when"].update(weekdays=["sat", "sun"]),
        "accrual.multipliers[friday].when.weekdays",
        "倍率「friday」の曜日：金 → 土・日",
        "multiplier “friday”, weekdays: Fri → Sat, Sun",
    ),
    (
        "a cap",
        lambda p: p["accrual"]["caps"][0].update(points=500),
        "accrual.caps[purchase].points",
        "上限「purchase」のポイント：10,000ポイント → 500ポイント",
        "cap “purchase”, points: 10,000 points → 500 points",
    ),
    (
        "an expiry",
        lambda p: p.update(expiry={"type": "fixed", "months": 12, "round_to": "month_end"}),
        "expiry",
        "有効期限：なし → 獲得から、失効前のお知らせ(日前) 30・7、月数 12、そろえる日 月末",
        "expiry: none → after earning, warnings before expiry (days ahead) 30, 7, months 12, "
        "rounded to end of month",
    ),
    (
        "the value of points",
        lambda p: p.update(redemption={"value": {"points": 10, "amount": 1}}),
        "redemption.value",
        "ポイントの価値：1ポイント = 1円 → 10ポイント = 1円",
        "value of points: 1 point = ¥1 → 10 points = ¥1",
    ),
    (
        "a condition of a rank that goes",
        lambda p: p["ranks"]["levels"][1]["requires"].pop("visits"),
        "ranks.levels[silver].requires.visits",
        "ランク「silver」の必要な来店回数：3 → なし",
        "rank “silver”, visits needed: 3 → none",
    ),
    (
        "the order of ranks",
        lambda p: p["ranks"]["levels"].reverse(),
        "ranks.levels",
        "ランクの並び順：bronze、silver、gold → gold、silver、bronze",
        "order of ranks: bronze, silver, gold → gold, silver, bronze",
    ),
    (
        "a switch",
        lambda p: p["accrual"].update(carry_remainder=True),
        "accrual.carry_remainder",
        "端数の繰り越し：いいえ → はい",
        "carrying fractions over: no → yes",
    ),
]


@pytest.mark.parametrize(
    ("change", "path", "ja", "en"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_one_change_is_one_difference(change: Any, path: str, ja: str, en: str) -> None:
    (found,) = differences(change)
    assert (found.path, found.text) == (path, {"ja": ja, "en": en})


SAME: list[Callable[[dict[str, Any]], object]] = [
    lambda p: None,
    lambda p: p["accrual"].update(minimum_spend=0, rounding="floor"),
    lambda p: p["accrual"]["rules"][0].update(stackable=True, priority=0, when=None),
    lambda p: p["accrual"]["excluded_categories"].reverse(),
    lambda p: p["ranks"].update(window={"months": 12, "type": "rolling"}),
    lambda p: p.update(expiry={"type": "none"}, currency="JPY"),
]


@pytest.mark.parametrize("change", SAME)
def test_what_means_the_same_is_no_difference(change: Any) -> None:
    assert differences(change) == []


def test_before_and_after_are_the_documents_own_values() -> None:
    (found,) = differences(lambda p: p["welcome"].update(points=7))
    assert (found.before, found.after) == (50, 7)
    (found,) = differences(lambda p: p["accrual"]["multipliers"].clear())
    assert found.after is None
    assert found.before["when"]["weekdays"] == ["fri"]
    assert found.text["ja"] == "倍率「friday」を削除：1.5倍（曜日 金）"
    assert json.dumps(found.before)


def test_money_is_said_in_each_sides_currency() -> None:
    def to_dollars(program: dict[str, Any]) -> None:
        program["currency"] = "USD"
        program["accrual"]["minimum_spend"] = 1250

    texts = {each.path: each.text["en"] for each in differences(to_dollars)}
    assert texts["accrual.minimum_spend"] == "minimum spend: ¥0 → USD 12.50"


def test_every_part_of_the_document_has_a_name() -> None:
    """Whatever is added to the shape must be added to the labels, or owners read its path."""
    nameless = [path for path in _paths(_SHAPE) if labels.name(path).ja == path]
    assert nameless == []


def _paths(kind: inspect.Type, path: str = "") -> Iterator[str]:
    match kind:
        case inspect.StructType():
            for field in kind.fields:
                at = f"{path}.{field.encode_name}" if path else field.encode_name
                leaves = list(_paths(field.type, at))
                yield from leaves or [at]
        case inspect.UnionType(types=types):
            for each in types:
                yield from _paths(each, path)
        case inspect.VarTupleType(item_type=item):
            yield from _paths(item, path)


def test_two_caps_of_one_kind_are_told_apart() -> None:
    caps = [{"per": "day", "points": 5}, {"per": "day", "points": 9}]
    found = differences(lambda p: p["accrual"].update(caps=caps))
    assert [each.path for each in found] == [
        "accrual.caps[purchase]",
        "accrual.caps[day]",
        "accrual.caps[day 2]",
    ]
