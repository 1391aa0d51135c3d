"""When a rule or multiplier holds, in words that a shop owner reads, Japanese and English. Pure."""

from collections.abc import Iterable, Mapping
from datetime import date

from services.points.rules.explain import DAYS, Words
from services.points.rules.program import When

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WORKING = ("mon", "tue", "wed", "thu", "fri")
_WEEKEND = ("sat", "sun")


def occasion(
    when: When | None, ranks: Mapping[str, str], stores: Mapping[str, str]
) -> Words | None:
    """All conditions in one breath; None where there are none. `ranks` and `stores` are names by
    code."""
    if when is None:
        return None
    parts = [
        *_period(when),
        *([_weekdays(when.weekdays)] if when.weekdays else []),
        *([_hours(when.hours)] if when.hours else []),
        *([Words("お誕生月", "in the birthday month")] if when.birthday_month else []),
        *([Words("初回のお買い上げ", "on the first purchase")] if when.first_purchase else []),
        *([_at(when.stores, stores)] if when.stores else []),
        *([_for(when.ranks, ranks)] if when.ranks else []),
        *([products(when.skus, when.categories)] if when.skus or when.categories else []),
    ]
    if not parts:
        return None
    return Words("、".join(p.ja for p in parts), ", ".join(p.en for p in parts))


def products(skus: Iterable[str], categories: Iterable[str]) -> Words:
    """Certain products and categories."""
    codes, groups = [*skus], [*categories]
    ja, en = [], []
    if codes:
        ja.append("商品" + quoted(codes).ja)
        en.append("products " + quoted(codes).en)
    if groups:
        ja.append("部門" + quoted(groups).ja)
        en.append("categories " + quoted(groups).en)
    return Words("と".join(ja), " and ".join(en))


def quoted(names: Iterable[str]) -> Words:
    """Names as they stand: 「本店」「駅前」, “main” or “station”."""
    listed = [*names]
    return Words("".join(f"「{n}」" for n in listed), " or ".join(f"“{n}”" for n in listed))


def _weekdays(days: Iterable[str]) -> Words:
    chosen = [day for day in DAYS if day in set(days)]
    if len(chosen) == len(DAYS):
        return Words("毎日", "every day")
    if tuple(chosen) == _WORKING:
        return Words("平日", "on weekdays")
    if tuple(chosen) == _WEEKEND:
        return Words("土日", "at weekends")
    if len(chosen) == 1:
        return Words(DAYS[chosen[0]][0], f"on {DAYS[chosen[0]][1]}s")
    ja = "・".join(DAYS[day][0].removesuffix("曜日") for day in chosen)
    return Words(f"{ja}曜日", "on " + _and([f"{DAYS[day][1]}s" for day in chosen]))


def _hours(hours: str) -> Words:
    start, end = hours[:5], hours[6:]
    if end < start:
        return Words(f"{start}〜翌{end}", f"from {start} to {end} the next day")
    return Words(f"{start}〜{end}", f"from {start} to {end}")


def _period(when: When) -> list[Words]:
    start, end = _moment(when.from_), _moment(when.until)
    if start and end:
        return [Words(f"{start.ja}〜{end.ja}", f"from {start.en} to {end.en}")]
    if start:
        return [Words(f"{start.ja}から", f"from {start.en}")]
    return [Words(f"{end.ja}まで", f"until {end.en}")] if end else []


def _moment(text: str | None) -> Words | None:
    """A day as people say it; the time follows as it was written."""
    if text is None:
        return None
    day, rest = date.fromisoformat(text[:10]), text[10:].lstrip("Tt ")
    time = f" {rest[:5]}" if rest else ""
    ja = f"{day.year}年{day.month}月{day.day}日{time}"
    return Words(ja, f"{day.day} {_MONTHS[day.month - 1]} {day.year}{time}")


def _at(codes: Iterable[str], stores: Mapping[str, str]) -> Words:
    named = quoted(stores.get(code, code) for code in codes)
    return Words(f"店舗{named.ja}", f"at {named.en}")


def _for(codes: Iterable[str], ranks: Mapping[str, str]) -> Words:
    named = quoted(ranks.get(code, code) for code in codes)
    return Words(f"{named.ja}の会員", f"for {named.en} members")


def _and(parts: list[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
