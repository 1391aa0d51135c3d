"""What this process counts: what it accepted, refused and spooled."""

from collections.abc import Sequence

from prometheus_client import Counter

from shared.problems import Problem

LINE_EVENTS = frozenset(
    {
        "message",
        "unsend",
        "follow",
        "unfollow",
        "join",
        "leave",
        "memberJoined",
        "memberLeft",
        "postback",
        "videoPlayComplete",
        "beacon",
        "accountLink",
        "membership",
        "module",
        "activated",
        "deactivated",
        "botSuspended",
        "botResumed",
        "delivery",
    }
)
"""The types that LINE documents. Any other is `other`: what is sent must not make time series."""

_purchases = Counter("tamaru_webhook_purchases", "Purchases accepted, repeats too.")
_line_events = Counter("tamaru_webhook_line_events", "Events of LINE accepted.", ["type"])
_refused = Counter("tamaru_webhook_refused", "Requests and purchases refused.", ["reason"])
_spooled = Counter(
    "tamaru_webhook_spooled", "Events kept in the database for the broker.", ["type"]
)


def purchases_accepted(count: int) -> None:
    """So many purchases are on disk."""
    _purchases.inc(count)


def line_events_accepted(kinds: Sequence[str]) -> None:
    """LINE's events of these types are on disk."""
    for kind in kinds:
        _line_events.labels(kind if kind in LINE_EVENTS else "other").inc()


def refused(problem: Problem) -> None:
    """A request, or one purchase of a batch, was refused; the reason is the problem's type."""
    _refused.labels(problem.reason).inc()


def spooled(event_types: Sequence[str]) -> None:
    """Events of these types went to the spool."""
    for event_type in event_types:
        _spooled.labels(event_type).inc()
