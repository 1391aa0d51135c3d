"""Reading the month's quota from LINE now and then, whichever process's turn it is.

A reading brings our count in line with LINE's, frees what crashed processes held, and shows that a
larger plan was bought: what was held is released then.
"""

import asyncio
import math
from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from prometheus_client import Gauge

from services.notify.quota import budget, months, reconciling, releasing, situation
from services.notify.quota.line_figures import Figures
from services.notify.quota.plan import LineQuota, elsewhere
from services.notify.quota.situation import Standing
from services.notify.quota.slices import FLIGHT
from services.notify.store import quota as store
from services.notify.store import quota_held, quota_slices
from services.notify.store.quota import Month
from shared import clock, logs
from shared.bus.handling import Connection
from shared.db import CONFLICTS, UNREACHABLE, Pool

log = logs.logger(__name__)

READ_EVERY = timedelta(minutes=5)
LOOK_SECONDS = 15.0
NOBODY = UUID(int=0)

_limit = Gauge("tamaru_notify_quota_limit_messages", "The month's quota; +Inf without a limit.")
_used = Gauge("tamaru_notify_quota_used_messages", "Used of the month's quota, by all senders.")
_held = Gauge("tamaru_notify_quota_held_messages", "Held until the quota allows them.")
_dropped = Gauge("tamaru_notify_quota_dropped_messages", "Dropped this month by the owner's plan.")


class Source(Protocol):
    """Who tells the figures: `line_figures.LineFigures`."""

    async def ask(self) -> Figures | None: ...


async def run(pool: "Pool[Any]", source: Source) -> None:
    """Read again and again, until cancelled."""
    while True:
        try:
            await look(pool, source)
        except (*UNREACHABLE, *CONFLICTS) as problem:
            log.warning("quota not reconciled", problem=type(problem).__name__)
        await asyncio.sleep(LOOK_SECONDS)


async def look(pool: "Pool[Any]", source: Source) -> None:
    """Ask LINE if it is time to; show how the month stands."""
    now = clock.now()
    async with pool.acquire() as connection:
        month = months.first_of(months.day_of(now, await situation.zone_of(connection)))
        due = await store.ask(connection, month, now, now - READ_EVERY)
    figures = await source.ask() if due else None
    async with pool.acquire() as connection:
        if figures is not None:
            async with connection.transaction():
                await reconcile(connection, month, figures, clock.now())
        await _show(connection, clock.now())


async def reconcile(connection: Connection, month: date, figures: Figures, now: datetime) -> None:
    """Take over LINE's figures of a month, in the caller's transaction."""
    before = await store.locked_month(connection, month)
    zone = await situation.zone_of(connection)
    today = months.day_of(now, zone)
    stood = await situation.of_month(connection, zone, today, before)
    own = sum(stood.own.values())
    last = (await store.month(connection, months.first_of(month - months.DAY))).line
    if reconciling.of_last_month(figures, last, own, now - stood.starts):
        return
    line = LineQuota(figures.limit, figures.used, own, now)
    relieved = reconciling.relieves(figures)
    uncounted = Counter(before.uncounted)
    uncounted.update(await _lost(connection, before, elsewhere(line) - elsewhere(before.line), now))
    await store.read(connection, month, line, relieved=relieved, uncounted=uncounted)
    after = before._replace(
        line=line, refused_at=None if relieved else before.refused_at, uncounted=uncounted
    )
    await _release(connection, stood, await situation.of_month(connection, zone, today, after), now)


async def _lost(connection: Connection, month: Month, grown: int, now: datetime) -> dict[str, int]:
    """Free what crashed processes held; how much of it was perhaps sent."""
    slices = (await quota_slices.every(connection, month.month, NOBODY)).values()
    lost = [each for each in slices if each.expires_at + FLIGHT < now]
    await quota_slices.drop(connection, [each.process for each in lost])
    return reconciling.uncounted((each.held for each in lost), grown)


async def _release(
    connection: Connection, before: Standing, after: Standing, now: datetime
) -> None:
    """Release as much as there is more left than was thought before."""
    room = _found(budget.left(before.limits, before.taken), budget.left(after.limits, after.taken))
    if room == 0:
        return
    if count := await releasing.release(connection, now, room):
        log.info("room found in the month's quota, held messages released", messages=count)


def _found(before: int | None, after: int | None) -> int | None:
    """By how much there is more left than before (None: there is no limit any more)."""
    if before is None:
        return 0
    return None if after is None else max(0, after - before)


async def _show(connection: Connection, now: datetime) -> None:
    standing = await situation.standing(connection, now)
    quota = standing.limits.quota
    _limit.set(math.inf if quota is None else quota)
    _used.set(standing.taken.total)
    _held.set(sum(each.messages for each in await quota_held.held(connection, now)))
    dropped = await quota_held.dropped(connection, standing.starts, standing.ends)
    _dropped.set(sum(dropped.values()))
