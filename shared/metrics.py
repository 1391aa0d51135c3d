"""Prometheus metrics that every process has, by the naming conventions (base units, _total)."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from prometheus_client import Counter, Gauge, Histogram

from shared import clock

_events = Counter("tamaru_bus_events", "Events whose effect was committed.", ["queue"])
_seconds = Histogram(
    "tamaru_bus_batch_seconds",
    "How long a batch's transaction took.",
    ["queue"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5),
)
_retried = Counter("tamaru_bus_retries", "Events sent to a delay queue.", ["queue"])
_oldest = Gauge(
    "tamaru_bus_oldest_event_seconds",
    "Age of the oldest event that a reader has and that has had no effect yet; 0 without one.",
    ["queue"],
)
_ready = Gauge("tamaru_ready", "Whether what the process needs is there (0 or 1).", ["check"])
_buried = Counter("tamaru_bus_dead_letters", "Events sent to the dead letters.", ["queue"])


@contextmanager
def batch(queue: str, size: int) -> Iterator[None]:
    """Measure a batch; only one that commits is counted."""
    started = time.perf_counter()
    yield
    _seconds.labels(queue).observe(time.perf_counter() - started)
    _events.labels(queue).inc(size)


def retried(queue: str) -> None:
    """An event went to a delay queue."""
    _retried.labels(queue).inc()


def buried(queue: str) -> None:
    """An event went to the dead letters."""
    _buried.labels(queue).inc()


def show_oldest(queue: str, oldest: Callable[[], datetime | None]) -> None:
    """Show how old the oldest event is that a reader of `queue` has, asked at each reading."""
    _oldest.labels(queue).set_function(lambda: clock.seconds_since(oldest()))


def show_readiness(checks: Mapping[str, bool]) -> None:
    """Show what is there and what is missing."""
    for name, there in checks.items():
        _ready.labels(name).set(there)
