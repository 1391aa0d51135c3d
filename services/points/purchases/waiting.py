"""Purchases of cards that nobody has: how long they wait, and what is said when that was too long.

Counted from when the purchase was accepted, by the program in force now. Must not award anything.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from services.points.programs.rulebook import Rulebook
from services.points.purchases.judging import SOURCE, Submitted
from services.points.rules.program import Program
from services.points.store import ledger as store
from services.points.store import requests
from services.points.store.requests import Settled
from shared import clock, envelope, ids, outbox
from shared.bus.handling import Batch
from shared.db import Pool
from shared.events import PurchaseRejected, new_event

TOO_LATE = "member_unknown"
PAGE = 500


def late_before(program: Program, now: datetime) -> datetime:
    """Purchases accepted before this have waited too long."""
    return now - timedelta(days=program.waiting.days)


async def in_time(batch: Batch, program: Program, waited: Sequence[Submitted]) -> list[Submitted]:
    """Those of the purchases that have not waited too long; the others are rejected."""
    limit = late_before(program, clock.now())
    late = [event for event in waited if event.data.accepted_at < limit]
    if late:
        await _reject(batch, late, program.waiting.days)
    return [event for event in waited if event.data.accepted_at >= limit]


async def _reject(batch: Batch, late: Sequence[Submitted], days: int) -> None:
    detail = (
        f"{days}日以内に会員が見つからなかったため、ポイントは付きませんでした。 / Nobody had "
        f"this card within {days} days, so no points were given. Add points by hand if it is "
        "somebody's now."
    )
    settled = [Settled(event.id, "rejected", None, detail) for event in late]
    await requests.settle(batch.connection, settled)
    for event in late:
        data = PurchaseRejected(event.id, TOO_LATE, detail, event.data.terminal_id)
        rejection = ids.derived_id("purchase.rejected", str(event.id), TOO_LATE)
        batch.emit(new_event(SOURCE, data, cause=event, id=rejection))


async def sweep(pool: Pool, relay: outbox.Relay, rulebook: Rulebook) -> None:
    """Reject what has waited too long, a page a transaction, until nothing is left."""
    while await _page(pool, relay, rulebook):
        pass


async def _page(pool: Pool, relay: outbox.Relay, rulebook: Rulebook) -> bool:
    async with pool.acquire() as connection, connection.transaction():
        await rulebook.refresh(connection)
        if rulebook.empty:
            return False
        program = rulebook.current().program
        bodies = await store.take_late(connection, late_before(program, clock.now()), PAGE)
        if not bodies:
            return False
        late, _ = envelope.decode_group("purchase.submitted.v1", envelope.join(bodies))
        batch = Batch(connection)
        await _reject(batch, late, program.waiting.days)
        rows = await outbox.write(connection, batch.emitted)
    await relay.hand_over(rows)
    return len(bodies) == PAGE
