"""What is wrong with a program document, also in Japanese, for the forms of the console.

`checks` and `terms` say it in English, as the API always has; here is the same as a shop owner
reads it. A message that is not known here stays as it is. Pure.
"""

import re
from collections.abc import Callable

from services.points.rules.explain import Words
from services.points.rules.terms import Problem

_SAYINGS: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"must be a whole number from (\d+) to (\d+)", lambda m: _span(m[1], m[2])),
    (r"must have at most (\d+) items", lambda m: f"{int(m[1]):,}件までです"),
    (r"must be a list", "リスト([ ])で書いてください"),
    (r"must be an object", "オブジェクト({ })で書いてください"),
    (r"must be true or false", "true か false で書いてください"),
    (r"is not known here; use (.+)", lambda m: f"ここでは使えない項目です。使えるのは {m[1]}"),
    (r"is missing; add it", "入力してください"),
    (r"must be a decimal number .+", "0以上の数で入力してください(小数は4桁まで、例: 1.5)"),
    (r"must be text of 1 to (\d+) characters", lambda m: f"1〜{m[1]}文字で入力してください"),
    (r"must be text of at most (\d+) characters", lambda m: f"{m[1]}文字までで入力してください"),
    (r"must be a date .+", "日付(2026-04-01)か、時差付きの日時で入力してください"),
    (r"must be hours .+", "「10:00-18:00」の形で、異なる2つの時刻を入力してください"),
    (r"must be an IANA time zone .+", "タイムゾーンの名前(例: Asia/Tokyo)を入力してください"),
    (r"must be three capital letters .+", "通貨を大文字3文字(例: JPY)で入力してください"),
    (r"must be later than from", "開始より後にしてください"),
    (r"name at least one condition, such as visits", "条件を1つ以上入力してください"),
    (r"give either months or days", "月数か日数のどちらか一方を入力してください"),
    (r"name the products: skus or categories", "対象の商品か部門を入力してください"),
    (r'goes with "per": "hours", and only with it', "「時間ごと」のときだけ、時間数が必要です"),
    (
        r"is not the code of a level; add it or fix it",
        "このコードのランクはありません。ランクを追加するか、選び直してください",
    ),
    (r"is used twice; give each its own", "同じものが2つあります。別の名前にしてください"),
    (r"is given twice; keep one", "同じ項目が2回書かれています。1つにしてください"),
    (r"send the program as JSON \((.+)\)", lambda m: f"JSON として読めません({m[1]})"),
    (r"must be (.+ or .+)", lambda m: f"{m[1].replace(' or ', '、')} のどれかにしてください"),
)


def in_both(problem: Problem) -> Words:
    """What is wrong, in both languages, each a whole sentence of its own."""
    for pattern, said in _SAYINGS:
        if found := re.fullmatch(pattern, problem.message, re.DOTALL):
            ja = said if isinstance(said, str) else said(found)
            return Words(f"{ja}。", problem.message)
    return Words(problem.message, problem.message)


def _span(least: str, most: str) -> str:
    return f"{int(least):,}〜{int(most):,}の整数で入力してください"
