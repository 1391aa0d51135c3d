"""How long the work over everybody has been going on, as metrics."""

from typing import Any

from prometheus_client import Gauge

from services.points.store import watching as store
from shared.bus.handling import Connection
from shared.db import Pool
from shared.watching import Age

_run = Age(
    Gauge(
        "tamaru_points_rank_run_seconds",
        "How long the oldest unfinished run that ranks everybody has been asked for.",
    )
)
_night = Age(
    Gauge("tamaru_points_night_seconds", "How long the oldest unfinished night has been asked for.")
)
_last_night = Age(
    Gauge("tamaru_points_last_night_seconds", "How long ago the last night was asked for.")
)
_unchecked = Age(
    Gauge(
        "tamaru_points_ledger_unchecked_seconds",
        "How long ago the whole ledger was checked; before the first time, how long it is due.",
    )
)
_waiting = Gauge(
    "tamaru_points_waiting_purchases",
    "Purchases of cards and people that nobody knows yet, counted up to 10,000.",
)


async def look(connection: "Pool[Any] | Connection") -> None:
    """Look at the runs and nights."""
    found = await store.work(connection)
    _run.since(found.ranking_since)
    _night.since(found.night_since)
    _last_night.since(found.last_night)
    _unchecked.since(found.unchecked_since)
    _waiting.set(found.waiting)
