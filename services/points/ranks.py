"""Ranks: which level a member has earned, and what is missing to the next.

Owns promotion, demotion and the window that metrics are counted over. Must not count anything
itself: metrics come as an argument, as does the time. Levels go from the lowest to the highest.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal, TypedDict
from zoneinfo import ZoneInfo

from msgspec import Struct

from services.points.lots import midnight, midnight_after, months_later
from services.points.program import (
    CalendarYearWindow,
    Level,
    LifetimeWindow,
    Program,
    Ranks,
    Requires,
    RollingWindow,
)


class Metrics(Struct, frozen=True, kw_only=True):
    """What a member did within the window: points earned, minor units spent, visits."""

    points_earned: int = 0
    amount_spent: int = 0
    visits: int = 0


class Decision(Struct, frozen=True, kw_only=True):
    """The rank from now on (None: below every level), and until when it is kept at least."""

    rank: str | None
    direction: Literal["up", "down", "same"]
    keep_until: datetime | None


class NextLevel(TypedDict):
    """The level above, and how much of each condition is missing (only what is missing)."""

    code: str
    missing: dict[str, int]


def evaluate(
    program: Program,
    metrics: Metrics,
    current: str | None,
    now: datetime,
    *,
    keep_until: datetime | None = None,
    manual_floor: str | None = None,
    evaluation: bool = False,
) -> Decision:
    """The rank of a member who has `current`.

    Up at once to the highest level whose conditions are all met. Down only in an `evaluation` (the
    nightly one) and when `keep_until` has passed, to the earned level or by one as the program
    says, never below `manual_floor`. A rank that is confirmed in an evaluation after its keep
    period is kept for another. A `current` that the program no longer knows is replaced at once.
    """
    levels, zone = program.ranks.levels, program.zone
    place = _place(levels, current)
    earned = max(earned_level(levels, metrics), _place(levels, manual_floor))
    if current is not None and place < 0:
        direction: Literal["up", "down"] = "up" if earned >= 0 else "down"
        return _decision(program.ranks, earned, direction, now, zone)
    if earned > place:
        return _decision(program.ranks, earned, "up", now, zone)
    kept = keep_until is not None and now < keep_until
    if not evaluation or kept or place < 0:
        return Decision(rank=current, direction="same", keep_until=keep_until)
    if earned == place:
        renewed = _kept_until(program.ranks, now, zone)
        return Decision(rank=current, direction="same", keep_until=renewed)
    lower = place - 1 if program.ranks.downgrade == "one_level" else earned
    return _decision(program.ranks, lower, "down", now, zone)


def earned_level(levels: Sequence[Level], metrics: Metrics) -> int:
    """The index of the highest level whose conditions are all met, -1 for none."""
    met = [index for index, level in enumerate(levels) if not missing(level.requires, metrics)]
    return max(met, default=-1)


def missing(requires: Requires, metrics: Metrics) -> dict[str, int]:
    """How much of each condition is not met yet; {} when all are."""
    gaps = {
        name: wanted - getattr(metrics, name)
        for name in requires.__struct_fields__
        if (wanted := getattr(requires, name)) is not None
    }
    return {name: gap for name, gap in gaps.items() if gap > 0}


def next_level(levels: Sequence[Level], current: str | None, metrics: Metrics) -> NextLevel | None:
    """The first level above `current` that is not earned yet; None at the top."""
    for level in levels[_place(levels, current) + 1 :]:
        if gaps := missing(level.requires, metrics):
            return {"code": level.code, "missing": gaps}
    return None


def window_start(program: Program, now: datetime) -> datetime | None:
    """From when on things count (UTC instant, inclusive); None for a lifetime.

    A rolling window begins with the day that is `months` before today: what was done on 10 March
    counts through 10 March of the next year with 12 months.
    """
    window, zone = program.ranks.window, program.zone
    today = now.astimezone(zone).date()
    match window:
        case LifetimeWindow():
            return None
        case RollingWindow():
            return midnight(months_later(today, -window.months), zone)
        case CalendarYearWindow():
            return midnight(date(today.year, 1, 1), zone)


def _place(levels: Sequence[Level], code: str | None) -> int:
    for index, level in enumerate(levels):
        if level.code == code:
            return index
    return -1


def _kept_until(ranks: Ranks, now: datetime, zone: ZoneInfo) -> datetime | None:
    if not ranks.keep_months:
        return None
    return midnight_after(months_later(now.astimezone(zone).date(), ranks.keep_months), zone)


def _decision(
    ranks: Ranks, place: int, direction: Literal["up", "down"], now: datetime, zone: ZoneInfo
) -> Decision:
    if place < 0:
        return Decision(rank=None, direction=direction, keep_until=None)
    code = ranks.levels[place].code
    return Decision(rank=code, direction=direction, keep_until=_kept_until(ranks, now, zone))
