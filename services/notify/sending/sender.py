"""Sending deliveries: reply while that is free, else push, the urgent first, bounded.

Takes deliveries that are on disk and under this process's lease, and writes down what became of
each. What has to wait goes back to the database; the poller brings it again. Owns concurrency; the
order stands in `lanes`, the rules in `progress`.
"""

import asyncio
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

from prometheus_client import Counter, Gauge

from services.notify.categories import URGENT
from services.notify.preferences.rules import MessageRules
from services.notify.sending import progress, token_watch
from services.notify.sending.admission import Admission, Everything
from services.notify.sending.deliveries import Delivery, Record
from services.notify.sending.lanes import Lanes
from services.notify.sending.link_offers import LinkOffers
from services.notify.sending.outcomes import Answer, Outcome
from services.notify.sending.pace import Pace
from services.notify.sending.recorder import Recorder
from shared import clock, logs, tracing

log = logs.logger(__name__)

LEASE = timedelta(seconds=30)
LEASE_MARGIN = timedelta(seconds=12)
"""A call is started only while the lease outlasts its time-out."""

MOST_HELD = 10_000
"""Deliveries in memory; beyond that they wait in the database, and beyond half of it what is not
urgent does."""

EVER = datetime.min.replace(tzinfo=UTC)
SLOW_SECONDS = 1.0
MOST_WORKERS = 1000
CLOSED = timedelta(minutes=1)
"""How long nothing is tried after LINE refused the channel's token, or its month's quota."""

_tries = Counter("tamaru_notify_line_calls", "Calls to LINE by what came of them.", ["outcome"])
_count = {outcome: _tries.labels(outcome.value) for outcome in Outcome}
_held = Gauge("tamaru_notify_backlog", "Deliveries in this process's memory.")


class Line(Protocol):
    """What sends: `line_client.LineClient`."""

    async def push(
        self, retry_key: UUID, line_user_id: str, messages: str, unit: str | None = None
    ) -> Answer: ...
    async def reply(self, token: str, messages: str) -> Answer: ...


