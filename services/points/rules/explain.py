"""Ledger entries in words that a customer understands, Japanese and English.

Owns the sentences; the facts are those that `earn` noted. Must not compute any points. Facts,
conditions and kinds that it does not know are left out, as newer programs may note more.
"""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

WHOLE_CURRENCIES = ("JPY", "KRW", "VND", "CLP", "ISK")  # without minor units
DAYS = {
    "mon": ("月曜日", "Monday"),
    "tue": ("火曜日", "Tuesday"),
    "wed": ("水曜日", "Wednesday"),
    "thu": ("木曜日", "Thursday"),
    "fri": ("金曜日", "Friday"),
    "sat": ("土曜日", "Saturday"),
    "sun": ("日曜日", "Sunday"),
}
_CAPS = {
    "purchase": ("1回のお買い上げの上限", "limit per purchase"),
    "day": ("1日の上限", "daily limit"),
    "month": ("1か月の上限", "monthly limit"),
    "campaign": ("キャンペーンの上限", "campaign limit"),
}
_ROUNDINGS = {
    "floor": ("端数切り捨て", "rounded down"),
    "half_up": ("端数四捨五入", "rounded half up"),
    "ceil": ("端数切り上げ", "rounded up"),
}


class Words(NamedTuple):
    """The same in both languages."""

    ja: str
    en: str


_PLAIN = {
    ("earn", "rank"): Words("ランク到達の特典", "Gift for reaching a rank"),
    ("earn", "service"): Words("お店からのポイント", "Points from the shop"),
    ("earn", "visit"): Words("ご来店", "Visit"),
    ("earn", "welcome"): Words("会員登録ありがとうございます", "Thank you for joining"),
    ("earn", ""): Words("ポイント獲得", "Points earned"),
    ("redeem", ""): Words("ポイントのご利用", "Points used"),
    ("release", ""): Words("ポイントが使えるようになりました", "Points are ready to use"),
    ("expire", "leaving"): Words("退会により失効", "Lost on leaving"),
    ("expire", "refund"): Words("返品により期限切れを取り消し", "Expiry undone for a refund"),
    ("expire", ""): Words("有効期限切れ", "Points expired"),
    ("adjust", ""): Words("お店による調整", "Adjusted by the shop"),
    ("transfer", "import"): Words("以前のカードからの引き継ぎ", "Carried over from before"),
    ("transfer", ""): Words("ポイントの移行", "Points transferred"),
}
_PURCHASE = Words("お買い上げ", "Purchase")
_BACK = Words("返品によるポイントのお戻し", "Points given back for a refund")
_TAKEN = Words("返品によるポイントの取り消し", "Points taken back for a refund")
_UNDONE_GIFT = Words("お店からのポイントの取り消し", "Points from the shop, undone")
_UNDONE_USE = Words("ポイントご利用の取り消し", "Use of points, undone")
_NOT_CARRIED = Words("引き継ぎの取り消し", "Carried over by mistake")
_OTHER = Words("ポイント", "Points")


def text(
    entry_kind: str, source: str, amount: int, explanation: Mapping[str, Any]
) -> dict[str, str]:
    """Why an entry gave or took `amount` points: short lines, joined by line breaks.

    `source` is what the entry names ("purchase", "welcome", …); `explanation` is earn's, or has a
    `reason` that staff gave.
    """
    if entry_kind == "earn" and "base" in explanation:
        lines = [*purchase_lines(explanation), _sum(amount)]
    else:
        lines = [_plain(entry_kind, source, amount)]
        if source == "rank":
            lines += _gift(explanation)
        lines += _particulars(entry_kind, explanation)
        if reason := explanation.get("reason"):
            lines.append(Words(str(reason), str(reason)))
    return {"ja": "\n".join(line.ja for line in lines), "en": "\n".join(line.en for line in lines)}


def next_point(amount: int, currency: str, taxed: bool = True) -> Words:
    """For how much (minor units) one has to buy to get the next point."""
    money = written_money(amount, currency)
    if taxed:
        return Words(f"あと{money.ja}で1ポイント", f"{money.en} more and you get a point")
    return Words(
        f"あと{money.ja}(税抜)で1ポイント", f"{money.en} more (before tax) and you get a point"
    )


