"""Laws of ranks, with any number of levels in any order of demand."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.points.program import Program, parse
from services.points.ranks import Metrics, earned_level, evaluate, next_level

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
    return [level.code for level in program.ranks.levels].index(code) if code else -1


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
    lower = evaluate(program, less, None, NOW).rank
    higher = evaluate(program, best, None, NOW).rank
    assert place(program, higher) >= place(program, lower)


@settings(max_examples=300, deadline=None)
@given(
    data=st.data(),
    program=programs(),
    metrics=METRICS,
    keep=st.none() | st.integers(-5, 5),
    evaluation=st.booleans(),
)
def test_moves_are_where_they_may_be(
    data: Any, program: Program, metrics: Metrics, keep: int | None, evaluation: bool
) -> None:
    current = data.draw(st.sampled_from(codes(program)))
    floor = data.draw(st.sampled_from(codes(program)))
    keep_until = NOW + timedelta(days=keep) if keep is not None else None
    decision = evaluate(
        program,
        metrics,
        current,
        NOW,
        keep_until=keep_until,
        manual_floor=floor,
        evaluation=evaluation,
    )
    before, after = place(program, current), place(program, decision.rank)
    earned = max(earned_level(program.ranks.levels, metrics), place(program, floor))
    assert after >= earned
    assert decision.direction == ("up" if after > before else "down" if after < before else "same")
    if after < before:
        assert evaluation
        assert keep_until is None or keep_until <= NOW
        assert after == (before - 1 if program.ranks.downgrade == "one_level" else earned)
    again = evaluate(
        program,
        metrics,
        decision.rank,
        NOW,
        keep_until=decision.keep_until,
        manual_floor=floor,
        evaluation=evaluation,
    )
    if decision.direction != "same" and decision.keep_until is not None:
        assert again.direction == "same"


@settings(max_examples=200, deadline=None)
@given(program=programs(), metrics=METRICS)
def test_whoever_does_what_is_missing_is_promoted(program: Program, metrics: Metrics) -> None:
    levels = program.ranks.levels
    current = evaluate(program, metrics, None, NOW).rank
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
