"""The work on imports and takeouts: the next page of whatever has waited longest, until cancelled.

A page is one transaction that holds its import: what a kill cuts off is done anew by whoever looks
next. An import that fails stands still and says so; it holds up nobody.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

from services.points.errors import MergedMeanwhile
from services.points.imports import checking, reading, undoing
from services.points.imports.taking import Taking
from services.points.nights import pacing
from services.points.programs.rulebook import Rulebook
from services.points.store import imports as store
from services.points.store.imports import Import
from shared import clock, logs, outbox
from shared.bus.handling import Batch
from shared.db import CONFLICTS, UNREACHABLE, Pool

POLL_SECONDS = 1.0
AGAIN: tuple[type[Exception], ...] = (*CONFLICTS, *UNREACHABLE, MergedMeanwhile)
"""What ends a page that is then done anew."""

_FAILED = {
    "ja": "処理中に問題が起きたため止まっています。途中までの分はそのまま残っています。"
    "もう一度実行すると続きから進みます。",
    "en": "It stopped because something went wrong. What was done is done; run it again and it "
    "goes on from there.",
}

log = logs.logger(__name__)


class Relay(Protocol):
    """What takes over events after their commit."""

    async def hand_over(self, rows: Sequence[outbox.Row]) -> None:
        """Publish rows."""


class ImportWork:
    """Works on imports, a page at a time."""

    def __init__(self, rulebook: Rulebook, taking: Taking) -> None:
        self._rulebook = rulebook
        self._taking = taking
        self._asked = asyncio.Event()

    async def run(self, pool: "Pool[Any]", relay: Relay) -> None:
        """Work until cancelled."""
        await pacing.work("imports", lambda: self.page(pool, relay), self._asked, POLL_SECONDS)

    async def page(self, pool: "Pool[Any]", relay: Relay) -> bool:
        """Do the next page; False when there is none."""
        found: Import | None = None
        try:
            async with pool.acquire() as connection, connection.transaction():
                found = await store.next_page(connection)
                if found is None:
                    return False
                batch = Batch(connection)
                await self._do(batch, found)
                rows = await outbox.write(connection, batch.emitted)
        except MergedMeanwhile:
            return True
        except AGAIN:
            raise
        except Exception as problem:  # said on the import; others go on
            log.error("import stopped", id=str(found and found.id), exc_info=problem)
            if found is not None:
                await self._stop(pool, found)
            return True
        for then in batch.after_commit:
            then()
        await relay.hand_over(rows)
        return True

    async def _do(self, batch: Batch, found: Import) -> None:
        if found.state == "reading":
            await reading.read(batch.connection, found)
        elif found.state == "checking":
            await checking.page(batch.connection, self._rulebook, found)
        elif found.state == "running":
            await self._taking.page(batch, found)
        else:
            await undoing.page(batch, self._rulebook, found)

    async def _stop(self, pool: "Pool[Any]", found: Import) -> None:
        """Let a failed import stand where it was, for the owner to go on."""
        state = {"reading": "failed", "checking": "mapping", "undoing": "done"}
        async with pool.acquire() as connection, connection.transaction():
            await store.move(
                connection,
                found.id,
                state.get(found.state, "paused"),
                clock.now(),
                position=found.position,
                problem=_FAILED,
                finished=found.state == "reading",
            )
