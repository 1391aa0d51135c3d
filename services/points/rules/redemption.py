"""What points are worth at the till, and how many may be spent on a bill.

Owns value, unit, minimum and the share of a bill that points may pay. Must not know balances from
anywhere but its arguments. Points and money (minor units) are integers.
"""

from msgspec import Struct

from services.points.rules.program import Redemption


class Refusal(Struct, frozen=True):
    """Why so many points cannot be spent. `kind` is stable, `ja` and `en` say what to do."""

    kind: str
    ja: str
    en: str


class Offer(Struct, frozen=True):
    """The most that a balance may pay of a bill: points, and the money that they are worth."""

    points: int
    value: int


def value_of(rules: Redemption, points: int) -> int:
    """What `points` are worth, rounded down to a unit of money."""
    return points * rules.value.amount // rules.value.points


def most(rules: Redemption, balance: int, purchase_total: int | None) -> Offer:
    """The most of `balance` that may be spent: whole units, no more than the bill's share and
    than that share is worth, none where that is below the minimum. Without a bill only the balance
    limits it."""
    points = max(balance, 0)
    if purchase_total is not None:
        share = purchase_total * rules.maximum_percent // 100
        # The dearest points that are worth no more than the share: value_of rounds down.
        points = min(points, ((share + 1) * rules.value.points - 1) // rules.value.amount)
    points -= points % rules.unit
    if points < max(rules.minimum, 1) or value_of(rules, points) < 1:
        return Offer(0, 0)
    return Offer(_fewest(rules, value_of(rules, points)), value_of(rules, points))


def _fewest(rules: Redemption, value: int) -> int:
    """The fewest points that are worth `value`, so that nobody spends more for the same money."""
    points = max(-(-value * rules.value.points // rules.value.amount), rules.minimum)
    return -(-points // rules.unit) * rules.unit


def refusal(rules: Redemption, points: int, purchase_total: int | None) -> Refusal | None:
    """Why `points` may not be spent, whatever the balance; None when they may."""
    if points < rules.minimum:
        return Refusal(
            "below-minimum",
            f"{rules.minimum}ポイント以上からご利用いただけます。",
            f"Points are spent from {rules.minimum} on.",
        )
    if points % rules.unit:
        return Refusal(
            "not-in-units",
            f"{rules.unit}ポイント単位でご利用いただけます。",
            f"Points are spent in steps of {rules.unit}.",
        )
    value = value_of(rules, points)
    if value < 1:
        return Refusal(
            "worth-nothing",
            "1円に満たないため、ご利用いただけません。",
            "So few points are worth no money. Use more.",
        )
    if purchase_total is None:
        return None
    share = purchase_total * rules.maximum_percent // 100
    if value <= share:
        return None
    return Refusal(
        "above-share-of-bill",
        f"ポイントで支払えるのは{share}までです（お会計の{rules.maximum_percent}%）。",
        f"Points may pay {share} of this bill ({rules.maximum_percent} %).",
    )
