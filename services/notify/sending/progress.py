"""What follows from the outcome of a try: over, again later, or held. Pure: no IO, no clock.

The rules: a push of unknown outcome is repeated under the same retry key while LINE remembers the
key (24 hours), then given up as unknown. A reply has no retry key: of unknown outcome it is only
repeated with its own token while that lives, and never becomes a push.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.notify.sending.deliveries import Delivery, Record
from services.notify.sending.outcomes import Answer, Outcome

RETRY_KEY_LIFE = timedelta(hours=24) - timedelta(minutes=10)
"""LINE remembers a retry key for 24 hours; the margin is for clocks and a slow last try."""

FIRST_DELAY = timedelta(seconds=0.5)
LONGEST_DELAY = timedelta(minutes=5)
LONGEST_REPLY_DELAY = timedelta(seconds=8)
UNAUTHORISED_DELAY = timedelta(minutes=1)

_OVER = {
    Outcome.DELIVERED: "delivered",
    Outcome.ALREADY_DELIVERED: "delivered",
    Outcome.REFUSED: "failed",
}


def delay(tries: int, spread: float) -> timedelta:
    """How long to wait after the `tries`-th try (from 1): doubling from half a second to five
    minutes, times 0.5 to 1 as `spread` (0 to 1) says, so that what failed together spreads out."""
    doublings: int = 2 ** min(tries - 1, 20)
    return min(FIRST_DELAY * doublings, LONGEST_DELAY) * (0.5 + spread / 2)


def month_turn(now: datetime, zone: ZoneInfo) -> datetime:
    """The first moment of the next month in `zone`."""
    local = now.astimezone(zone)
    year, month = (local.year + 1, 1) if local.month == 12 else (local.year, local.month + 1)
    return datetime(year, month, 1, tzinfo=zone)


def forgotten(delivery: Delivery, now: datetime) -> bool:
    """Whether it may have been pushed so long ago that the retry key protects no longer."""
    since = delivery.unknown_since
    return since is not None and now - since >= RETRY_KEY_LIFE


def reply_is_good(delivery: Delivery, now: datetime) -> bool:
    """Whether its reply token can still be used."""
    until = delivery.reply_until
    return delivery.reply_token is not None and until is not None and now < until


def given_up(delivery: Delivery, now: datetime, reason: str) -> Record:
    """It may or may not have arrived, and another try might be a second message."""
    return _record(delivery, "unknown", None, now=now, reason=reason)


def put_back(
    delivery: Delivery, due_at: datetime, status: str = "waiting", reason: str | None = None
) -> Record:
    """Not tried this time; due again at `due_at`."""
    return _record(delivery, status, due_at, reason=reason)


def skipped(delivery: Delivery, now: datetime, reason: str) -> Record:
    """Not sent, and never will be: it is not wanted."""
    return _record(delivery, "skipped", None, now=now, reason=reason)


def dropped(delivery: Delivery, now: datetime, reason: str | None) -> Record:
    """Not sent, and never will be: the shop would rather save the money."""
    return _record(delivery, "dropped", None, now=now, reason=reason)


def reply_intended(delivery: Delivery, now: datetime) -> Record:
    """Written before the first reply, so that after a crash it is known that it may have gone."""
    record = _record(delivery, "waiting", delivery.lease_until)
    record.reply_tried_at = now
    record.unknown_since = delivery.unknown_since or now
    return record


def token_dropped(delivery: Delivery, now: datetime) -> Record:
    """Written between a reply that certainly did not go and the push in its place."""
    record = _record(delivery, "waiting", delivery.lease_until)
    record.keep_token = False
    record.unknown_since = delivery.unknown_since or now  # the push may go out from now on
    record.reply_tried_at = None
    return record


def after_push(
    delivery: Delivery, answer: Answer, now: datetime, spread: float, zone: ZoneInfo
) -> Record:
    """What to write down after a push that was answered, or not, at `now`."""
    outcome = answer.outcome
    tries = delivery.tries + 1
    if outcome in _OVER:
        record = _record(delivery, _OVER[outcome], None, now=now)
    elif outcome is Outcome.QUOTA:
        record = _record(delivery, "held", month_turn(now, zone))
    elif outcome is Outcome.UNAUTHORISED:
        record = _record(delivery, "waiting", now + UNAUTHORISED_DELAY * (1 + spread))
    else:
        record = _record(delivery, "waiting", now + delay(tries, spread))
    if outcome is Outcome.UNCERTAIN and record.unknown_since is None:
        record.unknown_since = now
    return _told(record, tries, "push", answer)


def after_reply(delivery: Delivery, answer: Answer, now: datetime, spread: float) -> Record:
    """What to write down after a reply. `delivery.reply_tried_at` is the first try of unknown
    outcome before this one. REPLY_EXPIRED without such a try is the caller's: it pushes instead."""
    outcome = answer.outcome
    tries = delivery.tries + 1
    if outcome is Outcome.REPLY_EXPIRED:  # after an unknown outcome: that one had used the token
        record = _record(delivery, "delivered", None, now=now)
    elif outcome in _OVER:
        record = _record(delivery, _OVER[outcome], None, now=now)
    elif outcome is Outcome.UNAUTHORISED:
        record = _record(delivery, "waiting", now + UNAUTHORISED_DELAY * (1 + spread))
    else:
        record = _again_by_reply(
            delivery, outcome, now, min(delay(tries, spread), LONGEST_REPLY_DELAY)
        )
    return _told(record, tries, "reply", answer)


def _again_by_reply(delivery: Delivery, outcome: Outcome, now: datetime, wait: timedelta) -> Record:
    record = _record(delivery, "waiting", now + wait)
    if outcome is Outcome.UNCERTAIN and record.reply_tried_at is None:
        record.reply_tried_at = now
    return record


def _told(record: Record, tries: int, via: str, answer: Answer) -> Record:
    record.tries = tries
    record.via = via
    record.reason = answer.detail
    record.request_id = answer.request_id
    return record


def _record(
    delivery: Delivery,
    status: str,
    due_at: datetime | None,
    *,
    now: datetime | None = None,
    reason: str | None = None,
) -> Record:
    return Record(
        delivery.line_user_id,
        delivery.event_id,
        status,
        due_at,
        delivery.tries,
        unknown_since=delivery.unknown_since,
        reply_tried_at=delivery.reply_tried_at,
        reason=reason,
        finished_at=now if due_at is None else None,
    )
