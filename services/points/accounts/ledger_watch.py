"""The ledger's invariants, checked a little all the time: who has new entries since the last look.

The same check as `tamaru ledger verify`, of some members at a time and in one snapshot. What it
cannot see, a change by hand of somebody whose points do not move, the whole check of the night
finds (`nights/checking.py`); what that found is looked at here as well.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from prometheus_client import Counter, Gauge

from services.points.accounts import verifying
from services.points.store import ledger_checks
from services.points.store import watching as store
from shared import clock, logs
from shared.bus.handling import Connection
from shared.db import Pool, snapshot

log = logs.logger(__name__)

LOOK_SECONDS = 300.0
MEMBERS = 500
"""How many are looked at each time: a fraction of a second of work."""

COMMITTED = timedelta(seconds=5)
"""Entries are recorded a moment before their commit: what is younger waits for the next look."""

_differences = Gauge(
    "tamaru_points_ledger_differences",
    "Balances, lots and sums that do not follow from the entries, as last found.",
)
_checked = Counter("tamaru_points_ledger_members_checked", "Members whose books were checked.")
_checked_at = Gauge(
    "tamaru_points_ledger_checked_timestamp_seconds", "When books were last checked (Unix time)."
)


class LedgerWatch:
    """Checks the members whose points moved. Whoever did not add up, here or in the last check of
    the whole ledger, is looked at again each time, so that the metric stays until it is put right.
    What did not add up in the ledger as a whole counts until the next whole check."""

    def __init__(self, pool: "Pool[Any]") -> None:
        self._pool = pool
        self._after: datetime | None = None
        self._odd: frozenset[UUID] = frozenset()

    async def look(self) -> None:
        """Check some, and show what was found."""
        until = clock.now() - COMMITTED
        after = self._after or until - timedelta(seconds=LOOK_SECONDS)
        async with snapshot(self._pool) as connection:
            moved = await store.moved(connection, after, until, MEMBERS)
            found = await ledger_checks.found(connection)
            members = sorted(self._odd.union(moved, (one.member for one in found if one.member)))
            findings = await self._findings(connection, members)
        self._after = until
        self._odd = frozenset(each.member_id for each in findings if each.member_id)
        if findings:
            log.error(
                "the ledger does not add up; `tamaru ledger verify` says what differs",
                members=[str(member) for member in sorted(self._odd)[:10]],
                what=sorted({each.what.partition(" ")[0] for each in findings}),
            )
        _differences.set(len(findings) + len({one.what for one in found if not one.member}))
        _checked.inc(len(members))
        _checked_at.set(clock.now().timestamp())

    async def _findings(
        self, connection: Connection, members: list[UUID]
    ) -> list[verifying.Finding]:
        return await verifying.check(connection, members) if members else []
