"""What the owner has decided about the month's messages: LINE's price plan, budgets, what happens
when one is used up. Pure: a document and what can be read off it.

Money is whole yen, but for the price of one message: thousandths of a yen. Prices are without tax.
Source of the presets: LINE's plans in Japan.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

THOUSAND = 1000


class Tariff(msgspec.Struct, frozen=True):
    """LINE's price plan: `included` messages for `monthly_yen`; each one more costs
    `extra_thousandths` of a yen (None: there are no more)."""

    monthly_yen: int
    included: int
    extra_thousandths: int | None = None


PRESETS: Mapping[str, Tariff] = {
    "communication": Tariff(0, 200),
    "light": Tariff(5_000, 5_000),
    "standard": Tariff(15_000, 30_000, 3 * THOUSAND),
}
"""The last one's extra price is the highest that LINE asks; it falls with the number sent."""


class Amount(msgspec.Struct, frozen=True):
    """So many messages, or so many per cent of the quota: one of the two."""

    messages: int | None = None
    percent: int | None = None

    def of(self, quota: int | None) -> int | None:
        """In messages; None where it is a share of a quota that has no limit."""
        if self.messages is not None:
            return self.messages
        return None if quota is None else quota * (self.percent or 0) // 100


class Policy(msgspec.Struct, frozen=True):
    """What happens to a category's messages when its budget, or the quota, is used up.

    `important_only`: those of a priority up to `up_to_priority` go on while the quota lasts, the
    rest is held."""

    then: Literal["hold", "drop", "important_only"] = "hold"
    up_to_priority: int = 1


class Plan(msgspec.Struct, frozen=True):
    """The owner's document. `ceiling` is the most messages that the shop wants to pay for in a
    month. The last `reserve` messages of the quota are for those of a priority up to `reserve_for`
    only. A category without a budget may use the whole quota."""

    tariff: Tariff | None = None
    ceiling: int | None = None
    budgets: dict[str, Amount] = {}
    reserve: Amount | None = None
    reserve_for: int = 1
    when_used_up: dict[str, Policy] = {}


class LineQuota(msgspec.Struct, frozen=True):
    """What LINE said last in this month: the `limit` (None: no limit), and how many it counts as
    used. `own` is our own count at that moment."""

    limit: int | None
    used: int
    own: int
    read_at: datetime


def quota(plan: Plan, line: LineQuota | None) -> int | None:
    """How many messages the month has; None: any number.

    LINE's word counts; before it was heard, what the price plan includes, if it sells no more. The
    ceiling is the owner's own."""
    tariff = plan.tariff
    if line is not None:
        limit = line.limit
    else:
        limit = tariff.included if tariff and tariff.extra_thousandths is None else None
    limits = [each for each in (limit, plan.ceiling) if each is not None]
    return min(limits) if limits else None


def elsewhere(line: LineQuota | None) -> int:
    """What LINE counts beyond our own: sent from the account manager, mostly."""
    return max(0, line.used - line.own) if line else 0


def difference(line: LineQuota | None) -> int | None:
    """LINE's count less our own at the same moment: above zero when others send too, below while
    LINE, whose count is approximate, lags behind."""
    return line.used - line.own if line else None


def decode(document: str | bytes | None) -> Plan:
    """The plan as stored; an empty one where the owner has put none."""
    return Plan() if document is None else msgspec.json.decode(document, type=Plan)


def encode(plan: Plan) -> str:
    """The plan to store."""
    return msgspec.json.encode(plan).decode()
