"""What is missing to a rank, as customers read it."""

import pytest

from services.points.rules.program import Level, Requires
from services.points.rules.rank_words import brings, missing, to_next


@pytest.mark.parametrize(
    ("gaps", "ja", "en"),
    [
        (
            {"points_earned": 20, "visits": 3},
            "あと来店3回・20ポイントでシルバー",
            "3 more visits and 20 points to シルバー",
        ),
        ({"visits": 1}, "あと来店1回でシルバー", "1 more visit to シルバー"),
        ({"points_earned": 1}, "あと1ポイントでシルバー", "1 more point to シルバー"),
        (
            {"points_earned": 1, "visits": 1},
            "あと来店1回・1ポイントでシルバー",
            "1 more visit and 1 point to シルバー",
        ),
        (
            {"amount_spent": 12_000},
            "あと12,000円のお買い上げでシルバー",
            "¥12,000 more in purchases to シルバー",
        ),
        (
            {"amount_spent": 5_000, "points_earned": 1_200, "visits": 2},
            "あと来店2回・1,200ポイント・5,000円のお買い上げでシルバー",
            "2 more visits, 1,200 points and ¥5,000 in purchases to シルバー",
        ),
    ],
)
def test_the_way_to_the_next_rank(gaps: dict[str, int], ja: str, en: str) -> None:
    assert to_next(gaps, "シルバー", "JPY") == (ja, en)


@pytest.mark.parametrize(
    ("currency", "ja", "en"),
    [
        ("JPY", "1,250円のお買い上げ", "¥1,250 more in purchases"),
        ("USD", "12.50 USDのお買い上げ", "USD 12.50 more in purchases"),
        ("KRW", "1,250 KRWのお買い上げ", "KRW 1,250 more in purchases"),
    ],
)
def test_amounts_are_in_the_programs_currency(currency: str, ja: str, en: str) -> None:
    assert missing({"amount_spent": 1_250}, currency) == (ja, en)


def test_nothing_is_missing() -> None:
    assert missing({}, "JPY") == ("", "")


@pytest.mark.parametrize(
    ("gives", "ja", "en"),
    [
        ({}, "", ""),
        ({"multiplier": "1.0"}, "", ""),
        ({"multiplier": "1.5"}, "ポイント1.5倍", "1.5 times the points"),
        (
            {"rate_bonus_percent": "2.50", "multiplier": "2"},
            "ポイント2倍・お買い上げの2.5%分のポイントを上乗せ",
            "2 times the points and 2.5% of each purchase on top",
        ),
    ],
)
def test_what_a_rank_brings(gives: dict[str, str], ja: str, en: str) -> None:
    level = Level(code="s", name="シルバー", requires=Requires(visits=1), **gives)
    assert brings(level) == (ja, en)
