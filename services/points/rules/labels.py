"""The parts of the program document in words that a shop owner reads, Japanese and English.

Owns the names of parts and how a value is said. Must not compare or judge. A part without a name
here goes by its path, so that a new one is never silent.
"""

from collections.abc import Mapping
from typing import Any

from services.points.rules.explain import Words, written_money

_NAMES = {
    "currency": ("通貨", "currency"),
    "time_zone": ("タイムゾーン", "time zone"),
    "accrual": ("ポイント付与", "earning"),
    "accrual.base_amount": ("付与の対象額", "amount that counts"),
    "accrual.excluded_categories": ("対象外の部門", "categories that do not count"),
    "accrual.excluded_skus": ("対象外の商品", "products that do not count"),
    "accrual.minimum_spend": ("最低お買い上げ額", "minimum spend"),
    "accrual.rounding": ("端数処理", "rounding"),
    "accrual.carry_remainder": ("端数の繰り越し", "carrying fractions over"),
    "accrual.rules": ("付与ルール", "rule"),
    "accrual.multipliers": ("倍率", "multiplier"),
    "accrual.caps": ("上限", "cap"),
    "pending.days": ("利用できるまでの日数", "days until points can be used"),
    "expiry": ("有効期限", "expiry"),
    "expiry.warn_days": ("失効前のお知らせ(日前)", "warnings before expiry (days ahead)"),
    "redemption.value": ("ポイントの価値", "value of points"),
    "redemption.value.amount": ("価値の金額", "what they are worth"),
    "redemption.minimum": ("利用できる最低ポイント", "fewest points to use"),
    "redemption.unit": ("利用単位", "unit of use"),
    "redemption.maximum_percent": ("お会計に対する利用上限", "largest share of a bill"),
    "redemption.hold_minutes": ("利用確保の時間(分)", "minutes that points are held"),
    "refunds.overspent": ("返品時にポイントが足りないとき", "refunds of points already spent"),
    "ranks.window": ("ランクの集計期間", "period that ranks count"),
    "ranks.keep_months": ("ランクの維持月数", "months that a rank is kept"),
    "ranks.downgrade": ("ランクの下がり方", "how ranks go down"),
    "ranks.notice_days": ("ランクダウン前のお知らせ(日前)", "notice before a downgrade (days)"),
    "ranks.levels": ("ランク", "rank"),
    "ranks.levels.requires": ("条件", "conditions"),
    "welcome.points": ("入会特典", "welcome points"),
    "service": ("サービスポイント", "service points"),
    "service.rules": ("サービスポイントの種類", "kind of service points"),
    "service.maximum_points": ("サービスポイントの上限", "most service points"),
    "service.per_day": ("サービスポイントの1日の回数", "service points a day (times)"),
    "service.points_per_day": (
        "サービスポイントの1人1日の上限",
        "most service points a giver and day",
    ),
    "counter.undo_minutes": ("取り消せる時間(分)", "minutes to undo an act"),
    "counter.manager_undo_minutes": (
        "責任者が取り消せる時間(分)",
        "minutes for a manager to undo an act",
    ),
    "waiting.days": ("未登録カードの保留日数", "days that unknown cards are kept"),
}
_FIELDS = {
    "id": ("ID", "id"),
    "code": ("コード", "code"),
    "months": ("月数", "months"),
    "days": ("日数", "days"),
    "round_to": ("そろえる日", "rounded to"),
    "name": ("名前", "name"),
    "stackable": ("併用", "can be combined"),
    "priority": ("優先度", "priority"),
    "per": ("単位", "step"),
    "points": ("ポイント", "points"),
    "points_per_unit": ("1点あたりのポイント", "points per item"),
    "percent": ("付与率", "rate"),
    "factor": ("倍率", "factor"),
    "limit": ("回数の上限", "limit of visits"),
    "count": ("上限回数", "times"),
    "skus": ("対象商品", "products"),
    "categories": ("対象部門", "categories"),
    "when": ("条件", "conditions"),
    "weekdays": ("曜日", "weekdays"),
    "from": ("開始日", "from"),
    "until": ("終了日", "until"),
    "hours": ("時間帯", "hours"),
    "stores": ("対象店舗", "stores"),
    "ranks": ("対象ランク", "ranks"),
    "birthday_month": ("お誕生月のみ", "birthday month only"),
    "first_purchase": ("初回のお買い上げのみ", "first purchase only"),
    "points_earned": ("必要な獲得ポイント", "points to earn"),
    "amount_spent": ("必要なお買い上げ額", "amount to spend"),
    "visits": ("必要な来店回数", "visits needed"),
    "rate_bonus_percent": ("付与率の上乗せ", "rate bonus"),
    "multiplier": ("倍率", "multiplier"),
    "every_time": ("到達のたびに付与", "each time it is reached"),
}
_SAID = {
    "tax_included": ("税込", "tax included"),
    "tax_excluded": ("税抜", "tax excluded"),
    "floor": ("切り捨て", "down"),
    "half_up": ("四捨五入", "half up"),
    "ceil": ("切り上げ", "up"),
    "none": ("なし", "none"),
    "fixed": ("獲得から", "after earning"),
    "sliding": ("最後のご利用から", "after the last activity"),
    "month_end": ("月末", "end of month"),
    "year_end": ("年末", "end of year"),
    "allow_negative": ("マイナス残高を許す", "balance may go below zero"),
    "clamp_to_zero": ("0で止める", "stop at zero"),
    "earned": ("実績のランクまで", "to the earned rank"),
    "one_level": ("1段階ずつ", "one level at a time"),
    "lifetime": ("全期間", "lifetime"),
    "calendar_year": ("暦年", "calendar year"),
    "rolling": ("直近", "the last"),
    "purchase": ("1回のお買い上げ", "a purchase"),
    "day": ("1日", "a day"),
    "month": ("1か月", "a month"),
    "campaign": ("キャンペーン全体", "the whole campaign"),
    "mon": ("月", "Mon"),
    "tue": ("火", "Tue"),
    "wed": ("水", "Wed"),
    "thu": ("木", "Thu"),
    "fri": ("金", "Fri"),
    "sat": ("土", "Sat"),
    "sun": ("日", "Sun"),
}
_MONEY = ("accrual.minimum_spend", "accrual.rules.per")
_PERCENTS = ("percent", "rate_bonus_percent", "maximum_percent")
_FACTORS = ("factor", "multiplier")
_POINTS = ("points", "points_per_unit", "points_earned", "minimum", "unit", "maximum_points")
NOTHING = Words("なし", "none")


