"""Prometheus metrics that every process has, by the naming conventions (base units, _total)."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter, Histogram

_events = Counter("tamaru_bus_events", "Events whose effect was committed.", ["queue"])
_seconds = Histogram(
    "tamaru_bus_batch_seconds",
    "How long a batch's transaction took.",
    ["queue"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5),
)
_retried = Counter("tamaru_bus_retries", "Events sent to a delay queue.", ["queue"])
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
