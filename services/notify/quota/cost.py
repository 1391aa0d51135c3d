"""What messages cost, in yen by LINE's price plan. Pure, in integers.

The month's fee buys `included` messages, so each of them stands for its share of the fee; what is
sent beyond them costs extra. The value of messages not used yet is told apart: it is paid all the
same. Shares are rounded so that they always add up.
"""

from collections.abc import Mapping
from typing import NamedTuple, TypeVar

from services.notify.quota.plan import THOUSAND, Tariff

Cause = TypeVar("Cause")


class Cost(NamedTuple):
    """`yen` is the month's bill: the `fee` and what is `extra`. `unused` is the part of the fee
    that no message has used."""

    yen: int
    fee: int
    extra: int
    unused: int


def bill(tariff: Tariff, messages: int) -> Cost:
    """The month's bill for so many messages, in whole yen; parts of a yen are rounded up."""
    extra = _up(_extra_thousandths(tariff, messages))
    used = _fee_used(tariff, messages)
    return Cost(tariff.monthly_yen + extra, tariff.monthly_yen, extra, tariff.monthly_yen - used)


def added(tariff: Tariff, messages: int, more: int) -> int:
    """By how much the bill grows, in yen, when `more` follow `messages`."""
    return bill(tariff, messages + more).yen - bill(tariff, messages).yen


def value(tariff: Tariff, messages: int, more: int) -> int:
    """What `more` messages after `messages` stand for, in yen: their share of the fee, and what is
    extra."""

    def worth(count: int) -> int:
        cost = bill(tariff, count)
        return cost.yen - cost.unused

    return worth(messages + more) - worth(messages)


def shares(tariff: Tariff, sent: Mapping[Cause, int]) -> dict[Cause, int]:
    """What each has cost, in yen: the bill without its unused part, by numbers of messages.

    They add up exactly: what rounding leaves goes where the most was cut off."""
    total = sum(sent.values())
    cost = bill(tariff, total)
    yen = cost.yen - cost.unused
    if not total:
        return dict.fromkeys(sent, 0)
    parts = {key: yen * count // total for key, count in sent.items()}
    cut = sorted(sent, key=lambda key: -(yen * sent[key] % total))
    for key in cut[: yen - sum(parts.values())]:
        parts[key] += 1
    return parts


def _extra_thousandths(tariff: Tariff, messages: int) -> int:
    return max(0, messages - tariff.included) * (tariff.extra_thousandths or 0)


def _fee_used(tariff: Tariff, messages: int) -> int:
    if messages >= tariff.included:
        return tariff.monthly_yen
    return tariff.monthly_yen * messages // tariff.included


def _up(thousandths: int) -> int:
    return -(-thousandths // THOUSAND)
