"""What an account comes to at a moment: what can be spent, waits, is held, and expires when.

Between midnight and the night that follows, lots are stored as they were the day before; here what
is due counts as done, exactly as if the books were opened. Reads only, and locks nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct

from services.points.accounts import settling
from services.points.rules import lots
from services.points.rules.ledger import Account, balances
from services.points.rules.lots import Lot
from services.points.store import lots as store
from services.points.store.lots import Holding, StoredLot
from shared.bus.handling import Connection

MOST_DATES = 12


class Standing(Struct, frozen=True):
    """`balance` can be spent (below zero in debt). `expiring` is when how much of it expires,
    soonest first: what waits or is held is not in it, as it is not in the balance."""

    balance: int
    pending: int
    held: int
    expiring: tuple[tuple[datetime, int], ...]


def lot_of(stored: StoredLot, last_activity: datetime | None, zone: ZoneInfo) -> Lot:
    """A stored lot with its expiry as things stand."""
    expires_at = stored.expires_at
    if stored.sliding_months:
        months, opened_at = stored.sliding_months, stored.opened_at
        expires_at = lots.lasts_until(months, opened_at, last_activity, zone)
    return Lot(
        id=stored.entry_id,
        opened_at=stored.opened_at,
        remaining=stored.remaining,
        expires_at=expires_at,
        active=not stored.pending,
        held=stored.held,
    )


def standing(
    holding: Holding, zone: ZoneInfo, now: datetime, *, dates: int = MOST_DATES
) -> Standing:
    """An account's standing at `now`, with the next `dates` of expiry."""
    if not holding.debt and not any(stored.pending for stored in holding.lots):
        return plainly(holding, zone, now, dates)
    return in_order(holding, zone, now, dates)


def in_order(holding: Holding, zone: ZoneInfo, now: datetime, dates: int) -> Standing:
    """The standing of anybody: all that is due is done, each at its moment."""
    kept = {
        stored.entry_id: lot_of(stored, holding.last_activity_at, zone) for stored in holding.lots
    }
    account = settling.settled(Account(kept, holding.debt), waits(holding.lots), now)
    expiring: dict[datetime, int] = {}
    for lot in account.lots.values():
        if lot.expires_at is not None and (points := lot.spendable(now)):
            expiring[lot.expires_at] = expiring.get(lot.expires_at, 0) + points
    sums = balances(account)
    return Standing(
        balance=lots.spendable(account.lots.values(), now) - account.debt,
        pending=sums.pending,
        held=sums.held,
        expiring=tuple(sorted(expiring.items())[:dates]),
    )


def plainly(holding: Holding, zone: ZoneInfo, now: datetime, dates: int) -> Standing:
    """The standing of who owes nothing and waits for nothing, as nearly everybody: nothing then
    depends on the order of what is due, and the sums can be taken at once."""
    expiring: dict[datetime, int] = {}
    spendable = held = 0
    for stored in holding.lots:
        held += stored.held
        at = stored.expires_at
        if stored.sliding_months:
            at = lots.lasts_until(
                stored.sliding_months, stored.opened_at, holding.last_activity_at, zone
            )
        points = stored.remaining - stored.held
        if points and (at is None or at > now):
            spendable += points
            if at is not None:
                expiring[at] = expiring.get(at, 0) + points
    return Standing(spendable, 0, held, tuple(sorted(expiring.items())[:dates]))


def waits(kept: Iterable[StoredLot]) -> dict[UUID, datetime]:
    """When the pending ones of the lots become active."""
    return {lot.entry_id: lot.active_at for lot in kept if lot.pending and lot.active_at}


async def of_members(
    connection: Connection, members: Sequence[UUID], zone: ZoneInfo, now: datetime
) -> dict[UUID, Standing]:
    """The standings of members; unknown ones are left out."""
    found = await store.holdings(connection, members)
    return {member: standing(holding, zone, now) for member, holding in found.items()}
