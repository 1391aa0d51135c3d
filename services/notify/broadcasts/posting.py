"""Making a broadcast's multicasts: one after the other at the pace, several open at a time.

A call is taken only when the pace lets it go, so a pause or a cancellation takes effect with the
next one. Owns concurrency; what follows from an answer stands in `sending.progress`, as for pushes.
"""

import asyncio
import random
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from prometheus_client import Counter

from services.notify.preferences.rules import MessageRules
from services.notify.sending import progress, token_watch
from services.notify.sending.admission import Admission
from services.notify.sending.deliveries import Delivery, Record
from services.notify.sending.outcomes import Answer, Outcome
from services.notify.sending.pace import Pace
from services.notify.sending.sender import CLOSED, EVER, LEASE, LEASE_MARGIN
from services.notify.store import broadcasts as store_broadcasts
from services.notify.store import multicasts as store
from services.notify.store.multicasts import Call
from shared import clock, logs
from shared.db import CONFLICTS, UNREACHABLE, Pool
from shared.giving_way import GivingWay

log = logs.logger(__name__)

CALLS_AT_ONCE = 8
LOOK_SECONDS = 0.1
PAUSE_SECONDS = 0.5
CATEGORY, PRIORITY = "campaign", 3
UNITS_WORDS = "aggregation unit"
"""In LINE's refusal of one name for statistics too many."""

_calls = Counter("tamaru_notify_multicasts", "Multicasts by what came of them.", ["outcome"])
_told = Counter(
    "tamaru_notify_multicast_recipients", "Recipients of multicasts that are over.", ["outcome"]
)


class Line(Protocol):
    """What calls: `line_client.LineClient`."""

    async def multicast(
        self, retry_key: UUID, line_user_ids: Sequence[str], messages: str, unit: str | None = None
    ) -> Answer: ...


