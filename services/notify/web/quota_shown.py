"""The month's figures put together for the API."""

from collections import Counter
from collections.abc import Hashable, Mapping
from datetime import datetime
from typing import Any

from services.notify.categories import CATEGORIES
from services.notify.quota import budget, cost, plan, situation
from services.notify.quota.situation import Standing
from services.notify.store import quota as store
from services.notify.store import quota_held
from services.notify.store.quota import Cause, Month
from services.notify.web import quota_schemas as schemas
from shared.bus.handling import Connection

ELSEWHERE = "elsewhere"


async def month_so_far(connection: Connection, now: datetime) -> schemas.Quota:
    """The month of `now`."""
    standing = await situation.standing(connection, now)
    ahead = await situation.ahead(connection, standing)
    sent = await store.by_cause(connection, standing.starts_on, standing.ends_on)
    dropped = await quota_held.dropped(connection, standing.starts, standing.ends)
    held = await quota_held.held(connection, now)
    tariff, line = standing.plan.tariff, standing.month.line
    yen = _yen(standing, sent)
    total = standing.taken.total
    return schemas.Quota(
        month=standing.month.month,
        ends_at=standing.ends,
        quota=standing.limits.quota,
        used=total,
        left=budget.left(standing.limits, standing.taken),
        own=sum(standing.own.values()),
        elsewhere=plan.elsewhere(line),
        elsewhere_yen=yen.get(ELSEWHERE),
        line_limit=line.limit if line else None,
        line_used=line.used if line else None,
        difference=plan.difference(line),
        read_at=line.read_at if line else None,
        refused_at=standing.month.refused_at,
        forecast=schemas.Forecast(
            runs_out_by_rate=ahead.by_rate,
            runs_out_by_weekday=ahead.by_weekday,
            month_end=ahead.month_end,
        ),
        bill=_bill(tariff, total),
        bill_at_month_end=_bill(tariff, ahead.month_end),
        categories=_categories(standing, dropped, yen),
        kinds=_kinds(sent, yen),
        broadcasts=_broadcasts(sent, yen),
        held=[
            schemas.HeldMessages(category=each.category, messages=each.messages, until=each.until)
            for each in held
        ],
        dropped=sum(dropped.values()),
    )


def month_used(month: Month) -> schemas.MonthUsed:
    """A month of the history."""
    line = month.line
    used = month.own + plan.elsewhere(line)
    return schemas.MonthUsed(
        month=month.month,
        line_limit=line.limit if line else None,
        line_used=line.used if line else None,
        own=month.own,
        used=used,
        bill=_bill(month.tariff, used),
    )


def _yen(standing: Standing, sent: Mapping[Cause, int]) -> dict[Hashable, int]:
    """What each cause has cost, and what was sent elsewhere; nothing without a price plan."""
    tariff = standing.plan.tariff
    if tariff is None:
        return {}
    counts: dict[Hashable, int] = {ELSEWHERE: plan.elsewhere(standing.month.line)}
    counts.update(sent.items())
    return cost.shares(tariff, counts)


def _bill(tariff: plan.Tariff | None, messages: int) -> schemas.Bill | None:
    if tariff is None:
        return None
    bill = cost.bill(tariff, messages)
    return schemas.Bill(
        yen=bill.yen, fee_yen=bill.fee, extra_yen=bill.extra, unused_yen=bill.unused
    )


def _categories(
    standing: Standing, dropped: Mapping[str, int], yen: Mapping[Any, int]
) -> list[schemas.OfCategory]:
    costs = _summed(yen, lambda cause: cause[0])
    found = []
    for name, words in CATEGORIES.items():
        most = standing.limits.budgets.get(name)
        spent = standing.taken.by_category.get(name, 0)
        found.append(
            schemas.OfCategory(
                category=name,
                ja=words.ja,
                en=words.en,
                sent=standing.own.get(name, 0),
                budget=most,
                left=None if most is None else max(0, most - spent),
                dropped=dropped.get(name, 0),
                yen=costs[name] if yen else None,
            )
        )
    return found


def _kinds(sent: Mapping[Cause, int], yen: Mapping[Any, int]) -> list[schemas.OfKind]:
    counts = _summed(sent, lambda cause: cause[:2])
    costs = _summed(yen, lambda cause: cause[:2])
    return [
        schemas.OfKind(category=key[0], kind=key[1], sent=count, yen=costs[key] if yen else None)
        for key, count in sorted(counts.items())
    ]


def _broadcasts(sent: Mapping[Cause, int], yen: Mapping[Any, int]) -> list[schemas.OfBroadcast]:
    counts = _summed(sent, lambda cause: cause[2])
    costs = _summed(yen, lambda cause: cause[2])
    return [
        schemas.OfBroadcast(broadcast=id, sent=count, yen=costs[id] if yen else None)
        for id, count in sorted(counts.items(), key=lambda each: str(each[0]))
        if id is not None
    ]


def _summed(counts: Mapping[Any, int], part: Any) -> Counter[Any]:
    """The counts added up by a part of their cause."""
    summed: Counter[Any] = Counter()
    for cause, count in counts.items():
        if cause != ELSEWHERE:
            summed[part(cause)] += count
    return summed
