"""A draft over stored purchases: what is taken as it was and what follows from the draft itself."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from services.points.rules.backtest import Budget, Replay, Stored
from services.points.rules.backtest_sums import Sums, outcome, value
from services.points.rules.compiled import compile_program
from services.points.rules.earn import Context, Purchase
from services.points.rules.program import Worth, parse

NOON = datetime(2026, 5, 10, 3, tzinfo=UTC)  # 12:00 in Tokyo
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ANN, BOB = UUID(int=1), UUID(int=2)
BASE = {"id": "base", "type": "spend", "per": 100, "points": 1}


def bought(
    total: int = 1000,
    at: datetime = NOON,
    member: UUID = ANN,
    given: int = 10,
    store: str = "main",
    visits: int = 1,
    **context: Any,
) -> Stored:
    purchase = msgspec.json.encode(Purchase(total=total, occurred_at=at, store=store)).decode()
    kept = msgspec.json.encode(Context(**context)).decode()
    return Stored(member, at, store, total, visits, given, purchase, kept)


def draft(rules: list[Any] | None = None, **details: Any) -> Any:
    accrual = {"rules": [BASE] if rules is None else rules, **details.pop("accrual", {})}
    return compile_program(parse({"accrual": accrual, **details}))


def replayed(program: Any, *purchases: Stored, **how: Any) -> Sums:
    replay = Replay(program, **how)
    replay.feed(purchases)
    return replay.finish()


def test_points_winners_and_losers_in_all_by_rank_and_by_store() -> None:
    sums = replayed(
        draft([{**BASE, "per": 50}]),
        bought(1000, given=10, rank="gold"),
        bought(1000, at=NOON + HOUR, given=30, rank="gold", store="east"),
        bought(500, member=BOB, given=5),
    )
    total = sums.total
    assert (total.purchases, total.amount, total.given, total.draft) == (3, 2500, 45, 50)
    assert (total.winners, total.losers, total.unchanged) == (1, 0, 1)  # Ann: 40 and 40
    assert (sums.stores["main"].winners, sums.stores["east"].losers) == (2, 1)
    assert (sums.ranks["gold"].draft, sums.ranks["gold"].unchanged) == (40, 1)
    assert sums.ranks[None].winners == 1
    assert sums.most() == [(BOB, 5, 10)]
    assert sums.least() == []


def test_rank_first_purchase_and_birthday_are_as_they_were() -> None:
    levels = [{"code": "gold", "name": "G", "requires": {"visits": 1}, "multiplier": "3"}]
    when = {"first_purchase": True, "birthday_month": True}
    program = draft(
        accrual={"multipliers": [{"id": "m", "factor": "2", "when": when}]},
        ranks={"levels": levels},
    )
    sums = replayed(
        program,
        bought(rank="gold"),
        bought(first_purchase=True, birthday_month=5, member=BOB),
        bought(first_purchase=True, birthday_month=6, member=UUID(int=3)),
    )
    assert sums.total.draft == 30 + 20 + 10


def test_caps_a_day_and_a_month_count_the_drafts_own_points() -> None:
    day = draft(accrual={"caps": [{"per": "day", "points": 15}]})
    purchases = [bought(given=0), bought(at=NOON + HOUR), bought(at=NOON + 12 * HOUR)]
    assert replayed(day, *purchases).total.draft == 10 + 5 + 10  # 00:00 in Tokyo: a new day
    month = draft(accrual={"caps": [{"per": "month", "points": 25}]})
    later = [bought(at=NOON + DAY * days) for days in (0, 1, 2, 21, 22)]
    assert replayed(month, *later).total.draft == 10 + 10 + 5 + 0 + 10  # 1 June


def test_limits_of_visits_count_the_drafts_own_visits() -> None:
    come = {"id": "come", "type": "visit", "points": 5}
    day = draft([{**come, "limit": {"per": "day"}}])
    assert replayed(day, bought(), bought(at=NOON + HOUR), bought(at=NOON + DAY)).total.draft == 10
    hours = draft([{**come, "limit": {"per": "hours", "hours": 3}}])
    times = [bought(at=NOON + HOUR * after) for after in (0, 2, 3, 5, 6)]
    assert replayed(hours, *times).total.draft == 15


def test_the_fraction_is_carried_on_and_begins_as_it_was() -> None:
    program = draft(accrual={"carry_remainder": True})
    assert replayed(program, bought(150), bought(150, at=NOON + HOUR)).total.draft == 3
    assert replayed(program, bought(150, remainder=(1, 2))).total.draft == 2
    both = (bought(150), bought(150, at=NOON + HOUR, remainder=(99, 100)))
    assert replayed(program, *both).total.draft == 3


def test_before_the_period_what_was_really_given_counts_against_caps() -> None:
    program = draft(accrual={"caps": [{"per": "day", "points": 15}]})
    sums = replayed(program, bought(given=12), bought(at=NOON + HOUR), since=NOON + HOUR)
    assert (sums.total.purchases, sums.total.draft) == (1, 3)


def test_each_member_has_their_own_past() -> None:
    program = draft(accrual={"caps": [{"per": "day", "points": 15}], "carry_remainder": True})
    sums = replayed(program, bought(1450), bought(1450, member=BOB), bought(150, BOB_LATER, BOB))
    assert sums.total.draft == 14 + 14 + 1


BOB_LATER = NOON + HOUR


@pytest.mark.parametrize(
    ("limit", "given"), [(25, 25), (20, 20), (29, 29), (30, 30), (31, 30), (0, 0)]
)
def test_a_campaigns_budget_is_used_up_in_order_of_time(limit: int, given: int) -> None:
    caps = [{"per": "campaign", "points": limit}, {"per": "campaign", "id": "x", "points": 90}]
    program = draft(accrual={"caps": caps})
    # Ann comes first in the order of members; the hour in which it runs out is the last one.
    purchases = [bought(at=NOON + 5 * HOUR), bought(member=BOB), bought(at=BOB_LATER, member=BOB)]
    rehearsal = Replay(program).by_hour()
    rehearsal.feed(purchases)
    budget = Budget.of(program, rehearsal.hours or {})
    sums = replayed(program, *purchases, budget=budget)
    assert sums.total.draft == given
    if limit == 25:
        assert sums.least() == [(ANN, 10, 5)]


def test_within_the_hour_in_which_a_budget_runs_out_it_is_used_up_one_by_one() -> None:
    program = draft(accrual={"caps": [{"per": "campaign", "points": 15}]})
    purchases = [bought(), bought(member=BOB), bought(member=UUID(int=3))]
    rehearsal = Replay(program).by_hour()
    rehearsal.feed(purchases)
    budget = Budget.of(program, rehearsal.hours or {})
    sums = replayed(program, *purchases, budget=budget)
    assert sums.least() == [(UUID(int=3), 10, 0), (BOB, 10, 5)]


def test_fed_in_pieces_or_at_once_it_is_the_same() -> None:
    program = draft(accrual={"caps": [{"per": "day", "points": 15}]})
    purchases = [bought(at=NOON + HOUR * i, member=UUID(int=1 + i // 5)) for i in range(20)]
    replay = Replay(program)
    for each in purchases:
        replay.feed([each])
    assert replay.finish().total == replayed(program, *purchases).total


def test_members_with_nothing_in_the_period_are_not_counted() -> None:
    program = draft(accrual={"caps": [{"per": "day", "points": 15}]})
    total = replayed(program, bought(), bought(member=BOB, at=NOON + DAY), since=NOON + HOUR).total
    assert (total.winners, total.losers, total.unchanged) == (0, 0, 1)


def test_only_those_who_win_and_lose_most_are_named() -> None:
    purchases = [bought(100 * n, member=UUID(int=n), given=0) for n in range(1, 40)]
    sums = replayed(draft(), *purchases)
    assert [draft for _, _, draft in sums.most()] == list(range(39, 29, -1))


def test_points_are_valued_each_by_its_program() -> None:
    sums = replayed(
        draft([{**BASE, "points": 10}]), bought(1000, given=10, rank="b"), bought(0, given=0)
    )
    found = outcome(sums, ["a", "b"], Worth(points=1, amount=1), Worth(points=3, amount=1), 50)
    assert found["given"] == {"points": 10, "cost": 10}
    assert found["draft"] == {"points": 100, "cost": 33}
    assert found["difference"] == {"points": 90, "cost": 23}
    assert found["liability"] == {
        "points": 50,
        "value": 50,
        "points_with_draft": 140,
        "value_with_draft": 47,
    }
    assert [each["rank"] for each in found["by_rank"]] == [None, "b"]


@pytest.mark.parametrize(
    ("points", "worth", "money"),
    [(5, (10, 1), 1), (4, (10, 1), 0), (15, (10, 1), 2), (-5, (10, 1), 0), (7, (1, 2), 14)],
)
def test_values_are_rounded_half_up(points: int, worth: tuple[int, int], money: int) -> None:
    assert value(points, Worth(points=worth[0], amount=worth[1])) == money
