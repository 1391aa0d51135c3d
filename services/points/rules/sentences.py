"""A whole program in plain sentences for a shop owner, Japanese and English.

Owns what is said of each part; every sentence names the part (`accrual.rules[0]`) that it speaks
of. Must not read stores: their names are an argument.
"""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from services.points.rules import rank_words
from services.points.rules.explain import Words, written_money, written_number
from services.points.rules.labels import points
from services.points.rules.occasions import occasion, products, quoted
from services.points.rules.program import (
    CAMPAIGN,
    CalendarYearWindow,
    Cap,
    FixedExpiry,
    FixedRule,
    LifetimeWindow,
    Multiplier,
    NoExpiry,
    PercentRule,
    ProductRule,
    Program,
    RollingWindow,
    Rule,
    SpendRule,
    VisitLimit,
    VisitRule,
)


class Sentence(Struct, frozen=True):
    """What is said of the part at `path`; `name` is what the owner called it ("" for nothing)."""

    path: str
    words: Words
    name: str = ""


def sentences(program: Program, stores: Mapping[str, str] | None = None) -> list[Sentence]:
    """The whole program, in the order of its document. `stores` are names by code."""
    return list(_all(program, _Names(program, stores or {})))


class _Names:
    """What codes are called."""

    def __init__(self, program: Program, stores: Mapping[str, str]) -> None:
        self.ranks = {level.code: level.name or level.code for level in program.ranks.levels}
        self.stores = stores
        self.currency = program.currency

    def money(self, amount: int) -> Words:
        return written_money(amount, self.currency)


def _all(program: Program, names: _Names) -> Iterator[Sentence]:
    accrual = program.accrual
    yield from _base(program, names)
    for index, rule in enumerate(accrual.rules):
        yield Sentence(f"accrual.rules[{index}]", _rule(rule, names), rule.name)
    for index, each in enumerate(accrual.multipliers):
        yield Sentence(f"accrual.multipliers[{index}]", _multiplier(each, names), each.name)
    for index, cap in enumerate(accrual.caps):
        yield Sentence(f"accrual.caps[{index}]", _cap(cap))
    yield Sentence("pending", _pending(program.pending.days))
    yield Sentence("expiry", _expiry(program))
    yield from _spending(program, names)
    yield from _ranks(program, names)
    yield from _gifts(program)
    yield Sentence("waiting", _waiting(program.waiting.days))


def _base(program: Program, names: _Names) -> Iterator[Sentence]:
    accrual = program.accrual
    counted = {
        "tax_included": Words("税込の金額が対象です", "The amount with tax counts"),
        "tax_excluded": Words("税抜の金額が対象です", "The amount before tax counts"),
    }
    yield Sentence("accrual.base_amount", counted[accrual.base_amount])
    if accrual.excluded_categories or accrual.excluded_skus:
        left_out = products(accrual.excluded_skus, accrual.excluded_categories)
        said = Words(f"{left_out.ja}は対象外です", f"Left out: {left_out.en}")
        yield Sentence("accrual.excluded_categories", said)
    if accrual.minimum_spend:
        money = names.money(accrual.minimum_spend)
        said = Words(
            f"{money.ja}以上のお買い上げに付きます", f"Purchases of {money.en} and more count"
        )
        yield Sentence("accrual.minimum_spend", said)
    roundings = {
        "floor": Words("端数は切り捨てます", "Fractions are rounded down"),
        "half_up": Words("端数は四捨五入します", "Fractions are rounded half up"),
        "ceil": Words("端数は切り上げます", "Fractions are rounded up"),
    }
    carried = Words("端数は次回に繰り越します", "Fractions are carried over to the next time")
    rounding = carried if accrual.carry_remainder else roundings[accrual.rounding]
    yield Sentence("accrual.rounding", rounding)


def _rule(rule: Rule, names: _Names) -> Words:
    gift, when = _gift(rule, names), occasion(rule.when, names.ranks, names.stores)
    ja = f"{when.ja}：{gift.ja}" if when else gift.ja
    en = f"{gift.en}, {when.en}" if when else gift.en
    if not rule.stackable:
        return Words(f"{ja}（ほかのルールと併用なし）", f"{en} (instead of other rules)")
    return Words(ja, en)


