"""A plan follows from its seed alone, and many seeds have everything."""

import pytest

from tests.faults import line_side, plan


def test_a_seed_always_gives_the_same_plan() -> None:
    assert plan.plan(17) == plan.plan(17)
    assert plan.plan(17) != plan.plan(18)


def test_fifty_seeds_do_everything_to_everybody() -> None:
    done = {(each.kind, each.victim) for seed in range(1, 51) for each in plan.plan(seed)}
    assert {kind for kind, _ in done} == set(plan.VICTIMS)
    assert {victim for _, victim in done} == {*plan.EVERYBODY, plan.LINE}
    for kind in ("cut", "slow", "silence", *line_side.FAULTS):
        assert {victim for what, victim in done if what == kind} == set(plan.VICTIMS[kind])


def test_what_befalls_line_can_be_acted_out() -> None:
    at_line = {kind for kind, victims in plan.VICTIMS.items() if plan.LINE in victims}
    assert at_line == set(line_side.FAULTS)


@pytest.mark.parametrize("seed", range(1, 51))
def test_what_is_done_fits_who_it_is_done_to(seed: int) -> None:
    for each in plan.plan(seed):
        assert each.victim in plan.VICTIMS[each.kind]
        assert 0 < each.at < 1
        assert bool(each.seconds) == (each.kind in plan.SECONDS)
        assert bool(each.jump) == (each.kind == "clock")


def test_a_seed_can_be_found_for_what_is_wanted() -> None:
    for seed in plan.seeds_with("cut", "postgres", 3):
        assert ("cut", "postgres") in {(each.kind, each.victim) for each in plan.plan(seed)}