def title(kind: str, source: str, amount: int) -> Words:
    """What an entry is, in few words: the line of a list whose rows say why when opened."""
    if (kind, source) == ("earn", "purchase"):
        return _PURCHASE
    return _named(kind, source, amount)


def _named(kind: str, source: str, amount: int) -> Words:
    if kind == "reverse" and source == "undo":
        return _UNDONE_USE if amount > 0 else _UNDONE_GIFT
    if kind == "reverse":
        return _BACK if amount > 0 else _TAKEN
    if (kind, source) == ("transfer", "import") and amount < 0:
        return _NOT_CARRIED
    return _PLAIN.get((kind, source)) or _PLAIN.get((kind, ""), _OTHER)


def _plain(kind: str, source: str, amount: int) -> Words:
    what = _named(kind, source, amount)
    if not amount:
        return what
    sign = "+" if amount > 0 else "-"
    return Words(f"{what.ja} {sign}{_ja(abs(amount))}", f"{what.en}: {sign}{_en(abs(amount))}")


def _particulars(kind: str, facts: Mapping[str, Any]) -> list[Words]:
    """What else is known of an entry that no purchase gave."""
    told = _TOLD.get(kind)
    return told(facts) if told else []


def _spent(facts: Mapping[str, Any]) -> list[Words]:
    if "value" not in facts:
        return []
    money = written_money(facts["value"], facts.get("currency", "JPY"))
    return [Words(f"{money.ja}分のお支払いに", f"Paid {money.en} of the bill")]


def _released(facts: Mapping[str, Any]) -> list[Words]:
    if debt := facts.get("debt"):
        return [Words(f"マイナス分の{_ja(debt)}に充当", f"Put towards the {_en(debt)} owed")]
    points = facts.get("points")
    return [Words(_ja(points), _en(points))] if points else []


def _refund(facts: Mapping[str, Any]) -> list[Words]:
    lines, currency = [], facts.get("currency", "JPY")
    if "refunded" in facts:
        back = written_money(facts["refunded"], currency)
        lines.append(Words(f"ご返金 {back.ja}", f"Refunded: {back.en}"))
    if "remaining" in facts:
        left = written_money(facts["remaining"], currency)
        lines.append(Words(f"残りのお買い上げ {left.ja}", f"Left of the purchase: {left.en}"))
    if "points_before" in facts and "points_now" in facts:
        before, now = facts["points_before"], facts["points_now"]
        lines.append(
            Words(
                f"このお買い上げのポイント {_ja(before)} → {_ja(now)}",
                f"This purchase's points: {_en(before)} → {_en(now)}",
            )
        )
    if expired := facts.get("expired"):
        lines.append(
            Words(
                f"うち{_ja(expired)}は期限切れになっていた分です",
                f"Had expired already: {_en(expired)}",
            )
        )
    if forgiven := facts.get("forgiven"):
        lines.append(
            Words(
                f"ご利用済みの{_ja(forgiven)}はそのままです",
                f"Not taken, spent already: {_en(forgiven)}",
            )
        )
    if returned := facts.get("returned"):
        lines.append(
            Words(
                f"お支払いに使われた{_ja(returned)}をお返ししました",
                f"{_en(returned)} spent on it came back",
            )
        )
    return lines


def _expired(facts: Mapping[str, Any]) -> list[Words]:
    lines = [_expired_lot(lot) for lot in facts.get("lots", ())]
    if pending := facts.get("pending"):
        lines.append(Words(f"うち{_ja(pending)}は反映待ちでした", f"Were pending: {_en(pending)}"))
    return lines


def _expired_lot(lot: Mapping[str, Any]) -> Words:
    points, earned_at = lot["points"], str(lot.get("earned_at", ""))[:10]
    if not earned_at:
        return Words(_ja(points), _en(points))
    year, month, day = (int(part) for part in earned_at.split("-"))
    return Words(
        f"{year}年{month}月{day}日に獲得した{_ja(points)}", f"{_en(points)} earned on {earned_at}"
    )


def _transfer(facts: Mapping[str, Any]) -> list[Words]:
    if card := facts.get("from_card"):
        return [Words(f"カード {card} から", f"From card {card}")]
    if card := facts.get("to_card"):
        return [Words(f"カード {card} へ", f"To card {card}")]
    return []