def _gift(rule: Rule, names: _Names) -> Words:
    match rule:
        case SpendRule(per=per):
            step, gift = names.money(per), points(rule.points)
            return Words(f"{step.ja}ごとに{gift.ja}", f"{gift.en} per {step.en}")
        case PercentRule(percent=percent):
            share = written_number(percent)
            return Words(f"お買い上げの{share}%", f"{share}% of the amount")
        case FixedRule():
            gift = points(rule.points)
            return Words(f"お買い上げ1回につき{gift.ja}", f"{gift.en} for a purchase")
        case VisitRule(limit=limit):
            gift = points(rule.points)
            most = _limit(limit) if limit else Words("", "")
            return Words(f"ご来店1回につき{gift.ja}{most.ja}", f"{gift.en} for a visit{most.en}")
        case ProductRule():
            gift, what = points(rule.points_per_unit), products(rule.skus, rule.categories)
            return Words(f"{what.ja}1点につき{gift.ja}", f"{gift.en} for each of {what.en}")


def _limit(limit: VisitLimit) -> Words:
    count = f"{limit.count:,}"
    times = "once" if limit.count == 1 else f"{count} times"
    if limit.per == "day":
        return Words(f"（1日{count}回まで）", f" (at most {times} a day)")
    hours = f"{limit.hours or 0:,}"
    return Words(f"（{hours}時間に{count}回まで）", f" (at most {times} in {hours} hours)")


def _multiplier(each: Multiplier, names: _Names) -> Words:
    factor = written_number(each.factor)
    when = occasion(each.when, names.ranks, names.stores) or Words("いつでも", "always")
    return Words(f"{when.ja}：ポイント{factor}倍", f"{factor} times the points, {when.en}")


def _cap(cap: Cap) -> Words:
    most = points(cap.points)
    whom = {
        "purchase": Words("1回のお買い上げ", "a purchase"),
        "day": Words("会員1人1日", "a member's day"),
        "month": Words("会員1人1か月", "a member's month"),
        "campaign": Words("全員あわせて", "everybody together"),
    }[cap.per]
    budget = f"（予算「{cap.id}」）" if cap.id != CAMPAIGN else ""
    if cap.per == "campaign":
        id = f" (budget “{cap.id}”)" if cap.id != CAMPAIGN else ""
        return Words(f"{whom.ja}{most.ja}まで{budget}", f"At most {most.en} for {whom.en}{id}")
    return Words(f"{whom.ja}につき{most.ja}まで", f"At most {most.en} for {whom.en}")


def _pending(days: int) -> Words:
    if not days:
        return Words("付いたポイントはすぐに使えます", "Points can be used at once")
    many = "1 day" if days == 1 else f"{days:,} days"
    return Words(f"付いてから{days:,}日後に使えます", f"Points can be used {many} after earning")


def _expiry(program: Program) -> Words:
    expiry = program.expiry
    if isinstance(expiry, NoExpiry):
        return Words("ポイントに有効期限はありません", "Points never expire")
    if isinstance(expiry, FixedExpiry):
        ends = {
            None: Words("間", ""),
            "month_end": Words("後の月末まで", ", to the end of that month"),
            "year_end": Words("後の年末まで", ", to the end of that year"),
        }[expiry.round_to]
        time = _months(expiry.months) if expiry.months else _days(expiry.days or 0)
        said = Words(
            f"ポイントは付いてから{time.ja}{ends.ja}有効です", f"Points last {time.en}{ends.en}"
        )
    else:
        time = _months(expiry.months)
        said = Words(
            f"最後のご利用から{time.ja}でポイントが失効します",
            f"Points last {time.en} from the last visit",
        )
    if not expiry.warn_days:
        return said
    ahead = sorted(expiry.warn_days, reverse=True)
    ja, en = "・".join(map(str, ahead)), " and ".join(map(str, ahead))
    return Words(f"{said.ja}（{ja}日前にお知らせ）", f"{said.en} (told {en} days ahead)")