class Posting:
    """Use `run` as a task and `drain` at the end. `calls_a_second` is what the pace lets go."""

    def __init__(
        self,
        pool: "Pool[Any]",
        line: Line,
        *,
        pace: Pace,
        admission: Admission,
        rules: MessageRules,
        way: GivingWay,
        calls_a_second: float,
    ) -> None:
        self._pool = pool
        self._line = line
        self._pace = pace
        self._admission = admission
        self._rules = rules
        self._way = way
        self._call_seconds = 1 / calls_a_second
        self._free = asyncio.Semaphore(CALLS_AT_ONCE)
        self._open: set[asyncio.Task[None]] = set()
        self._closed_until = EVER
        self._stopping = False

    async def run(self) -> None:
        """Call until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                try:
                    found = await self._next(group)
                except (*UNREACHABLE, *CONFLICTS) as problem:
                    log.warning("no multicast taken", problem=type(problem).__name__)
                    found = False
                if not found:
                    await asyncio.sleep(LOOK_SECONDS)

    async def drain(self) -> None:
        """Let the open calls end, and take no more."""
        self._stopping = True
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _next(self, group: asyncio.TaskGroup) -> bool:
        """Start one call; false when there is none to make."""
        if self._stopping or clock.now() < self._closed_until:
            return False
        if not await store.any_due(self._pool, clock.now()):
            return False
        await self._free.acquire()
        call: Call | None = None
        try:
            await self._way.rest(self._call_seconds)
            await self._pace.take()
            now = clock.now()
            call = None if self._stopping else await store.claim(self._pool, now, now + LEASE)
        finally:
            if call is None:
                self._free.release()
        if call is None:
            return False
        task = group.create_task(self._make(call))
        self._open.add(task)
        task.add_done_callback(self._open.discard)
        return True

    async def _make(self, call: Call) -> None:
        try:
            record = await self._call(call)
            if record is not None:
                await self._write(call, record)
        finally:
            self._free.release()

    async def _call(self, call: Call) -> Record | None:
        """What to write down; None when the lease is too short to call."""
        now = clock.now()
        as_one = _as_delivery(call)
        if now > call.lease_until - LEASE_MARGIN:
            return None
        if (kept := self._kept_back(call, as_one, now)) is not None:
            return kept
        answer = await self._line.multicast(call.id, call.line_user_ids, call.messages, call.unit)
        now = clock.now()
        self._heed(call, answer, now)
        if answer.outcome is Outcome.REFUSED and UNITS_WORDS in (answer.detail or "").lower():
            await store_broadcasts.drop_unit(self._pool, call.broadcast_id)
            return progress.put_back(as_one, now, reason=answer.detail)
        return progress.after_push(as_one, answer, now, _spread(), self._rules.zone)

    def _kept_back(self, call: Call, as_one: Delivery, now: datetime) -> Record | None:
        """What to write down instead of calling, if it must not be called now."""
        if progress.forgotten(as_one, now):
            return progress.given_up(
                as_one, now, "a multicast of unknown outcome, and its retry key has expired"
            )
        if not call.line_user_ids:
            record = progress.dropped(as_one, now, "nobody is left to get it")
            record.status = "skipped"
            return record
        return self._not_now(call, as_one, now) or self._not_admitted(call, as_one, now)

    def _not_now(self, call: Call, as_one: Delivery, now: datetime) -> Record | None:
        """What to write down if the shop says no such thing any more, or not at this hour."""
        if not self._rules.sends(CATEGORY) and call.unknown_since is None:
            return progress.skipped(as_one, now, "switched_off")
        morning = self._rules.quiet_until(CATEGORY, now)
        return progress.put_back(as_one, morning, reason="quiet hours") if morning else None

    def _not_admitted(self, call: Call, as_one: Delivery, now: datetime) -> Record | None:
        """What to write down if it costs too much now. What was tried and may have arrived was
        admitted then; what a crash left was perhaps never tried, so it is asked about."""
        perhaps_sent = call.unknown_since is not None
        if perhaps_sent and call.tries:
            return None
        verdict = self._admission.admit(CATEGORY, PRIORITY, len(call.line_user_ids), now)
        if verdict.action == "send":
            return None
        if verdict.action == "drop" and perhaps_sent:
            reason = f"a crash left it open whether it was sent, and {verdict.reason}"
            return progress.given_up(as_one, now, reason)
        if verdict.action == "drop":
            return progress.dropped(as_one, now, verdict.reason)
        until = verdict.until or progress.month_turn(now, self._rules.zone)
        return progress.put_back(as_one, until, "held", verdict.reason)

    def _heed(self, call: Call, answer: Answer, now: datetime) -> None:
        """Count it; what concerns every call stops them all for a while."""
        outcome = answer.outcome
        _calls.labels(outcome.value).inc()
        if outcome in (Outcome.DELIVERED, Outcome.ALREADY_DELIVERED):
            count = len(call.line_user_ids)
            self._admission.sent(CATEGORY, call.kind, call.broadcast_id, count, now)
        elif outcome is Outcome.UNAUTHORISED:
            self._closed_until = now + CLOSED
            token_watch.refused()
            log.error("LINE refuses the channel's access token: BROADCASTS WAIT until it is "
                      "replaced (LINE_CHANNEL_ACCESS_TOKEN)", answer=answer.detail)  # fmt: skip
        elif outcome is Outcome.QUOTA:
            self._admission.refused_by_quota(now)
            log.error("the month's quota of LINE messages is used up: broadcasts are held until "
                      "the month turns", answer=answer.detail)  # fmt: skip
        elif outcome is Outcome.REFUSED:
            log.warning("multicast refused", multicast=str(call.id), answer=answer.detail)

    async def _write(self, call: Call, record: Record) -> None:
        """Until it is on disk: lost with the process, the lease ends and the retry key answers."""
        while True:
            try:
                await store.record(self._pool, call, record)
                break
            except (*UNREACHABLE, *CONFLICTS) as problem:
                log.warning("multicast not written down yet", problem=type(problem).__name__)
                await asyncio.sleep(PAUSE_SECONDS)
        if record.finished_at is not None:
            _told.labels(record.status).inc(len(call.line_user_ids))


def _as_delivery(call: Call) -> Delivery:
    """The call as one delivery: the same rules say what follows from its outcome."""
    return Delivery(
        line_user_id="",
        event_id=call.broadcast_id,
        id=call.id,
        kind=call.kind,
        messages=call.messages,
        lease_until=call.lease_until,
        tries=call.tries,
        unknown_since=call.unknown_since,
        category=CATEGORY,
        priority=PRIORITY,
    )


def _spread() -> float:
    return random.random()  # noqa: S311 - spreads load, guards nothing