_TOLD: dict[str, Callable[[Mapping[str, Any]], list[Words]]] = {
    "redeem": _spent,
    "reverse": _refund,
    "expire": _expired,
    "release": _released,
    "transfer": _transfer,
}


def _sum(amount: int) -> Words:
    return Words(f"合計 {_ja(amount)}", f"Total: {_en(amount)}")


def purchase_lines(explanation: Mapping[str, Any]) -> list[Words]:
    """The steps from a purchase to its points, without the sum."""
    currency = explanation.get("currency", "JPY")
    lines = [_left_out(each, currency) for each in explanation.get("left_out", ())]
    if "minimum_spend" in explanation:
        lines.append(_minimum(explanation["minimum_spend"], currency))
    taxed = explanation.get("base_amount") != "tax_excluded"
    lines += [_rule(rule, currency, taxed) for rule in explanation.get("rules", ())]
    if explanation.get("suppressed"):
        lines.append(Words("ほかの特典とは併用できません", "Cannot be combined with other offers"))
    lines += [_multiplier(each) for each in explanation.get("multipliers", ())]
    if rank := explanation.get("rank"):
        lines += _rank(rank)
    lines += [_cap(cap) for cap in explanation.get("caps", ())]
    lines += _rounding(explanation)
    if "missing" in explanation:
        lines.append(next_point(explanation["missing"], currency, taxed))
    return lines


def _left_out(line: Mapping[str, Any], currency: str) -> Words:
    name = str(line.get("name") or line.get("sku") or line.get("category") or "")
    money = written_money(line["amount"], currency)
    ja, en = name or "対象外の商品", name or "Excluded item"
    return Words(f"{ja} {money.ja}は対象外", f"{en} {money.en}: not eligible")


def _minimum(amount: int, currency: str) -> Words:
    money = written_money(amount, currency)
    return Words(
        f"{money.ja}未満のお買い上げは対象外", f"Purchases under {money.en} earn no points"
    )


def _rule(rule: Mapping[str, Any], currency: str, taxed: bool) -> Words:
    how = _how(rule, currency, taxed)
    points, name = rule["points"], rule.get("name", "")
    ja = " ".join(part for part in (name, how.ja) if part)
    en = ", ".join(part for part in (name, how.en) if part)
    return Words(f"{ja} = {_ja(points)}", f"{en} = {_en(points)}")


def _how(rule: Mapping[str, Any], currency: str, taxed: bool) -> Words:
    kind = rule.get("type")
    if kind in ("spend", "percent"):
        money = written_money(rule["amount"], currency)
        ja = f"{money.ja}のお買い上げ" if taxed else f"{money.ja}(税抜)のお買い上げ"
        en = f"{money.en} spent" if taxed else f"{money.en} spent (before tax)"
        if kind == "percent":
            rate = written_number(rule["percent"])
            return Words(f"{ja} × {rate}%", f"{en} × {rate}%")
        step = written_money(rule["per"], currency)
        each = rule["each"]
        return Words(f"{ja} × {step.ja}ごとに{_ja(each)}", f"{en} × {_en(each)} per {step.en}")
    if kind == "product":
        units, each = written_number(rule["units"]), rule["each"]
        return Words(f"対象商品 {units}点 × {_ja(each)}", f"{units} qualifying × {_en(each)}")
    if kind == "visit":
        return Words("ご来店", "Visit")
    return Words("", "") if rule.get("name") else Words("ボーナス", "Bonus")


def _multiplier(multiplier: Mapping[str, Any]) -> Words:
    factor = written_number(multiplier["factor"])
    named = multiplier.get("name")
    why = Words(named, named) if named else _occasion(multiplier.get("when", {}))
    return Words(f"{why.ja} {factor}倍", f"{why.en}: ×{factor}")


