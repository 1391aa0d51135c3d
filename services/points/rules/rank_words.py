"""What is missing to a rank, in words a customer understands, Japanese and English. Pure."""

from collections.abc import Mapping
from fractions import Fraction

from services.points.rules.explain import Words, written_money, written_number
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
