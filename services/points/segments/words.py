"""What a segment is, in words for its owner, Japanese and English. Pure.

1,000 ポイント以上、かつ 14 日以上来店なし: 1,000 points and more, and not seen for 14 days.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from services.points.rules import rank_words
from services.points.rules.explain import Words, written_money
from services.points.rules.program import Program
from services.points.segments import conditions as c


def words(definition: c.Definition, program: Program | None) -> Words:
    """The whole of it; ranks and money as the program writes them."""
    return _Saying(program).of(definition)


class _Saying:
    """The names that words need."""

    def __init__(self, program: Program | None) -> None:
        self.currency = program.currency if program else "JPY"
        levels = program.ranks.levels if program else ()
        self.ranks = {level.code: level.name for level in levels}

    def of(self, definition: c.Definition, *, inner: bool = False) -> Words:
        """A definition; in brackets where it stands within another one and has parts of its own."""
        match definition:
            case c.All(of) | c.Either(of):
                parts = [self.of(each, inner=len(of) > 1) for each in of]
                whole = _joined(parts, every=isinstance(definition, c.All))
                return _bracketed(whole) if inner and len(of) > 1 else whole
            case c.Not(of):
                said = self.of(of)
                return Words(f"「{said.ja}」以外", f"not ({said.en})")
        return _SAID[type(definition)](self, definition)


def _joined(parts: Sequence[Words], *, every: bool) -> Words:
    ja, en = ("、かつ", ", and ") if every else ("、または", ", or ")
    return Words(ja.join(part.ja for part in parts), en.join(part.en for part in parts))


def _bracketed(said: Words) -> Words:
    return Words(f"({said.ja})", f"({said.en})")


def _span(least: str | None, most: str | None, ja: str, en: str) -> Words:
    """A range of written numbers: 100〜999 ポイント, 100 to 999 points."""
    if least is not None and most is not None:
        if least == most:
            return Words(f"{least}{ja}", f"exactly {least}{en}")
        return Words(f"{least}〜{most}{ja}", f"{least} to {most}{en}")
    if least is not None:
        return Words(f"{least}{ja}以上", f"{least}{en} and more")
    return Words(f"{most}{ja}以下", f"at most {most}{en}")


def _number(number: int | None) -> str | None:
    return None if number is None else f"{number:,}"


def _window(days: int | None) -> Words:
    """Over which time: at the front in Japanese, at the end in English."""
    if days is None:
        return Words("これまで", "ever")
    return Words(f"直近 {days:,} 日", f"in the last {_days(days)}")


def _days(days: int) -> str:
    return "1 day" if days == 1 else f"{days:,} days"


def _listed(names: Sequence[str]) -> Words:
    return Words("".join(f"「{name}」" for name in names), " or ".join(map(str, names)))


def _points(_: _Saying, points: c.Points) -> Words:
    return _span(_number(points.min), _number(points.max), " ポイント", " points")


def _rank(saying: _Saying, rank: c.Rank) -> Words:
    named = [saying.ranks.get(code, code) for code in rank.in_ if code is not None]
    parts = [Words(f"ランクが{_listed(named).ja}", f"rank {_listed(named).en}")] if named else []
    parts += [Words("ランクなし", "no rank")] if None in rank.in_ else []
    return _joined(parts, every=False)


def _next_rank(saying: _Saying, wanted: c.NextRank) -> Words:
    parts = []
    if wanted.within is not None:
        gap = rank_words.missing(wanted.within, saying.currency)
        near = Words("あと 0", "nothing") if not gap.ja else Words(f"あと{gap.ja}", gap.en)
        parts.append(Words(f"次のランクまで{near.ja}以内", f"at most {near.en} to the next rank"))
    if wanted.progress is not None:
        share = f"{wanted.progress} %"
        parts.append(
            Words(f"次のランクへ {share}以上達成", f"{share} or more of the way to the next rank")
        )
    return _joined(parts, every=True)


def _last_visit(_: _Saying, visit: c.LastVisit) -> Words:
    seen = []
    if visit.before_days is not None:
        days = visit.before_days
        seen.append(Words(f"{days:,} 日以上来店なし", f"not seen for {_days(days)}"))
    if visit.within_days is not None:
        days = visit.within_days
        seen.append(Words(f"直近 {days:,} 日に来店", f"seen in the last {_days(days)}"))
    parts = [_joined(seen, every=True)] if seen else []
    parts += [Words("来店したことがない", "never seen")] if visit.never else []
    return _joined(parts, every=False)


def _visits(_: _Saying, visits: c.Visits) -> Words:
    span = _span(_number(visits.min), _number(visits.max), " 回", " visits")
    window = _window(visits.days)
    return Words(f"{window.ja}の来店が {span.ja}", f"{span.en} {window.en}")


def _spent(saying: _Saying, spent: c.Spent) -> Words:
    def written(amount: int | None) -> tuple[str | None, str | None]:
        return (None, None) if amount is None else written_money(amount, saying.currency)

    (least_ja, least_en), (most_ja, most_en) = written(spent.min), written(spent.max)
    ja, en = _span(least_ja, most_ja, "", "").ja, _span(least_en, most_en, "", "").en
    window = _window(spent.days)
    return Words(f"{window.ja}のお買い上げが {ja}", f"{en} spent {window.en}")


def _bought(_: _Saying, bought: c.Bought) -> Words:
    what = [Words(f"商品{_listed(bought.skus).ja}", _listed(bought.skus).en)] if bought.skus else []
    if bought.categories:
        listed = _listed(bought.categories)
        what.append(Words(f"カテゴリー{listed.ja}", f"something of {listed.en}"))
    things = _joined(what, every=False) if what else Words("何か", "something")
    where = _listed(bought.stores)
    place = Words(f"店舗{where.ja}で", f" at {where.en}") if bought.stores else Words("", "")
    window = _window(bought.days)
    return Words(
        f"{window.ja}に{place.ja}{things.ja}を購入", f"bought {things.en}{place.en} {window.en}"
    )


def _expiring(_: _Saying, expiring: c.Expiring) -> Words:
    some = Words("ポイント", "points")
    if expiring.min > 1:
        some = Words(f"ポイントが {expiring.min:,} 以上", f"{expiring.min:,} points and more")
    days = expiring.days
    return Words(
        f"{days:,} 日以内に失効する{some.ja}あり", f"{some.en} expire within {_days(days)}"
    )


def _birthday_month(_: _Saying, wanted: c.BirthdayMonth) -> Words:
    if wanted.month == "this":
        return Words("今月が誕生月", "birthday this month")
    if wanted.month == "next":
        return Words("来月が誕生月", "birthday next month")
    return Words(f"{wanted.month} 月生まれ", f"birthday in {_MONTHS[wanted.month - 1]}")


def _age(_: _Saying, age: c.Age) -> Words:
    return _span(_number(age.min), _number(age.max), " 歳", " years of age")


def _tags(_: _Saying, tags: c.Tags) -> Words:
    parts = [Words(f"タグ{_listed(tags.any).ja}のどれか", f"tagged {_listed(tags.any).en}")]
    every = Words(f"タグ{_listed(tags.all).ja}のすべて", f"tagged {' and '.join(tags.all)}")
    return _joined([*(parts if tags.any else []), *([every] if tags.all else [])], every=True)


def _joining(_: _Saying, joined: c.Joined) -> Words:
    parts = []
    if joined.days is not None:
        days = joined.days
        parts.append(Words(f"直近 {days:,} 日に入会", f"joined in the last {_days(days)}"))
    if joined.before_days is not None:
        days = joined.before_days
        parts.append(Words(f"入会から {days:,} 日以上", f"joined {_days(days)} ago or earlier"))
    if joined.routes:
        named = [code for code in joined.routes if code is not None]
        by = [Words(f"経路{_listed(named).ja}で入会", f"joined by {_listed(named).en}")]
        none = [Words("経路なしで入会", "joined by no route")] if None in joined.routes else []
        parts.append(_joined([*(by if named else []), *none], every=False))
    return _joined(parts, every=True)


_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_LINE = {
    "linked": Words("LINE 連携済み", "linked to LINE"),
    "reachable": Words("LINE で届く", "reached by LINE"),
    "blocked": Words("LINE をブロック中", "has blocked the account in LINE"),
    "none": Words("LINE 未連携", "not linked to LINE"),
}
_SAID: Mapping[type[Any], Callable[[_Saying, Any], Words]] = {
    c.Everybody: lambda _, __: Words("会員全員", "all members"),
    c.One: lambda _, __: Words("会員 1 人", "one member"),
    c.Points: _points,
    c.Rank: _rank,
    c.NextRank: _next_rank,
    c.LastVisit: _last_visit,
    c.Visits: _visits,
    c.Spent: _spent,
    c.Bought: _bought,
    c.Expiring: _expiring,
    c.BirthdayMonth: _birthday_month,
    c.Age: _age,
    c.Gender: lambda _, it: Words(f"性別が{_listed(it.in_).ja}", f"gender {_listed(it.in_).en}"),
    c.Area: lambda _, it: Words(f"地域が{_listed(it.in_).ja}", f"area {_listed(it.in_).en}"),
    c.Tags: _tags,
    c.Joined: _joining,
    c.Line: lambda _, line: _LINE[line.state],
}
