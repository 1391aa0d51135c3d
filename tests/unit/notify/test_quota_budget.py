"""How much room there is: the quota, its reserve, a budget; and how it is shared out."""

import pytest

from services.notify.quota import budget, plan
from services.notify.quota.budget import Key, Room, Taken, Want
from services.notify.quota.plan import Amount, LineQuota, Plan, Policy, Tariff
from shared import clock

RECEIPT, CAMPAIGN = Key("receipt", 1), Key("campaign", 3)


def limits(quota=1_000, **changes):
    return budget.limits(Plan(**changes), quota)


@pytest.mark.parametrize(
    ("key", "changes", "total", "own", "room"),
    [
        (RECEIPT, {}, 0, {}, Room(1_000, "quota")),
        (RECEIPT, {}, 990, {}, Room(10, "quota")),
        (RECEIPT, {}, 1_200, {}, Room(0, "quota")),
        (CAMPAIGN, {"reserve": Amount(percent=20)}, 700, {}, Room(100, "reserve")),
        (RECEIPT, {"reserve": Amount(percent=20)}, 700, {}, Room(300, "quota")),
        (CAMPAIGN, {"reserve": Amount(messages=400)}, 700, {}, Room(0, "reserve")),
        (
            CAMPAIGN,
            {"budgets": {"campaign": Amount(percent=60)}},
            500,
            {"campaign": 450},
            Room(150, "budget"),
        ),
        (
            CAMPAIGN,
            {"budgets": {"campaign": Amount(messages=500)}},
            950,
            {"campaign": 100},
            Room(50, "quota"),
        ),
        (
            RECEIPT,
            {"budgets": {"campaign": Amount(messages=0)}},
            950,
            {},
            Room(50, "quota"),
        ),
    ],
)
def test_room(key, changes, total, own, room):
    assert budget.room(limits(**changes), Taken(total, own), key) == room


def test_without_any_limit_there_is_always_room():
    bounded = limits(None, budgets={"campaign": Amount(percent=50)}, reserve=Amount(percent=5))
    assert budget.room(bounded, Taken(10**6, {}), CAMPAIGN).fits(10**6)


def test_the_most_important_go_beyond_their_budget():
    changes = {
        "budgets": {"rank": Amount(messages=10)},
        "when_used_up": {"rank": Policy("important_only", up_to_priority=1)},
    }
    taken = Taken(10, {"rank": 10})
    assert budget.room(limits(**changes), taken, Key("rank", 2)) == Room(0, "budget")
    assert budget.room(limits(**changes), taken, Key("rank", 1)) == Room(990, "quota")


def test_what_line_refused_leaves_no_room():
    refused = budget.limits(Plan(), None, refused=True)
    assert budget.room(refused, Taken(0, {}), RECEIPT) == Room(0, "quota")


def test_plenty_is_shared_ahead_of_need():
    wants = {RECEIPT: Want(ahead=500), CAMPAIGN: Want()}
    granted = budget.grants(limits(30_000), Taken(0, {}), {}, wants, processes=2)
    assert granted == {RECEIPT: 1_000, CAMPAIGN: (30_000 - 1_000) // 3 // 10}


def test_the_last_few_go_to_who_asks_the_urgent_first():
    wants = {CAMPAIGN: Want(largest=3), RECEIPT: Want(largest=1), Key("rank", 2): Want(has=2)}
    granted = budget.grants(limits(), Taken(990, {}), {"rank": 7}, wants, processes=3)
    assert granted == {RECEIPT: 1, Key("rank", 2): 0, CAMPAIGN: 2}


def test_what_is_kept_idle_for_the_important_takes_nothing_from_the_rest():
    bounded = limits(1_000, reserve=Amount(messages=950))
    wants = {RECEIPT: Want(), CAMPAIGN: Want(largest=1)}
    granted = budget.grants(bounded, Taken(0, {}), {"campaign": 49}, wants, processes=1)
    assert granted == {RECEIPT: 0, CAMPAIGN: 1}
    used = budget.grants(bounded, Taken(50, {}), {}, wants, processes=1)
    assert used == {RECEIPT: 47, CAMPAIGN: 0}, "nothing is left to take from"


def test_a_multicast_gets_enough_or_nothing_is_left():
    wants = {CAMPAIGN: Want(ahead=1_000, largest=500)}
    assert budget.grants(limits(), Taken(400, {}), {}, wants, processes=4) == {CAMPAIGN: 500}


def test_what_nothing_bounds_is_not_counted_out():
    wants = {CAMPAIGN: Want(largest=500)}
    assert budget.grants(limits(None), Taken(0, {}), {}, wants, processes=1) == {CAMPAIGN: None}


@pytest.mark.parametrize(
    ("changes", "line", "quota"),
    [
        ({}, None, None),
        ({}, (200, 0), 200),
        ({}, (None, 0), None),
        ({"tariff": Tariff(5_000, 5_000)}, None, 5_000),
        ({"tariff": Tariff(5_000, 5_000)}, (200, 0), 200),
        ({"tariff": Tariff(15_000, 30_000, 3_000)}, None, None),
        ({"ceiling": 100}, (200, 0), 100),
        ({"ceiling": 300}, (200, 0), 200),
        ({"ceiling": 300}, (None, 0), 300),
    ],
)
def test_the_quota_is_lines_word_below_the_owners_ceiling(changes, line, quota):
    read = LineQuota(*line, own=0, read_at=clock.now()) if line else None
    assert plan.quota(Plan(**changes), read) == quota


@pytest.mark.parametrize(
    ("used", "own", "difference", "elsewhere"),
    [(120, 100, 20, 20), (100, 100, 0, 0), (80, 100, -20, 0)],
)
def test_what_line_counts_more_was_sent_elsewhere(used, own, difference, elsewhere):
    line = LineQuota(200, used, own, clock.now())
    assert (plan.difference(line), plan.elsewhere(line)) == (difference, elsewhere)
