"""The one clock. Domain code and SQL take the time from here; nothing else asks the system.

Tests move it with `set_offset`; a whole installation is moved with CLOCK_OFFSET_SECONDS.
"""

import os
from datetime import UTC, datetime, timedelta

_offset = timedelta(seconds=float(os.environ.get("CLOCK_OFFSET_SECONDS", "0")))


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC) + _offset


def of_system(moment: datetime) -> datetime:
    """What this clock showed when the system's showed `moment`, as ids have it."""
    return moment + _offset


def set_offset(offset: timedelta) -> None:
    """Move this process's clock by `offset` from the system's."""
    global _offset
    _offset = offset


def seconds_since(moment: datetime | None) -> float:
    """How long ago it was; 0 for what is still to come, and for nothing."""
    return max(0.0, (now() - moment).total_seconds()) if moment is not None else 0.0
