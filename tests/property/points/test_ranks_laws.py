"""Laws of ranks, with any number of levels in any order of demand."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.points.rules.program import Program, parse
from services.points.rules.ranks import (
    Held,
    Metrics,
    earned_level,
    evaluate,
    next_level,
    place_of,
    reached,
    settled,
    to_keep,
)

NOW = datetime(2025, 4, 1, 12, tzinfo=UTC)
NUMBERS = st.integers(0, 20)
METRICS = st.builds(Metrics, points_earned=NUMBERS, amount_spent=NUMBERS, visits=NUMBERS)
REQUIRES = st.dictionaries(
    st.sampled_from(["points_earned", "amount_spent", "visits"]), NUMBERS, min_size=1
)


@st.composite
def programs(draw: st.DrawFn) -> Program:
    needs = draw(st.lists(REQUIRES, max_size=8))
    levels = [
        {"code": str(index), "name": str(index), "requires": need}
        for index, need in enumerate(needs)
    ]
    downgrade = draw(st.sampled_from(["earned", "one_level"]))
    return parse({"ranks": {"levels": levels, "downgrade": downgrade}})


def place(program: Program, code: str | None) -> int:
    return place_of(program.ranks.levels, code)


def codes(program: Program) -> list[str | None]:
    return [None, *(level.code for level in program.ranks.levels)]


@settings(max_examples=200, deadline=None)
@given(program=programs(), less=METRICS, more=METRICS)
def test_doing_more_never_means_a_lower_rank(
    program: Program, less: Metrics, more: Metrics
) -> None:
    best = Metrics(
        points_earned=max(less.points_earned, more.points_earned),
        amount_spent=max(less.amount_spent, more.amount_spent),
        visits=max(less.visits, more.visits),
    )
    lower = evaluate(program, less, Held(), NOW).code
    higher = evaluate(program, best, Held(), NOW).code
    assert place(program, higher) >= place(program, lower)


@st.composite
def standings(draw: st.DrawFn, program: Program) -> Held:
    """Ranks as they come about: what is shown is never below what was earned."""
    own = draw(st.sampled_from(codes(program)))
    shown = draw(st.sampled_from(codes(program)[place(program, own) + 1 :]))
    keep = draw(st.none() | st.integers(-5, 40)) if own else None
    return Held(
        code=shown,
        own=own,
        keep_until=NOW + timedelta(days=keep) if keep is not None else None,
        floor=draw(st.sampled_from(codes(program))),
    )


@settings(max_examples=300, deadline=None)
@given(data=st.data(), program=programs(), metrics=METRICS, evaluation=st.booleans())
def test_moves_are_where_they_may_be(
    data: Any, program: Program, metrics: Metrics, evaluation: bool
) -> None:
    held = data.draw(standings(program))
    new = evaluate(program, metrics, held, NOW, evaluation=evaluation)
    before, after = place(program, held.code), place(program, new.code)
    own, earned = place(program, new.own), earned_level(program.ranks.levels, metrics)
    assert after >= max(earned, own, place(program, held.floor))
    assert new.direction == ("up" if after > before else "down" if after < before else "same")
    if after < before:
        assert evaluation
        assert after == max(own, place(program, held.floor))
    if own < (was := place(program, held.own)):
        assert evaluation
        assert held.keep_until is None or held.keep_until <= NOW
        assert own == (was - 1 if program.ranks.downgrade == "one_level" else earned)
    assert (new.own is None) <= (new.keep_until is None)


@settings(max_examples=200, deadline=None)
@given(data=st.data(), program=programs(), metrics=METRICS, evaluation=st.booleans())
def test_once_is_as_good_as_twice(
    data: Any, program: Program, metrics: Metrics, evaluation: bool
) -> None:
    held = data.draw(standings(program))
    new = evaluate(program, metrics, held, NOW, evaluation=evaluation)
    kept = Held(code=new.code, own=new.own, keep_until=new.keep_until, floor=held.floor)
    again = evaluate(program, metrics, kept, NOW, evaluation=evaluation)
    assert (again.code, again.own, again.direction) == (new.code, new.own, "same")
    assert again.keep_until == new.keep_until


@settings(max_examples=200, deadline=None)
@given(program=programs(), steps=st.lists(METRICS, min_size=1, max_size=6))
def test_levels_reached_do_not_depend_on_how_purchases_came_together(
    program: Program, steps: list[Metrics]
) -> None:
    levels = program.ranks.levels
    total, rank, one_by_one = Metrics(), None, []
    for step in steps:
        total = Metrics(
            total.points_earned + step.points_earned,
            total.amount_spent + step.amount_spent,
            total.visits + step.visits,
        )
        risen = evaluate(program, total, Held(code=rank, own=rank), NOW).code
        one_by_one += reached(levels, rank, risen)
        rank = risen
    at_once = reached(levels, None, evaluate(program, total, Held(), NOW).code)
    assert one_by_one == at_once


@settings(max_examples=300, deadline=None)
@given(data=st.data(), program=programs(), metrics=METRICS)
def test_who_is_told_loses_the_rank_and_who_does_what_is_missing_keeps_it(
    data: Any, program: Program, metrics: Metrics
) -> None:
    held = data.draw(standings(program))
    gaps = to_keep(program, metrics, held, NOW)
    if gaps is None:
        return
    assert held.keep_until is not None
    night = held.keep_until + timedelta(hours=3)
    after = evaluate(program, metrics, held, night, evaluation=True)
    assert place(program, after.own) < place(program, held.own)
    assert gaps
    done = [getattr(metrics, name) + gaps.get(name, 0) for name in Metrics.__struct_fields__]
    kept = evaluate(program, Metrics(*done), held, night, evaluation=True)
    assert place(program, kept.own) >= place(program, held.own)


@settings(max_examples=200, deadline=None)
@given(program=programs(), metrics=METRICS)
def test_whoever_does_what_is_missing_is_promoted(program: Program, metrics: Metrics) -> None:
    levels = program.ranks.levels
    current = evaluate(program, metrics, Held(), NOW).code
    above = next_level(levels, current, metrics)
    if above is None:
        assert current == (levels[-1].code if levels else None)
        return
    done = {
        name: getattr(metrics, name) + above["missing"].get(name, 0)
        for name in Metrics.__struct_fields__
    }
    assert all(gap > 0 for gap in above["missing"].values())
    assert earned_level(levels, Metrics(**done)) >= place(program, above["code"])


UNTIL = st.sampled_from([None, NOW - timedelta(days=1), NOW + timedelta(days=1)])


@settings(max_examples=400, deadline=None)
@given(program=programs(), metrics=METRICS, until=UNTIL, data=st.data())
def test_what_a_member_at_the_top_did_moves_nothing_before_an_evaluation(
    program: Program, metrics: Metrics, until: datetime | None, data: st.DataObject
) -> None:
    top = codes(program)[-1]
    known = st.sampled_from([top, top, *codes(program), "gone"])
    held = Held(
        code=data.draw(known), own=data.draw(known), keep_until=until, floor=data.draw(known)
    )
    if settled(program, held, evaluation=False):
        decision = evaluate(program, metrics, held, NOW)
        assert (decision.code, decision.own, decision.keep_until) == (held.code, held.own, until)
        assert decision.direction == "same"
    assert settled(program, Held(code=top, own=top), evaluation=False)
    assert not settled(program, Held(code=top, own=top), evaluation=True)
