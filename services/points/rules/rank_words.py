"""Ranks in words that a customer understands, Japanese and English: what is missing to one, what it
asks for and what it gives. Pure."""

from collections.abc import Mapping
from fractions import Fraction

from services.points.rules.explain import Words, written_money, written_number
from services.points.rules.labels import points
from services.points.rules.program import Level

_ORDER = ("visits", "points_earned", "amount_spent")


def missing(gaps: Mapping[str, int], currency: str) -> Words:
    """Missing visits, points and money spent: 来店3回・20ポイント, 3 more visits and 20 points."""
    wanted = [what for what in _ORDER if gaps.get(what)]
    parts = [_part(what, gaps[what], currency, first=what == wanted[0]) for what in wanted]
    return Words("・".join(part.ja for part in parts), _listed([part.en for part in parts]))


def to_next(gaps: Mapping[str, int], name: str, currency: str) -> Words:
    """The way to the next rank: あと来店3回でシルバー, 3 more visits to シルバー."""
    words = missing(gaps, currency)
    return Words(f"あと{words.ja}で{name}", f"{words.en} to {name}")


def brings(level: Level) -> Words:
    """What a rank gives on each purchase: ポイント1.5倍・+1%, 1.5 times the points and 1% more;
    empty for one that gives nothing."""
    parts = []
    if Fraction(level.multiplier) != 1:
        times = written_number(level.multiplier)
        parts.append(Words(f"ポイント{times}倍", f"{times} times the points"))
    if Fraction(level.rate_bonus_percent):
        percent = written_number(level.rate_bonus_percent)
        parts.append(
            Words(
                f"お買い上げの{percent}%分のポイントを上乗せ", f"{percent}% of each purchase on top"
            )
        )
    return Words("・".join(part.ja for part in parts), _listed([part.en for part in parts]))


def whole(level: Level, currency: str) -> Words:
    """What a rank asks for and gives."""
    asks, gives = asked(level, currency), perks(level)
    return Words(f"{asks.ja} → {gives.ja}", f"{asks.en} → {gives.en}")


def asked(level: Level, currency: str) -> Words:
    """All that a rank asks for: 来店3回・30ポイント, 3 visits and 30 points."""
    needs = level.requires
    gaps = {n: getattr(needs, n) for n in needs.__struct_fields__ if getattr(needs, n)}
    if not gaps:
        return Words("条件なし", "no condition")
    said = missing(gaps, currency)
    return Words(said.ja, said.en.replace(" more", "", 1))


def perks(level: Level) -> Words:
    """All that a rank gives."""
    said, gift = brings(level), points(level.points)
    parts = [said] if said.ja else []
    if level.points and level.every_time:
        parts.append(Words(f"なるたびに{gift.ja}", f"{gift.en} each time it is reached"))
    elif level.points:
        parts.append(Words(f"初めてなったとき{gift.ja}", f"{gift.en} when first reached"))
    if not parts:
        return Words("特典なし", "no perks")
    return Words("、".join(p.ja for p in parts), ", ".join(p.en for p in parts))


def _part(what: str, gap: int, currency: str, *, first: bool) -> Words:
    """One condition; English says "more" once, with the first."""
    more = " more" if first else ""
    if what == "visits":
        return Words(f"来店{gap:,}回", f"{gap:,}{more} {'visit' if gap == 1 else 'visits'}")
    if what == "points_earned":
        return Words(f"{gap:,}ポイント", f"{gap:,}{more} {'point' if gap == 1 else 'points'}")
    money = written_money(gap, currency)
    return Words(f"{money.ja}のお買い上げ", f"{money.en}{more} in purchases")


def _listed(parts: list[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