def name(path: str) -> Words:
    """What the part at a path without keys (`accrual.rules.per`) is called."""
    found = _NAMES.get(path) or _FIELDS.get(path.rpartition(".")[2])
    return Words(*found) if found else Words(path, path)


def value(path: str, it: Any, currency: str) -> Words:
    """How the value at such a path is said."""
    if it in (None, [], ""):
        return NOTHING
    match it:
        case list():
            parts = [value(path, each, currency) for each in it]
            return Words("・".join(p.ja for p in parts), ", ".join(p.en for p in parts))
        case dict():
            return whole(path, it, currency)
        case bool():
            return Words("はい", "yes") if it else Words("いいえ", "no")
        case int():
            return _number(path, it, currency)
    return _text(path, it)


def _text(path: str, text: str) -> Words:
    field = path.rpartition(".")[2]
    if field in _PERCENTS:
        return Words(f"{text}%", f"{text}%")
    if field in _FACTORS:
        return Words(f"{text}倍", f"×{text}")
    return Words(*_SAID.get(text, (text, text)))


def _number(path: str, number: int, currency: str) -> Words:
    field = path.rpartition(".")[2]
    if path in _MONEY or field == "amount_spent":
        return written_money(number, currency)
    if field in _POINTS:
        return points(number)
    if field in _PERCENTS:
        return Words(f"{number}%", f"{number}%")
    return Words(f"{number:,}", f"{number:,}")


def whole(path: str, it: Mapping[str, Any], currency: str) -> Words:
    """A part of several fields in one breath, such as a rule that was added."""
    said = _in_short(path, it, currency)
    conditions = it.get("when")
    if not isinstance(conditions, dict):
        return said
    when = _fields(f"{path}.when", conditions, currency)
    return Words(f"{said.ja}（{when.ja}）", f"{said.en} ({when.en})")


def _in_short(path: str, it: Mapping[str, Any], currency: str) -> Words:
    match it:
        case {"id": str(), "type": str()}:
            return _gift(it, currency)
        case {"factor": factor}:
            return Words(f"{factor}倍", f"×{factor}")
        case {"per": str(per), "points": limit}:
            what, most = value(path, per, currency), points(limit)
            return Words(f"{what.ja}につき{most.ja}まで", f"at most {most.en} for {what.en}")
        case {"points": int(each), "amount": int(amount)}:
            worth, gift = written_money(amount, currency), points(each)
            return Words(f"{gift.ja} = {worth.ja}", f"{gift.en} = {worth.en}")
    return _fields(path, it, currency)


def _gift(rule: Mapping[str, Any], currency: str) -> Words:
    """What a rule gives, without its conditions."""
    if rule["type"] == "percent":
        percent = rule["percent"]
        return Words(f"お買い上げの{percent}%", f"{percent}% of the amount")
    gift = points(rule["points_per_unit"] if rule["type"] == "product" else rule["points"])
    if rule["type"] == "spend":
        step = written_money(rule["per"], currency)
        return Words(f"{step.ja}ごとに{gift.ja}", f"{gift.en} per {step.en}")
    every = {"product": ("対象商品1点ごとに", " per item"), "visit": ("ご来店ごとに", " per visit")}
    ja, en = every.get(rule["type"], ("", ""))
    return Words(f"{ja}{gift.ja}", f"{gift.en}{en}")


def _fields(path: str, it: Mapping[str, Any], currency: str) -> Words:
    """The fields that say something, one after another; the kind first."""
    parts = [value(path, it["type"], currency)] if "type" in it else []
    for field, each in it.items():
        if field == "type" or each in (None, [], "", False):
            continue
        label, said = name(f"{path}.{field}"), value(f"{path}.{field}", each, currency)
        if each is True:
            parts.append(label)
        else:
            parts.append(Words(f"{label.ja} {said.ja}", f"{label.en} {said.en}"))
    if not parts:
        return NOTHING
    return Words("、".join(p.ja for p in parts), ", ".join(p.en for p in parts))


def points(number: int) -> Words:
    """So many points."""
    return Words(f"{number:,}ポイント", f"{number:,} point{'' if number == 1 else 's'}")
