"""What an owner is told before confirming a broadcast."""

from datetime import UTC, datetime

import pytest

from services.notify.quota import budget
from services.notify.quota.budget import Key, Taken
from services.notify.quota.estimate import Situation, estimate
from services.notify.quota.plan import PRESETS, Amount, Plan, Policy

TURN = datetime(2025, 5, 1, tzinfo=UTC)
CAMPAIGN = Key("campaign", 3)


def of(recipients, *, quota=30_000, used=10_000, own=4_000, waiting=0, plan=Plan()):  # noqa: B008
    month = Situation(
        limits=budget.limits(plan, quota),
        taken=Taken(used, {"campaign": own}),
        tariff=PRESETS["standard"],
        waiting=waiting,
        expected=12_000,
        month_ends=TURN,
    )
    return estimate(month, CAMPAIGN, recipients)


def test_one_that_fits():
    found = of(5_000)
    assert (found.fits, found.fitting, found.bound) == (True, 5_000, None)
    assert (found.added_yen, found.value_yen) == (0, 2_500)
    assert (found.quota_left, found.budget_left, found.expected) == (15_000, None, 12_000)


def test_a_budget_that_it_breaks_and_what_happens_then():
    plan = Plan(
        budgets={"campaign": Amount(messages=6_000)}, when_used_up={"campaign": Policy("drop")}
    )
    found = of(5_000, plan=plan)
    assert (found.fits, found.fitting, found.bound, found.then) == (False, 2_000, "budget", "drop")
    assert (found.quota_left, found.budget_left) == (18_000, 0)


def test_what_is_on_its_way_already_comes_first():
    plan = Plan(budgets={"campaign": Amount(messages=6_000)})
    found = of(5_000, plan=plan, waiting=1_500)
    assert (found.fitting, found.quota_left, found.held_until) == (500, 18_000, TURN)


def test_beyond_the_plan_each_costs_extra():
    found = of(5_000, quota=None, used=29_000)
    assert (found.fits, found.added_yen, found.quota_left) == (True, 12_000, None)


def test_without_a_price_plan_there_is_no_price():
    found = estimate(
        Situation(budget.limits(Plan(), None), Taken(0, {}), None, 0, 0, TURN), CAMPAIGN, 10
    )
    assert (found.fits, found.added_yen, found.value_yen) == (True, None, None)


def test_fewer_than_none_is_nonsense():
    with pytest.raises(ValueError, match="fewer"):
        of(-1)
