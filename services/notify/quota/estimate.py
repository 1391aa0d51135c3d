"""What messages to many would cost, and whether they fit, before anybody confirms them. Pure."""

from datetime import datetime
from typing import Literal, NamedTuple

from services.notify.quota import budget, cost
from services.notify.quota.budget import Bound, Key, Limits, Taken
from services.notify.quota.plan import Tariff


class Estimate(NamedTuple):
    """`fitting` of the `recipients` fit this month; `bound` says what stops the rest, `then` what
    happens to it, and `held_until` when it goes on if it is held.

    `added_yen` is by how much LINE's bill grows, `value_yen` what the messages stand for by the
    price plan (their share of the fee with it); None without a price plan. `quota_left` and
    `budget_left` are what is left afterwards (None: no limit), `waiting` how many others of the
    category are on their way already (they are taken off), and `expected` how many messages of all
    kinds the month will still see at its present rate: more than `quota_left` means that receipts
    will be missing at its end."""

    recipients: int
    fits: bool
    fitting: int
    bound: Bound | None
    then: Literal["hold", "drop", "important_only"]
    held_until: datetime
    added_yen: int | None
    value_yen: int | None
    quota_left: int | None
    budget_left: int | None
    waiting: int
    expected: int


class Situation(NamedTuple):
    """The month as it stands: `waiting` are on their way already."""

    limits: Limits
    taken: Taken
    tariff: Tariff | None
    waiting: int
    expected: int
    month_ends: datetime


def estimate(situation: Situation, key: Key, recipients: int) -> Estimate:
    """What `recipients` more messages of a category and priority would do. Raises ValueError for
    fewer than none."""
    if recipients < 0:
        raise ValueError("fewer recipients than none")
    limits, tariff = situation.limits, situation.tariff
    taken = situation.taken.with_held({key.category: situation.waiting})
    room = budget.room(limits, taken, key)
    fitting = recipients if room.messages is None else min(recipients, room.messages)
    after = taken.with_held({key.category: fitting})
    most = limits.budgets.get(key.category)
    return Estimate(
        recipients=recipients,
        fits=fitting == recipients,
        fitting=fitting,
        bound=None if fitting == recipients else room.bound,
        then=budget.policy(limits, key.category).then,
        held_until=situation.month_ends,
        added_yen=cost.added(tariff, taken.total, fitting) if tariff else None,
        value_yen=cost.value(tariff, taken.total, fitting) if tariff else None,
        quota_left=None if limits.quota is None else max(0, limits.quota - after.total),
        budget_left=None if most is None else max(0, most - after.by_category[key.category]),
        waiting=situation.waiting,
        expected=situation.expected,
    )
