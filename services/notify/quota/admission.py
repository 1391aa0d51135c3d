"""Whether a push may go out, decided in this process's memory; the `Admission` of the sender.

It holds slices of what the month has left and renews them before they end, so a push costs no round
trip. What finds its slice empty waits a moment; only what certainly does not fit any more is held
until the month turns, or dropped, as the owner's plan says.
"""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from services.notify.categories import CATEGORIES
from services.notify.quota import budget, exchange, months
from services.notify.quota.budget import Key, Limits, Room, Taken
from services.notify.quota.situation import Standing
from services.notify.quota.slices import Report, Slices
from services.notify.sending.admission import SEND, Verdict
from shared import clock, logs
from shared.db import CONFLICTS, UNREACHABLE, Pool

log = logs.logger(__name__)

LOOK_SECONDS = 3.0
"""How often an idle process asks how the month stands: a new plan counts everywhere by then."""

REPORT_SECONDS = 1.0
"""How long what was sent may stay unreported."""

GAP_SECONDS = 0.05
"""The least time between two reports."""

SOON = timedelta(seconds=0.5)
LONGEST_WAIT = timedelta(seconds=30)
"""How long what may fit in a moment waits, at first and at most."""

MARGIN = timedelta(seconds=15)
"""A slice is left alone so long before it ends: the call it is for must be over by then."""

_WORDS = {
    "quota": "the month's quota of LINE messages is used up",
    "reserve": "the rest of the month's quota is kept for what is more important",
    "budget": "the month's budget for {category} is used up",
}
UNKNOWN = "it is being found out how much of the month's quota is left"


class _Known(NamedTuple):
    """How the month stood, and from when until when that may be relied on."""

    standing: Standing
    starts: datetime
    ends: datetime
    good_until: datetime

    def holds(self, now: datetime) -> bool:
        """Whether it may be relied on at this moment."""
        return self.starts <= now < self.good_until

    @property
    def limits(self) -> Limits:
        return self.standing.limits

    @property
    def taken(self) -> Taken:
        return self.standing.taken


class QuotaAdmission:
    """Use one in each process that pushes: `look` at the start, `run` as a task, `close` after the
    sender has drained."""

    def __init__(self, process: UUID) -> None:
        self._process = process
        self._slices = Slices(Key(name, each.priority) for name, each in CATEGORIES.items())
        self._known: _Known | None = None
        self._refused_at: datetime | None = None
        self._pending: Report | None = None
        self._dry: Counter[Key] = Counter()
        self._wake = asyncio.Event()
        self._exchanging = asyncio.Lock()

    def admit(self, category: str, priority: int, recipients: int, now: datetime) -> Verdict:
        """Whether a push, or a multicast to so many, may go out now."""
        known = self._known
        key = Key(category, priority)
        if known is None or not known.holds(now):
            return self._in_a_moment(key, now)
        if self._refused_at is not None or known.limits.refused:
            return _used_up(known, key, Room(0, "quota"))
        if self._slices.take(key, recipients, now):
            if self._slices.low(key):
                self._wake.set()
            return SEND
        room = budget.room(known.limits, known.taken, key)
        if room.fits(recipients):
            return self._in_a_moment(key, now)
        self._wake.set()
        return _used_up(known, key, room)

    def sent(
        self,
        category: str,
        kind: str,
        broadcast_id: UUID | None,
        recipients: int,
        now: datetime,
    ) -> None:
        """LINE took it: it counts, on the day it is in the program's time zone."""
        zone = self._known.standing.zone if self._known else None
        day = months.day_of(now, zone) if zone else now.date()
        self._slices.landed((day, category, kind, broadcast_id), recipients)

    def refused_by_quota(self, now: datetime) -> None:
        """LINE says that nothing is left, which is more certain than any count."""
        self._refused_at = now
        self._wake.set()

    async def look(self, pool: "Pool[Any]") -> None:
        """Report what was sent and take more; a database that is away changes nothing."""
        async with self._exchanging:
            try:
                await self._exchange(pool, clock.now())
            except (*UNREACHABLE, *CONFLICTS) as problem:
                log.warning("quota not looked up", problem=type(problem).__name__)

    async def run(self, pool: "Pool[Any]") -> None:
        """Keep the slices filled, until cancelled."""
        while True:
            await self.look(pool)
            await asyncio.sleep(GAP_SECONDS)
            patience = REPORT_SECONDS if self._slices.unreported else LOOK_SECONDS
            try:
                await asyncio.wait_for(self._wake.wait(), patience)
            except TimeoutError:
                continue

    async def close(self, pool: "Pool[Any]") -> None:
        """Report the last of what was sent and give the rest back."""
        async with self._exchanging:
            self._slices.forfeit()
            now = clock.now()
            report = self._slices.report(now)
            try:
                async with pool.acquire() as connection, connection.transaction():
                    if self._pending is not None:
                        await exchange.close(connection, self._process, self._pending, now)
                    await exchange.close(connection, self._process, report, now)
            except (*UNREACHABLE, *CONFLICTS) as problem:
                log.warning("quota's last report not written", problem=type(problem).__name__)

    async def _exchange(self, pool: "Pool[Any]", now: datetime) -> None:
        self._wake.clear()
        if self._known is not None and not self._known.starts <= now < self._known.ends:
            self._slices.forfeit()
            self._refused_at = None
        refused_at = self._refused_at
        report = self._pending or self._slices.report(now)
        self._pending = report  # until it is known to be written, it is sent again as it is
        async with pool.acquire() as connection, connection.transaction():
            outcome = await exchange.exchange(
                connection, self._process, report, now, refused_at=refused_at
            )
        self._pending = None
        if self._refused_at == refused_at:
            self._refused_at = None  # the database knows, and knows when it is over
        standing = outcome.standing
        starts, ends = standing.starts, standing.ends
        good_until = min(now + exchange.LIFE - MARGIN, ends)
        self._known = _Known(standing, starts, ends, good_until)
        self._slices.granted(outcome.grants)
        for key, want in report.wants.items():
            dry = want.largest and not outcome.grants[key]
            self._dry[key] = self._dry[key] + 1 if dry else 0

    def _in_a_moment(self, key: Key, now: datetime) -> Verdict:
        """Hold it until more may be at hand; longer each time that others had all of it."""
        self._wake.set()
        wait = min(SOON * 2 ** min(self._dry[key], 10), LONGEST_WAIT)
        return Verdict("hold", now + wait, UNKNOWN)


def _used_up(known: _Known, key: Key, room: Room) -> Verdict:
    reason = _WORDS[room.bound or "quota"].format(category=key.category)
    if budget.policy(known.limits, key.category).then == "drop":
        return Verdict("drop", None, reason)
    return Verdict("hold", known.ends, reason)