def _spending(program: Program, names: _Names) -> Iterator[Sentence]:
    spend = program.redemption
    each, money = points(spend.value.points), names.money(spend.value.amount)
    worth = Words(f"{each.ja} = {money.ja}", f"{each.en} = {money.en}")
    yield Sentence("redemption.value", worth)
    if spend.maximum_percent == 0:
        yield Sentence("redemption", Words("ポイントは使えません", "Points cannot be used"))
        return
    least, unit = points(spend.minimum), points(spend.unit)
    ja = f"{least.ja}から、{unit.ja}単位で使えます"
    en = f"Used from {least.en} on, in steps of {unit.en}"
    if spend.maximum_percent < 100:
        ja += f"（お会計の{spend.maximum_percent}%まで）"
        en += f" (up to {spend.maximum_percent}% of a bill)"
    yield Sentence("redemption", Words(ja, en))
    refunds = {
        "allow_negative": Words(
            "返品のとき、使われた分は残高がマイナスになり、次のポイントで埋まります",
            "On refunds, points that were used already leave a debt that later points fill",
        ),
        "clamp_to_zero": Words(
            "返品のとき、使われた分は取り消しません",
            "On refunds, points that were used already are not taken back",
        ),
    }
    yield Sentence("refunds", refunds[program.refunds.overspent])


def _ranks(program: Program, names: _Names) -> Iterator[Sentence]:
    ranks = program.ranks
    if not ranks.levels:
        yield Sentence("ranks", Words("ランクはありません", "There are no ranks"))
        return
    match ranks.window:
        case LifetimeWindow():
            over = Words("これまでの合計で", "over a lifetime")
        case RollingWindow(months=months):
            time = _months(months)
            last = time.en.removeprefix("1 ")
            over = Words(f"直近{time.ja}の実績で", f"over the last {last}")
        case CalendarYearWindow():
            over = Words("その年(1〜12月)の実績で", "over the calendar year")
    kept = _months(ranks.keep_months)
    ja = f"{over.ja}決まります。上がるのはすぐ、"
    en = f"Decided {over.en}. Up at once, "
    if ranks.keep_months:
        ja, en = f"{ja}下がるのは{kept.ja}の維持期間のあと", f"{en}down only after {kept.en}"
    else:
        ja, en = f"{ja}下がるのはその日の夜", f"{en}down in the night"
    if ranks.downgrade == "one_level":
        ja, en = f"{ja}1段階ずつ", f"{en}, one level at a time"
    yield Sentence("ranks", Words(f"{ja}です", en))
    for index, level in enumerate(ranks.levels):
        yield Sentence(
            f"ranks.levels[{index}]", rank_words.whole(level, names.currency), level.name
        )


def _gifts(program: Program) -> Iterator[Sentence]:
    welcome, service = program.welcome.points, program.service
    if welcome:
        gift = points(welcome)
        yield Sentence("welcome", Words(f"入会で{gift.ja}", f"{gift.en} for joining"))
    else:
        yield Sentence("welcome", Words("入会特典はありません", "Nothing for joining"))
    often = Words(
        f"会員1人1日{service.per_day:,}回まで", f"at most {service.per_day:,} times a member's day"
    )
    if service.per_day == 1:
        often = Words(often.ja, "at most once a member's day")
    for index, rule in enumerate(service.rules):
        gift, named = points(rule.points), quoted([rule.name or rule.id])
        said = Words(
            f"スタッフが{named.ja}で{gift.ja}を付けられます（{often.ja}）",
            f"Staff may give {gift.en} for {named.en} ({often.en})",
        )
        yield Sentence(f"service.rules[{index}]", said, rule.name)
    if service.maximum_points:
        most = points(service.maximum_points)
        ja = f"スタッフが理由を付けて{most.ja}まで付けられます（{often.ja}）"
        yield Sentence(
            "service",
            Words(ja, f"Staff may give up to {most.en} with a reason ({often.en})"),
        )
    elif not service.rules:
        ja = "スタッフが付けるポイントはありません"
        yield Sentence("service", Words(ja, "Staff give no points by hand"))


def _waiting(days: int) -> Words:
    many = _days(days)
    return Words(
        f"登録前のカードのお買い上げは{many.ja}待ちます",
        f"Purchases with a card that nobody has yet wait {many.en}",
    )


def _months(months: int) -> Words:
    if months % 12 == 0 and months:
        years = months // 12
        return Words(f"{years:,}年", "1 year" if years == 1 else f"{years:,} years")
    return Words(f"{months:,}か月", "1 month" if months == 1 else f"{months:,} months")


def _days(days: int) -> Words:
    return Words(f"{days:,}日", "1 day" if days == 1 else f"{days:,} days")
