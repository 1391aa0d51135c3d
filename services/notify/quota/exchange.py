"""One report of a process to the database, and what it may send until the next one.

All under the lock of the month's row, in the caller's transaction: counted, added up, shared out.
"""

from collections import Counter
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from services.notify.quota import budget, months, situation
from services.notify.quota.budget import Key
from services.notify.quota.situation import Standing
from services.notify.quota.slices import Report
from services.notify.store import quota as store
from services.notify.store import quota_slices
from services.notify.store.quota import Sent
from services.notify.store.quota_slices import Slice
from shared.bus.handling import Connection

LIFE = timedelta(seconds=60)
"""How long a slice may be used without another word of the database."""

LOST = timedelta(minutes=15)
"""When a slice whose process is gone, and which no reading of LINE's has settled, is free again."""


class Outcome(NamedTuple):
    """The month as it stands, and what was granted."""

    standing: Standing
    grants: dict[Key, int | None]


async def exchange(
    connection: Connection,
    process: UUID,
    report: Report,
    now: datetime,
    *,
    refused_at: datetime | None = None,
) -> Outcome:
    """Take a process's report and grant it more. The same report again counts nothing twice.

    `refused_at` is when LINE told it that the month's limit is reached."""
    zone = await situation.zone_of(connection)
    today = months.day_of(now, zone)
    month = await store.locked_month(connection, months.first_of(today))
    slices = await quota_slices.every(connection, month.month, process)
    mine = slices.pop(process, None)
    if mine is None or mine.number < report.number:
        sent = [Sent(*cause, count) for cause, count in report.sent.items()]
        await store.count(connection, sent, now)
    if refused_at is not None and refused_at >= months.starts(month.month, zone):
        await store.note_refused(connection, month.month, refused_at)
        month = month._replace(refused_at=refused_at)
    standing = await situation.of_month(connection, zone, today, month)
    if standing.plan.tariff != month.tariff:
        await store.note_tariff(connection, month.month, standing.plan.tariff)
    others = await _still_held(connection, list(slices.values()), now)
    grants = _granted(standing, report, others, now)
    held = Counter(report.held)
    for key, count in grants.items():
        held[key.category] += count or 0
    await quota_slices.keep(connection, process, month.month, +held, report.number, now + LIFE)
    return Outcome(standing, grants)


async def close(connection: Connection, process: UUID, report: Report, now: datetime) -> None:
    """Take a process's last report; it holds nothing any more."""
    await exchange(connection, process, report._replace(wants={}), now)
    await quota_slices.drop(connection, [process])


async def _still_held(connection: Connection, slices: list[Slice], now: datetime) -> list[Slice]:
    """The slices of others, without those that nobody will ever report on."""
    lost = [each.process for each in slices if each.expires_at + LOST < now]
    if lost:
        await quota_slices.drop(connection, lost)
    return [each for each in slices if each.process not in lost]


def _granted(
    standing: Standing, report: Report, others: list[Slice], now: datetime
) -> dict[Key, int | None]:
    held = Counter(report.held)
    for each in others:
        held.update(each.held)
    processes = 1 + sum(each.expires_at > now for each in others)
    return budget.grants(standing.limits, standing.taken, held, report.wants, processes)