class Sender:
    """Workers over users' lanes. `rush_pace` is the pushes' pace of what is not urgent; it leaves
    room for what is."""

    def __init__(
        self,
        line: Line,
        recorder: Recorder,
        *,
        push_pace: Pace,
        rush_pace: Pace,
        reply_pace: Pace,
        rules: MessageRules,
        concurrency: int,
        offers: LinkOffers | None = None,
        admission: Admission | None = None,
    ) -> None:
        self._line = line
        self._offers = offers
        self._recorder = recorder
        self._push_pace = push_pace
        self._rush_pace = rush_pace
        self._reply_pace = reply_pace
        self._admission = admission or Everything()
        self.rules = rules
        self._concurrency = concurrency
        self._lanes = Lanes(concurrency)
        self._workers = 0
        self._allowed = concurrency
        self._busy_since: dict[int, float] = {}
        self._closed_until = EVER
        self._told_of_quota_until = EVER
        self._stopping = False
        _held.set_function(lambda: self._lanes.backlog)

    @property
    def backlog(self) -> int:
        """How many deliveries it has in memory."""
        return self._lanes.backlog

    def room(self, priority: int = 0) -> int:
        """How many more deliveries of this priority it takes now."""
        most = MOST_HELD if priority <= URGENT else MOST_HELD // 2
        return 0 if self._stopping else max(0, most - self._lanes.backlog)

    def crowded(self) -> list[str]:
        """For whom it takes no more now."""
        return self._lanes.crowded()

    def waited(self) -> float:
        """Seconds that one of the first has been in memory for which somebody waits right now."""
        first = self._lanes.urgent()
        return 0.0 if first is None else clock.seconds_since(first.lease_until - LEASE)

    def submit(self, deliveries: Sequence[Delivery]) -> None:
        """Send these, which are stored and leased to this process, each user's in this order."""
        self._lanes.add(deliveries)

    async def run(self) -> None:
        """Send until cancelled."""
        async with asyncio.TaskGroup() as group:
            number = 0
            while True:
                for _ in range(self._allowed - self._workers):
                    self._workers += 1
                    number += 1
                    group.create_task(self._work(number))
                await asyncio.sleep(SLOW_SECONDS / 4)
                self._allowed = self._lanes.calls = self._concurrency + self._slow()

    async def drain(self) -> None:
        """Finish what is being sent, put the rest back, and wait until all is written down."""
        self._stopping = True
        await self._lanes.wait_empty()
        await self._recorder.join()

    def _slow(self) -> int:
        """Calls that LINE keeps waiting: each gets a stand-in, so that it holds up no other."""
        before = asyncio.get_running_loop().time() - SLOW_SECONDS
        slow = sum(since < before for since in self._busy_since.values())
        return min(slow, MOST_WORKERS - self._concurrency)

    async def _work(self, number: int) -> None:
        time = asyncio.get_running_loop().time
        while self._workers <= self._allowed:
            delivery = await self._lanes.next()
            self._busy_since[number] = time()
            if tracing.on():
                record = await self._traced(delivery)
            else:
                record = await self._send(delivery)
            if record is not None:
                self._recorder.record(record)
            self._lanes.done(delivery)
            del self._busy_since[number]
        self._workers -= 1

    async def _traced(self, delivery: Delivery) -> Record | None:
        """The same inside a span of each trace that leads to the message."""
        if delivery.traceparents is None:
            return await self._send(delivery)
        parents = delivery.traceparents.split()
        attributes = {"tamaru.delivery.id": str(delivery.id), "tamaru.kind": delivery.kind}
        with tracing.joint("deliver notice", "internal", parents, attributes) as spans:
            record = await self._send(delivery)
            if record is not None:
                for span in spans:
                    span.note(
                        tamaru__delivery__status=record.status, line__request_id=record.request_id
                    )
            return record

    async def _send(self, delivery: Delivery) -> Record | None:
        """What to write down; None when the lease is too short to try."""
        now = clock.now()
        if self._stopping:
            return progress.put_back(delivery, now)
        if now < self._closed_until:
            wait = progress.UNAUTHORISED_DELAY * (1 + _spread())
            return progress.put_back(delivery, now + wait)
        if self._offers is not None:
            await self._offers.complete(delivery)
            now = clock.now()
        if delivery.reply_token is None:
            return await self._push(delivery)
        if progress.reply_is_good(delivery, now):
            return await self._reply(delivery)
        if delivery.reply_tried_at is not None:
            reason = "a reply of unknown outcome, and its token has expired"
            return self._noted(delivery, progress.given_up(delivery, now, reason))
        return await self._push(delivery)

    async def _push(self, delivery: Delivery) -> Record | None:
        if _too_late(delivery, now := clock.now()):
            return _let_go(delivery, now)
        pace = self._push_pace if delivery.priority <= URGENT else self._rush_pace
        await pace.take(self._lanes.backlog)
        now = clock.now()
        if _too_late(delivery, now):
            return _let_go(delivery, now)
        if progress.forgotten(delivery, now):
            reason = "a push of unknown outcome, and its retry key has expired"
            return self._noted(delivery, progress.given_up(delivery, now, reason))
        if (kept := self._not_now(delivery, now) or self._not_admitted(delivery, now)) is not None:
            return kept
        answer = await self._line.push(
            delivery.id, delivery.line_user_id, delivery.messages, delivery.unit
        )
        now = clock.now()
        self._heed(answer, now)
        if answer.outcome in (Outcome.DELIVERED, Outcome.ALREADY_DELIVERED):
            self._admission.sent(delivery.category, delivery.kind, delivery.broadcast_id, 1, now)
        record = progress.after_push(delivery, answer, now, _spread(), self.rules.zone)
        return self._noted(delivery, record)

    def _not_now(self, delivery: Delivery, now: datetime) -> Record | None:
        """What to write down if it may not be said any more, or not at this hour: it may have
        waited for LINE, for the month or for us since it was stored."""
        if not self.rules.sends(delivery.category) and delivery.unknown_since is None:
            return progress.skipped(delivery, now, "switched_off")
        morning = self.rules.quiet_until(delivery.category, now)
        return progress.put_back(delivery, morning) if morning else None

    def _not_admitted(self, delivery: Delivery, now: datetime) -> Record | None:
        """What to write down if it costs too much now. What was tried and may have arrived was
        admitted then; what a crash left was perhaps never tried, so it is asked about."""
        perhaps_sent = delivery.unknown_since is not None
        if perhaps_sent and delivery.tries:
            return None
        verdict = self._admission.admit(delivery.category, delivery.priority, 1, now)
        if verdict.action == "send":
            return None
        if verdict.action == "hold":
            until = verdict.until or progress.month_turn(now, self.rules.zone)
            return progress.put_back(delivery, until, "held", verdict.reason)
        if perhaps_sent:
            reason = f"a crash left it open whether it was sent, and {verdict.reason}"
            return self._noted(delivery, progress.given_up(delivery, now, reason))
        return progress.dropped(delivery, now, verdict.reason)

    async def _reply(self, delivery: Delivery) -> Record | None:
        await self._reply_pace.take(self._lanes.backlog)
        now = clock.now()
        if _too_late(delivery, now):
            return _let_go(delivery, now)
        if delivery.reply_tried_at is None:
            await self._recorder.record(progress.reply_intended(delivery, now))
            if _too_late(delivery, now := clock.now()):  # the database was slow
                return _let_go(delivery, now)
        token = delivery.reply_token or ""
        answer = await self._line.reply(token, delivery.messages)
        now = clock.now()
        self._heed(answer, now)
        if answer.outcome is Outcome.REPLY_EXPIRED and delivery.reply_tried_at is None:
            await self._recorder.record(progress.token_dropped(delivery, now))
            delivery.reply_token = None
            return await self._push(delivery)
        record = progress.after_reply(delivery, answer, now, _spread())
        return self._noted(delivery, record)

    def _heed(self, answer: Answer, now: datetime) -> None:
        """Count it; what concerns every delivery stops them all for a while."""
        outcome = answer.outcome
        _count[outcome].inc()
        if outcome is Outcome.DELIVERED:
            token_watch.taken()
            return
        if outcome is Outcome.UNAUTHORISED and now >= self._closed_until:
            self._closed_until = now + CLOSED
            token_watch.refused()
            log.error("LINE refuses the channel's access token: ALL MESSAGES WAIT until it is "
                      "replaced (LINE_CHANNEL_ACCESS_TOKEN)", answer=answer.detail)  # fmt: skip
        elif outcome is Outcome.QUOTA:
            self._admission.refused_by_quota(now)
            if now < self._told_of_quota_until:
                return
            self._told_of_quota_until = now + CLOSED
            log.error("the month's quota of LINE messages is used up: pushes are held until the "
                      "month turns; replies still go", answer=answer.detail)  # fmt: skip

    def _noted(self, delivery: Delivery, record: Record) -> Record:
        """Log what an operator may want to look into; never whom it concerns."""
        if record.status in ("failed", "unknown"):
            log.warning("message not delivered", delivery=str(delivery.id), kind=delivery.kind,
                        status=record.status, reason=record.reason)  # fmt: skip
        return record


def _too_late(delivery: Delivery, now: datetime) -> bool:
    """Whether a call could outlast the lease."""
    return now > delivery.lease_until - LEASE_MARGIN


def _let_go(delivery: Delivery, now: datetime) -> Record | None:
    """Put it back for who has time, in the turn that it had: it has waited long. None when the
    lease is over, for then it may be another's."""
    if now >= delivery.lease_until:
        return None
    return progress.put_back(delivery, delivery.lease_until - LEASE)


def _spread() -> float:
    return random.random()  # noqa: S311 - spreads load, guards nothing
