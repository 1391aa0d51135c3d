"""What a reading of LINE's figures changes. Pure.

LINE's count and our own differ: others send from the account manager, a crash leaves something
uncounted, LINE's figure is approximate and lags. What it shows beyond our own count is used, and
so is what we know that we sent.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta

from services.notify.quota.line_figures import Figures
from services.notify.quota.plan import LineQuota

TURNING = timedelta(hours=1)
"""How long after a month's turn LINE may still tell the last month's figure."""


def of_last_month(
    figures: Figures, last: LineQuota | None, own: int, since_turn: timedelta
) -> bool:
    """Whether LINE's figure is still the month's that has just ended."""
    return (
        since_turn < TURNING and last is not None and figures.used >= last.used > 0
        and figures.used > own
    )  # fmt: skip


def uncounted(lost: Iterable[Mapping[str, int]], grown: int) -> dict[str, int]:
    """How much of what crashed processes held was perhaps sent, by category.

    No more than LINE's figure has grown beyond our own count. Which category it was nobody knows,
    so each budget is charged with what it may have been; the rest is free again."""
    held: Counter[str] = Counter()
    for each in lost:
        held.update(each)
    return {name: min(count, grown) for name, count in held.items() if min(count, grown) > 0}


def relieves(figures: Figures) -> bool:
    """Whether LINE's figures end its word that nothing is left: a larger plan was bought, or what
    it refused was one call to more people than were left."""
    return figures.limit is None or figures.used < figures.limit
