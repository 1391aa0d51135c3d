"""What a customer reads about an entry."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.points.rules.earn import Context, Line, Purchase, compile_program, evaluate
from services.points.rules.explain import text, title
from services.points.rules.program import DEMO, parse

FRIDAY = datetime(2025, 4, 4, 12, 0, tzinfo=ZoneInfo("Asia/Tokyo"))
PER_100 = {"id": "base", "type": "spend", "per": 100, "points": 1}


def words(document: dict[str, Any], context: Context, total: int, *lines: Line) -> dict[str, str]:
    purchase = Purchase(total=total, tax=total // 11, occurred_at=FRIDAY, store="a", lines=lines)
    award = evaluate(compile_program(parse(document)), purchase, context)
    return text("earn", "purchase", award.points, award.explanation)


def accrual(**details: Any) -> dict[str, Any]:
    return {"accrual": {"rules": [PER_100], **details}}


def test_a_purchase_at_the_demo_shop() -> None:
    lines = (
        Line(sku="A", category="food", amount=1_080),
        Line(sku="T", category="tobacco", name="たばこ", amount=600),
    )
    said = words(DEMO, Context(rank="silver"), 1_680, *lines)
    assert said["ja"].split("\n") == [
        "たばこ 600円は対象外",
        "1,080円のお買い上げ × 100円ごとに1ポイント = 10ポイント",
        "金曜日 1.5倍",
        "シルバー特典 +1% = 10.8ポイント",
        "端数切り捨て 25.8 → 25ポイント",
        "合計 25ポイント",
    ]
    assert said["en"].split("\n") == [
        "たばこ ¥600: not eligible",
        "¥1,080 spent × 1 point per ¥100 = 10 points",
        "Friday: ×1.5",
        "シルバー rank: +1% = 10.8 points",
        "Rounded down: 25.8 → 25 points",
        "Total: 25 points",
    ]


TWICE = {"id": "m", "factor": "2"}


@pytest.mark.parametrize(
    ("document", "ja", "en"),
    [
        (accrual(minimum_spend=5_000), "5,000円未満のお買い上げは対象外", "under ¥5,000 earn"),
        (accrual(base_amount="tax_excluded"), "1,000円(税抜)のお買い上げ", "¥1,000 spent (before"),
        (
            accrual(rules=[{"id": "r", "type": "percent", "percent": "0.50"}]),
            "1,100円のお買い上げ × 0.5% = 5.5ポイント",
            "¥1,100 spent × 0.5% = 5.5 points",
        ),
        (
            accrual(rules=[{"id": "r", "type": "fixed", "points": 100}]),
            "ボーナス = 100ポイント",
            "Bonus = 100 points",
        ),
        (
            accrual(rules=[{"id": "r", "type": "fixed", "points": 100, "name": "雨の日"}]),
            "雨の日 = 100ポイント",
            "雨の日 = 100 points",
        ),
        (
            accrual(rules=[{"id": "r", "type": "visit", "points": 1}]),
            "ご来店 = 1ポイント",
            "Visit = 1 point",
        ),
        (
            accrual(rules=[{"id": "r", "type": "product", "skus": ["S"], "points_per_unit": 5}]),
            "対象商品 3点 × 5ポイント = 15ポイント",
            "3 qualifying × 5 points = 15 points",
        ),
        (
            accrual(rules=[PER_100, {**PER_100, "id": "x", "stackable": False}]),
            "ほかの特典とは併用できません",
            "Cannot be combined",
        ),
        (accrual(multipliers=[TWICE]), "キャンペーン 2倍", "Campaign: ×2"),
        (accrual(multipliers=[{**TWICE, "name": "創業祭"}]), "創業祭 2倍", "創業祭: ×2"),
        (
            accrual(
                multipliers=[
                    {**TWICE, "when": {"weekdays": ["fri", "sat"], "hours": "10:00-14:00"}}
                ]
            ),
            "金曜日・土曜日 10:00-14:00 2倍",
            "Friday, Saturday, 10:00-14:00: ×2",
        ),
        (
            accrual(multipliers=[{**TWICE, "when": {"birthday_month": True}}]),
            "お誕生月 2倍",
            "Birthday month: ×2",
        ),
        (
            accrual(multipliers=[{**TWICE, "when": {"skus": ["S"], "categories": ["c"]}}]),
            "\n対象商品 2倍",
            "\nSelected items: ×2",
        ),
        (
            accrual(caps=[{"per": "day", "points": 4}]),
            "1日の上限 4ポイント: 11 → 4ポイント",
            "Daily limit of 4 points: 11 → 4 points",
        ),
        (
            accrual(rules=[{**PER_100, "per": 300}], carry_remainder=True),
            "次回への繰り越し 0.66ポイント",
            "Carried over to next time: 0.66 points",
        ),
        ({**accrual(), "currency": "USD"}, "11.00 USDのお買い上げ", "USD 11.00 spent"),
        ({**accrual(), "currency": "KRW"}, "1,100 KRWのお買い上げ", "KRW 1,100 spent"),
    ],
)
def test_every_step_has_words(document: dict[str, Any], ja: str, en: str) -> None:
    line = Line(sku="S", category="c", amount=1_100, quantity=3)
    said = words(document, Context(birthday_month=4), 1_100, line)
    assert ja in said["ja"]
    assert en in said["en"]


def test_what_was_carried_is_told() -> None:
    said = words(accrual(carry_remainder=True), Context(remainder=(1, 2)), 150)
    assert "前回からの繰り越し 0.5ポイント" in said["ja"]
    assert "次回への繰り越し" not in said["ja"]
    assert said["ja"].endswith("合計 2ポイント")


@pytest.mark.parametrize(
    ("base_amount", "ja", "en"),
    [
        ("tax_included", "あと10円で1ポイント", "¥10 more and you get a point"),
        ("tax_excluded", "あと27円(税抜)で1ポイント", "¥27 more (before tax) and you get"),
    ],
)
def test_what_is_missing_for_the_next_point_is_told(base_amount: str, ja: str, en: str) -> None:
    said = words(accrual(carry_remainder=True, base_amount=base_amount), Context(), 190)
    assert ja in said["ja"]
    assert en in said["en"]


def test_a_rank_that_multiplies() -> None:
    said = words(DEMO, Context(rank="gold"), 1_000)
    assert "ゴールド特典 1.5倍" in said["ja"]
    assert "ゴールド rank: ×1.5" in said["en"]


@pytest.mark.parametrize(
    ("kind", "source", "amount", "explanation", "ja", "en"),
    [
        (
            "earn",
            "welcome",
            50,
            {},
            "会員登録ありがとうございます +50ポイント",
            "Thank you for joining: +50 points",
        ),
        ("earn", "other", 1, {}, "ポイント獲得 +1ポイント", "Points earned: +1 point"),
        ("redeem", "till", -1_000, {}, "ポイントのご利用 -1,000ポイント", "Points used: -1,000"),
        ("reverse", "refund", -5, {}, "返品によるポイントの取り消し -5", "taken back for a refund"),
        (
            "reverse",
            "refund",
            5,
            {},
            "返品によるポイントのお戻し +5",
            "given back for a refund: +5",
        ),
        ("expire", "night", -5, {}, "有効期限切れ -5ポイント", "Points expired: -5 points"),
        ("release", "night", 0, {}, "ポイントが使えるようになりました", "Points are ready to use"),
        (
            "adjust",
            "staff",
            10,
            {"reason": "雨の日"},
            "お店による調整 +10ポイント\n雨の日",
            "Adjusted by the shop: +10 points\n雨の日",
        ),
        ("transfer", "", 3, {}, "ポイントの移行 +3ポイント", "Points transferred: +3 points"),
        (
            "transfer",
            "merge",
            3,
            {"from_card": "2900000000012"},
            "ポイントの移行 +3ポイント\nカード 2900000000012 から",
            "Points transferred: +3 points\nFrom card 2900000000012",
        ),
        ("transfer", "merge", -3, {"to_card": "29"}, "カード 29 へ", "To card 29"),
        (
            "earn",
            "service",
            5,
            {"points": 5, "reason": "雨の日", "store": "main"},
            "お店からのポイント +5ポイント\n雨の日",
            "Points from the shop: +5 points\n雨の日",
        ),
        (
            "redeem",
            "redemption",
            -100,
            {"redemption": "r", "store": "main", "value": 1_000, "currency": "JPY"},
            "ポイントのご利用 -100ポイント\n1,000円分のお支払いに",
            "Points used: -100 points\nPaid ¥1,000 of the bill",
        ),
        (
            "reverse",
            "refund",
            -10,
            {"refunded": 1_000, "remaining": 500, "points_before": 15, "points_now": 5},
            "取り消し -10ポイント\nご返金 1,000円\n残りのお買い上げ 500円\n"
            "このお買い上げのポイント 15ポイント → 5ポイント",
            "for a refund: -10 points\nRefunded: ¥1,000\nLeft of the purchase: ¥500\n"
            "This purchase's points: 15 points → 5 points",
        ),
        (
            "reverse",
            "refund",
            30,
            {"refunded": 250, "remaining": 0, "returned": 30, "currency": "USD"},
            "ご返金 2.50 USD\n残りのお買い上げ 0.00 USD\n"
            "お支払いに使われた30ポイントをお返ししました",
            "Refunded: USD 2.50\nLeft of the purchase: USD 0.00\n30 points spent on it came back",
        ),
        (
            "expire",
            "expiry",
            -7,
            {"lots": [{"points": 5, "earned_at": "2025-04-01"}, {"points": 2}]},
            "有効期限切れ -7ポイント\n2025年4月1日に獲得した5ポイント\n2ポイント",
            "Points expired: -7 points\n5 points earned on 2025-04-01\n2 points",
        ),
        (
            "release",
            "activation",
            0,
            {"points": 50},
            "ポイントが使えるようになりました\n50ポイント",
            "Points are ready to use\n50 points",
        ),
        (
            "release",
            "redemption",
            0,
            {"points": 0, "debt": 8},
            "マイナス分の8ポイントに充当",
            "Put towards the 8 points owed",
        ),
        ("mystery", "", 3, {}, "ポイント +3ポイント", "Points: +3 points"),
    ],
)
def test_entries_that_are_not_purchases(
    kind: str, source: str, amount: int, explanation: dict[str, Any], ja: str, en: str
) -> None:
    said = text(kind, source, amount, explanation)
    assert ja in said["ja"]
    assert en in said["en"]


def test_an_explanation_of_another_time_is_read_as_far_as_it_is_known() -> None:
    said = text("earn", "purchase", 3, {"base": 300, "weather": "rain", "rules": []})
    assert said == {"ja": "合計 3ポイント", "en": "Total: 3 points"}


@pytest.mark.parametrize(
    ("kind", "source", "amount", "ja", "en"),
    [
        ("earn", "purchase", 10, "お買い上げ", "Purchase"),
        ("earn", "welcome", 50, "会員登録ありがとうございます", "Thank you for joining"),
        ("earn", "anything new", 5, "ポイント獲得", "Points earned"),
        ("reverse", "refund", -5, "返品によるポイントの取り消し", "Points taken back for a refund"),
        ("adjust", "owner", -5, "お店による調整", "Adjusted by the shop"),
        ("a new kind", "", 1, "ポイント", "Points"),
    ],
)
def test_an_entry_has_a_title(kind: str, source: str, amount: int, ja: str, en: str) -> None:
    assert title(kind, source, amount) == (ja, en)


def test_a_refund_says_what_had_expired_and_what_is_forgiven() -> None:
    facts = {
        "refunded": 400,
        "remaining": 600,
        "points_before": 10,
        "points_now": 6,
        "expired": 3,
        "forgiven": 1,
        "points": -3,
    }
    said = text("reverse", "refund", -3, facts)
    assert "うち3ポイントは期限切れになっていた分です" in said["ja"].split("\n")
    assert "1 point spent already are not taken" not in said["en"]
    assert "Not taken, spent already: 1 point" in said["en"].split("\n")
    back = text("expire", "refund", 3, {"points": 3})
    assert back["ja"] == "返品により期限切れを取り消し +3ポイント"