def _occasion(when: Mapping[str, Any]) -> Words:
    """What a multiplier is for, by the conditions that were set."""
    parts = [Words(*DAYS[day]) for day in when.get("weekdays", ()) if day in DAYS]
    days = [Words("・".join(part.ja for part in parts), ", ".join(part.en for part in parts))]
    said = {
        "hours": Words(str(when.get("hours", "")), str(when.get("hours", ""))),
        "birthday_month": Words("お誕生月", "Birthday month"),
        "first_purchase": Words("初回のお買い上げ", "First purchase"),
        "stores": Words("対象店舗", "This shop"),
        "ranks": Words("会員ランク特典", "Rank offer"),
        "skus": Words("対象商品", "Selected items"),
        "categories": Words("対象商品", "Selected items"),
    }
    chosen = [*(days if parts else ()), *(said[key] for key in said if when.get(key))]
    chosen = list(dict.fromkeys(chosen)) or [Words("キャンペーン", "Campaign")]
    return Words(" ".join(each.ja for each in chosen), ", ".join(each.en for each in chosen))


def _rank(rank: Mapping[str, Any]) -> list[Words]:
    name = rank.get("name") or rank.get("code", "")
    lines = []
    if "factor" in rank:
        factor = written_number(rank["factor"])
        lines.append(Words(f"{name}特典 {factor}倍", f"{name} rank: ×{factor}"))
    if "bonus" in rank:
        rate, bonus = written_number(rank["percent"]), rank["bonus"]
        lines.append(
            Words(f"{name}特典 +{rate}% = {_ja(bonus)}", f"{name} rank: +{rate}% = {_en(bonus)}")
        )
    return lines


def _gift(explanation: Mapping[str, Any]) -> list[Words]:
    """Of a rank's gift: which rank, and that it lifts nobody to the next."""
    rank = explanation.get("rank", {})
    name = rank.get("name") or rank.get("code", "")
    return [
        Words(f"「{name}」になられたお祝いです", f"For reaching {name}"),
        Words("ランクの判定には数えません", "Does not count towards ranks"),
    ]


def _cap(cap: Mapping[str, Any]) -> Words:
    what = Words(*_CAPS.get(cap.get("per", ""), ("上限", "limit")))
    limit, left, before = cap["limit"], cap["to"], cap["from"]
    return Words(
        f"{what.ja} {_ja(limit)}: {written_number(before)} → {_ja(left)}",
        f"{what.en.capitalize()} of {_en(limit)}: {written_number(before)} → {_en(left)}",
    )


def _rounding(explanation: Mapping[str, Any]) -> list[Words]:
    lines = []
    if carried := explanation.get("carried"):
        lines.append(
            Words(
                f"前回からの繰り越し {_ja(carried)}", f"Carried over from last time: {_en(carried)}"
            )
        )
    if remainder := explanation.get("remainder"):
        lines.append(
            Words(
                f"次回への繰り越し {_ja(remainder)}", f"Carried over to next time: {_en(remainder)}"
            )
        )
    elif exact := explanation.get("exact"):
        how = Words(*_ROUNDINGS.get(explanation.get("rounding", ""), ("端数処理", "rounded")))
        points = explanation.get("points", 0)
        lines.append(
            Words(
                f"{how.ja} {written_number(exact)} → {_ja(points)}",
                f"{how.en.capitalize()}: {written_number(exact)} → {_en(points)}",
            )
        )
    return lines


def written_money(amount: int, currency: str) -> Words:
    """Minor units as people write them: 1,000円, ¥1,000, USD 12.50."""
    if currency == "JPY":
        return Words(f"{amount:,}円", f"¥{amount:,}")
    if currency in WHOLE_CURRENCIES:
        return Words(f"{amount:,} {currency}", f"{currency} {amount:,}")
    plain = f"{amount // 100:,}.{amount % 100:02d}"
    return Words(f"{plain} {currency}", f"{currency} {plain}")


def _ja(points: int | str) -> str:
    return f"{written_number(points)}ポイント"


def _en(points: int | str) -> str:
    number = written_number(points)
    return f"{number} point" if number == "1" else f"{number} points"


def written_number(value: int | str) -> str:
    """A whole or exact number with at most two decimals, cut off: "10", "1.5", "0.33"."""
    exact = Fraction(value)
    cut = abs(exact.numerator) * 100 // exact.denominator
    sign = "-" if exact < 0 and cut else ""
    whole, decimals = divmod(cut, 100)
    return f"{sign}{whole:,}" + (f".{decimals:02d}".rstrip("0") if decimals else "")
