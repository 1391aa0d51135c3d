"""A segment in words, as its owner reads it."""

from typing import Any

import msgspec
import pytest

from services.points.rules.program import DEMO, Program, read
from services.points.segments.definition import parse
from services.points.segments.words import words


@pytest.fixture(scope="module")
def program() -> Program:
    levels = [{"code": "silver", "name": "シルバー", "requires": {"visits": 1}}]
    return read(msgspec.json.encode({**DEMO, "ranks": {"levels": levels}}))


@pytest.mark.parametrize(
    ("document", "ja", "en"),
    [
        (
            {"all": [{"points": {"min": 1000}}, {"last_visit": {"before_days": 14}}]},
            "1,000 ポイント以上、かつ14 日以上来店なし",
            "1,000 points and more, and not seen for 14 days",
        ),
        ({"points": {"min": 100, "max": 999}}, "100〜999 ポイント", "100 to 999 points"),
        ({"points": {"max": 99}}, "99 ポイント以下", "at most 99 points"),
        (
            {"any": [{"all": [{"line": "none"}, {"age": {"min": 20, "max": 29}}]}, {"all": True}]},
            "(LINE 未連携、かつ20〜29 歳)、または会員全員",
            "(not linked to LINE, and 20 to 29 years of age), or all members",
        ),
        (
            {"not": {"rank": {"in": ["silver", "gone", None]}}},
            "「ランクが「シルバー」「gone」、またはランクなし」以外",
            "not (rank シルバー or gone, or no rank)",
        ),
        (
            {"next_rank": {"within": {"points": 50, "visits": 1}}},
            "次のランクまであと来店1回・50ポイント以内",
            "at most 1 more visit and 50 points to the next rank",
        ),
        (
            {"next_rank": {"progress": 80}},
            "次のランクへ 80 %以上達成",
            "80 % or more of the way to the next rank",
        ),
        (
            {"spent": {"min": 10000, "days": 30}},
            "直近 30 日のお買い上げが 10,000円以上",
            "¥10,000 and more spent in the last 30 days",
        ),
        (
            {"visits": {"min": 3, "days": 90}},
            "直近 90 日の来店が 3 回以上",
            "3 visits and more in the last 90 days",
        ),
        (
            {"bought": {"skus": ["A1"], "categories": ["tea"], "stores": ["main"], "days": 90}},
            "直近 90 日に店舗「main」で商品「A1」、またはカテゴリー「tea」を購入",
            "bought A1, or something of tea at main in the last 90 days",
        ),
        (
            {"expiring": {"days": 30, "min": 100}},
            "30 日以内に失効するポイントが 100 以上あり",
            "100 points and more expire within 30 days",
        ),
        ({"birthday_month": "this"}, "今月が誕生月", "birthday this month"),
        ({"birthday_month": 3}, "3 月生まれ", "birthday in March"),
        (
            {"last_visit": {"within_days": 30, "never": True}},
            "直近 30 日に来店、または来店したことがない",
            "seen in the last 30 days, or never seen",
        ),
        ({"tags": {"any": ["vip"], "all": ["a", "b"]}}, None, "tagged vip, and tagged a and b"),
        ({"joined": {"days": 1}}, "直近 1 日に入会", "joined in the last 1 day"),
    ],
)
def test_words(program: Program, document: Any, ja: str | None, en: str) -> None:
    said = words(parse(document), program)
    assert said.en == en
    assert ja is None or said.ja == ja


def test_without_a_program_codes_are_names() -> None:
    assert words(parse({"rank": {"in": ["gold"]}}), None).ja == "ランクが「gold」"
