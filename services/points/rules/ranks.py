"""Ranks: which level a member has earned, and what is missing to the next.

Owns promotion, demotion and the window that metrics are counted over. Must not count anything
itself: metrics come as an argument, as does the time. Levels go from the lowest to the highest.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Literal, TypedDict
from zoneinfo import ZoneInfo

from msgspec import Struct

from services.points.rules.lots import midnight, midnight_after, months_later
from services.points.rules.program import (
    CalendarYearWindow,
    Level,
    LifetimeWindow,
    Program,
    Ranks,
    Requires,
    RollingWindow,
)


class Metrics(Struct, frozen=True):
    """What a member did within the window: points earned, minor units spent, visits.

    Net of refunds, and without the points that ranks themselves gave: a gift for reaching a rank
    must not lift anybody to the next one.
    """

    points_earned: int = 0
    amount_spent: int = 0
    visits: int = 0


class Held(Struct, frozen=True, kw_only=True):
    """The rank that a member has (None: below every level), as `code`.

    `own` is what it would be without a floor, kept at least until `keep_until`; `floor` is a rank
    given by hand that is in force.
    """

    code: str | None = None
    own: str | None = None
    keep_until: datetime | None = None
    floor: str | None = None


class Decision(Struct, frozen=True, kw_only=True):
    """What a member has from now on, as in `Held`, and which way the rank went."""

    code: str | None
    own: str | None
    keep_until: datetime | None
    direction: Literal["up", "down", "same"]


class NextLevel(TypedDict):
    """The level above, and how much of each condition is missing (only what is missing)."""

    code: str
    missing: dict[str, int]


def evaluate(
    program: Program, metrics: Metrics, held: Held, now: datetime, *, evaluation: bool = False
) -> Decision:
    """The rank of a member from `now` on.

    Up at once to the highest level whose conditions are all met. Down only in an `evaluation` (the
    nightly one) and when `keep_until` has passed, to the earned level or by one as the program
    says, never below a floor. A rank that is confirmed in an evaluation after its keep period is
    kept for another. A rank that the program no longer knows is replaced at once.

    A floor lifts the rank at once but starts no keep period: where it ends, the next evaluation
    leads back to what was earned.
    """
    levels = program.ranks.levels
    place = place_of(levels, held.code)
    earned = _earned(program, metrics, held, now, evaluation)
    target = max(place_of(levels, earned.rank), place_of(levels, held.floor))
    if not evaluation:
        target = max(target, place)
    replaced = held.code is not None and place < 0
    return Decision(
        code=levels[target].code if target >= 0 else None,
        own=earned.rank,
        keep_until=earned.keep_until,
        direction="up" if target > place else "down" if target < place or replaced else "same",
    )


def settled(program: Program, held: Held, *, evaluation: bool) -> bool:
    """Whether `evaluate` leaves this rank as it is whatever its member did, so that nobody need
    count it: who is at the top goes no higher, and down only in an evaluation."""
    if evaluation:
        return False
    if not program.ranks.levels:
        return held == Held(floor=held.floor)
    return held.code == held.own == program.ranks.levels[-1].code


class _Earned(Struct, frozen=True):
    """A rank without its floor, and until when it is kept."""

    rank: str | None
    keep_until: datetime | None


def _earned(
    program: Program, metrics: Metrics, held: Held, now: datetime, evaluation: bool
) -> _Earned:
    """The rank that was earned, as it goes on from what was held."""
    levels = program.ranks.levels
    place, earned = place_of(levels, held.own), earned_level(levels, metrics)
    if earned > place:
        return _begun(program.ranks, earned, now, program.zone)
    if place < 0:
        return _Earned(None, None)
    kept = held.keep_until is not None and now < held.keep_until
    if not evaluation or kept:
        return _Earned(held.own, held.keep_until)
    if earned == place:
        return _begun(program.ranks, place, now, program.zone)
    lower = place - 1 if program.ranks.downgrade == "one_level" else earned
    return _begun(program.ranks, lower, now, program.zone)


def _begun(ranks: Ranks, place: int, now: datetime, zone: ZoneInfo) -> _Earned:
    if place < 0:
        return _Earned(None, None)
    return _Earned(ranks.levels[place].code, _kept_until(ranks, now, zone))


def to_keep(program: Program, metrics: Metrics, held: Held, now: datetime) -> dict[str, int] | None:
    """What a member must still do to keep a rank whose keep period ends within the program's
    notice days; None where nothing is to be said: no rank at risk, not yet, or too late."""
    levels, ahead = program.ranks.levels, timedelta(days=program.ranks.notice_days)
    place = place_of(levels, held.own)
    if held.keep_until is None or not now < held.keep_until <= now + ahead:
        return None
    if place <= max(earned_level(levels, metrics), place_of(levels, held.floor)):
        return None
    return missing(levels[place].requires, metrics)


def reached(levels: Sequence[Level], before: str | None, after: str | None) -> list[Level]:
    """The levels that a rise from `before` to `after` passes, the highest last.

    Each of them counts as reached, so that it makes no difference how purchases came together. A
    rank that the program no longer knows is replaced, not left: nothing is reached.
    """
    place = place_of(levels, before)
    if before is not None and place < 0:
        return []
    return list(levels[place + 1 : place_of(levels, after) + 1])


def earned_level(levels: Sequence[Level], metrics: Metrics) -> int:
    """The index of the highest level whose conditions are all met, -1 for none."""
    for place in range(len(levels) - 1, -1, -1):
        if not missing(levels[place].requires, metrics):
            return place
    return -1


def missing(requires: Requires, metrics: Metrics) -> dict[str, int]:
    """How much of each condition is not met yet; {} when all are."""
    gaps = {}
    for name in requires.__struct_fields__:
        wanted = getattr(requires, name)
        if wanted is not None and wanted > (have := getattr(metrics, name)):
            gaps[name] = wanted - have
    return gaps


def next_level(levels: Sequence[Level], current: str | None, metrics: Metrics) -> NextLevel | None:
    """The first level above `current` that is not earned yet; None at the top."""
    for level in levels[place_of(levels, current) + 1 :]:
        if gaps := missing(level.requires, metrics):
            return {"code": level.code, "missing": gaps}
    return None


def progress(metrics: Metrics, gaps: Mapping[str, int]) -> int:
    """How far somebody is on the way to a level, in percent, by the condition that is furthest
    away; `gaps` are what is `missing`."""
    done: list[tuple[int, int]] = [(max(getattr(metrics, w), 0), gap) for w, gap in gaps.items()]
    return min(100 * have // (have + gap) for have, gap in done)


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


def place_of(levels: Sequence[Level], code: str | None) -> int:
    """How high a rank is, from 0; -1 for none and for one that is not a level."""
    for index, level in enumerate(levels):
        if level.code == code:
            return index
    return -1


def _kept_until(ranks: Ranks, now: datetime, zone: ZoneInfo) -> datetime | None:
    if not ranks.keep_months:
        return None
    return midnight_after(months_later(now.astimezone(zone).date(), ranks.keep_months), zone)
