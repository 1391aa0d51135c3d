"""How much room there is for a message, and how it is shared among processes. Pure.

`sent` is what was certainly taken; what processes hold in slices (see `slices`) is taken too until
it is used or given back, so that all of them together never send more than there is.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from services.notify.quota.plan import Plan, Policy

IDLE_PART = 10
"""A process that sends nothing keeps at most this part of its share of what is left."""

MOST_IDLE = 1000

Bound = Literal["quota", "reserve", "budget"]

HOLD = Policy()


class Key(NamedTuple):
    """What a slice is of."""

    category: str
    priority: int


class Limits(NamedTuple):
    """The month's limits in messages. `refused`: LINE itself has said that nothing is left."""

    quota: int | None
    reserve: int
    reserve_for: int
    budgets: Mapping[str, int]
    policies: Mapping[str, Policy]
    refused: bool = False


class Taken(NamedTuple):
    """What is used of the month, whoever sent it, and of that our own by category."""

    total: int
    by_category: Mapping[str, int]

    def with_held(self, held: Mapping[str, int]) -> "Taken":
        """What is taken if all of `held`, by category, is sent."""
        categories = {
            name: self.by_category.get(name, 0) + held.get(name, 0)
            for name in self.by_category.keys() | held.keys()
        }
        return Taken(self.total + sum(held.values()), categories)


class Room(NamedTuple):
    """How many more messages fit (None: any number), and what bounds them."""

    messages: int | None
    bound: Bound | None = None

    def fits(self, count: int) -> bool:
        """Whether `count` more fit."""
        return self.messages is None or count <= self.messages


class Want(NamedTuple):
    """What a process would like to have at hand of a key: `ahead` for the next while, and at least
    `largest`, the largest single call that found too little; what it `has` already."""

    ahead: int = 0
    largest: int = 0
    has: int = 0


def limits(plan: Plan, quota: int | None, *, refused: bool = False) -> Limits:
    """The plan in messages, for a month of `quota` messages."""
    budgets = {name: amount.of(quota) for name, amount in plan.budgets.items()}
    return Limits(
        quota=quota,
        reserve=(plan.reserve.of(quota) or 0) if plan.reserve else 0,
        reserve_for=plan.reserve_for,
        budgets={name: most for name, most in budgets.items() if most is not None},
        policies=plan.when_used_up,
        refused=refused,
    )


def policy(limits: Limits, category: str) -> Policy:
    """What happens to the category when nothing is left for it."""
    return limits.policies.get(category, HOLD)


def room(limits: Limits, taken: Taken, key: Key) -> Room:
    """How many more messages of a category and priority fit: the least of what the quota, its
    reserve and the category's budget leave."""
    if limits.refused:
        return Room(0, "quota")
    found: list[tuple[int, Bound]] = []
    if limits.quota is not None:
        left = limits.quota - taken.total
        found.append((left, "quota"))
        if key.priority > limits.reserve_for and limits.reserve:
            found.append((left - limits.reserve, "reserve"))
    if key.category in limits.budgets and not _beyond_its_budget(limits, key):
        spent = taken.by_category.get(key.category, 0)
        found.append((limits.budgets[key.category] - spent, "budget"))
    if not found:
        return Room(None)
    messages, bound = min(found, key=lambda each: each[0])
    return Room(max(0, messages), bound)


def left(limits: Limits, taken: Taken) -> int | None:
    """How much is left of the quota; None where it has no limit."""
    if limits.refused:
        return 0
    return None if limits.quota is None else max(0, limits.quota - taken.total)


def grants(
    limits: Limits,
    sent: Taken,
    held: Mapping[str, int],
    wants: Mapping[Key, Want],
    processes: int,
) -> dict[Key, int | None]:
    """How many more each key of a process gets (None: any number), the urgent first.

    `held` is what all processes hold by category, this one too. While there is plenty, everybody
    gets ahead of what they send; the last few go only to who asks for them."""
    taken = sent.with_held(held)
    idle = _idle(limits, sent, taken, processes)
    given: dict[Key, int | None] = {}
    for key in sorted(wants, key=lambda each: (each.priority, each.category)):
        left = room(limits, taken, key).messages
        if left is None:
            given[key] = None
            continue
        count = _share(left, wants[key], processes, idle)
        given[key] = count
        taken = taken.with_held({key.category: count})
    return given


def _idle(limits: Limits, sent: Taken, taken: Taken, processes: int) -> int:
    """What a key keeps that nobody uses. As long as others may use more than the reserve, what is
    kept idle for the important must not take that from them."""
    if limits.quota is None:
        return MOST_IDLE
    beyond = limits.reserve if limits.quota - sent.total > limits.reserve else 0
    return max(0, limits.quota - taken.total - beyond) // (processes + 1) // IDLE_PART


def _share(left: int, want: Want, processes: int, idle: int) -> int:
    part = left // (processes + 1)
    aim = max(want.largest, min(want.ahead, part), min(idle, part // IDLE_PART, MOST_IDLE))
    return min(left, max(0, aim - want.has))


def _beyond_its_budget(limits: Limits, key: Key) -> bool:
    rule = policy(limits, key.category)
    return rule.then == "important_only" and key.priority <= rule.up_to_priority
