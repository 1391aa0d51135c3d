"""A program in plain sentences, each of the part that it speaks of."""

from typing import Any

import pytest
from msgspec import inspect

from services.points.rules.checks import problems
from services.points.rules.problem_words import in_both
from services.points.rules.program import DEMO, Rules, parse
from services.points.rules.sentences import sentences


def said(document: dict[str, Any], stores: dict[str, str] | None = None) -> dict[str, Any]:
    return {each.path: each.words for each in sentences(parse(document), stores)}


def rule(**given: Any) -> Any:
    document = {"accrual": {"rules": [{"id": "x", **given}]}, "ranks": RANKS}
    return said(document, {"main": "本店"})["accrual.rules[0]"]


RANKS = {"levels": [{"code": "gold", "name": "ゴールド", "requires": {"visits": 10}}]}
SPEND = {"type": "spend", "per": 100, "points": 1}


@pytest.mark.parametrize(
    ("given", "ja", "en"),
    [
        (SPEND, "100円ごとに1ポイント", "1 point per ¥100"),
        ({"type": "percent", "percent": "1.50"}, "お買い上げの1.5%", "1.5% of the amount"),
        (
            {"type": "visit", "points": 2, "limit": {"per": "day"}},
            "ご来店1回につき2ポイント（1日1回まで）",
            "2 points for a visit (at most once a day)",
        ),
        (
            {"type": "visit", "points": 2, "limit": {"per": "hours", "hours": 3, "count": 2}},
            "ご来店1回につき2ポイント（3時間に2回まで）",
            "2 points for a visit (at most 2 times in 3 hours)",
        ),
        (
            {"type": "product", "points_per_unit": 5, "categories": ["tea"], "stackable": False},
            "部門「tea」1点につき5ポイント（ほかのルールと併用なし）",
            "5 points for each of categories “tea” (instead of other rules)",
        ),
        (
            {**SPEND, "when": {"weekdays": ["sun", "sat"], "hours": "22:00-02:00"}},
            "土日、22:00〜翌02:00：100円ごとに1ポイント",
            "1 point per ¥100, at weekends, from 22:00 to 02:00 the next day",
        ),
        (
            {**SPEND, "when": {"stores": ["main", "gone"], "ranks": ["gold"]}},
            "店舗「本店」「gone」、「ゴールド」の会員：100円ごとに1ポイント",
            "1 point per ¥100, at “本店” or “gone”, for “ゴールド” members",
        ),
        (
            {**SPEND, "when": {"from": "2026-04-01", "until": "2026-04-30T20:00:00+09:00"}},
            "2026年4月1日〜2026年4月30日 20:00：100円ごとに1ポイント",
            "1 point per ¥100, from 1 Apr 2026 to 30 Apr 2026 20:00",
        ),
        (
            {**SPEND, "when": {"weekdays": []}},
            "100円ごとに1ポイント",
            "1 point per ¥100",
        ),
    ],
)
def test_a_rule_is_one_sentence(given: dict[str, Any], ja: str, en: str) -> None:
    assert rule(**given) == (ja, en)


def test_every_part_of_the_demo_is_said() -> None:
    found = said(DEMO)
    assert found["welcome"].ja == "入会で50ポイント"
    assert found["accrual.multipliers[0]"] == (
        "金曜日：ポイント1.5倍",
        "1.5 times the points, on Fridays",
    )
    gold = found["ranks.levels[2]"].ja
    assert gold == "来店10回・300ポイント → ポイント1.5倍・お買い上げの1%分のポイントを上乗せ"
    assert found["expiry"].en == "Points never expire"


def test_expiry_says_until_when() -> None:
    fixed = {"expiry": {"type": "fixed", "months": 12, "round_to": "month_end"}}
    assert said(fixed)["expiry"].ja == (
        "ポイントは付いてから1年後の月末まで有効です（30・7日前にお知らせ）"
    )
    sliding = {"expiry": {"type": "sliding", "months": 6, "warn_days": []}}
    assert said(sliding)["expiry"].en == "Points last 6 months from the last visit"


BROKEN: dict[str, Any] = {
    "currency": "yen", "time_zone": "Nowhere", "unknown": 1,
    "accrual": {
        "rules": [
            {"id": "", "type": "spend", "per": 0, "name": "x" * 201},
            {"id": "a", "type": "other"},
            {"id": "b", "type": "product", "points_per_unit": 1},
            {"id": "b", "type": "visit", "points": 1, "limit": {"per": "day", "hours": 3}},
            {"id": "c", "type": "percent", "percent": "x", "stackable": 1, "when": {
                "from": "2026-04-02", "until": "2026-04-01", "hours": "9-10", "ranks": ["none"],
                "weekdays": ["mo"], "skus": "x",
            }},
            {"id": "d", "type": "fixed", "points": 1, "when": {"from": "soon"}},
        ],
        "caps": [{"per": "purchase", "points": 1}] * 101,
    },
    "expiry": {"type": "fixed"},
    "ranks": {"levels": [{"code": "x", "name": "x", "requires": {}}]},
    "welcome": 5,
}  # fmt: skip


def test_every_problem_is_said_in_japanese_too() -> None:
    found = problems(inspect.type_info(Rules), BROKEN)
    assert len(found) > 20
    untold = {each.message for each in found if in_both(each).ja == each.message}
    assert untold == set()
