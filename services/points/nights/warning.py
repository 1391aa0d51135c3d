"""Warnings ahead of expiry: on which days, and what is said.

A member is warned once for each date and each of the program's days ahead; whoever is late for one
(points that came back, a night that was missed) gets only the latest. What one night has to say to
a member is one event, with the soonest date first.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from uuid import UUID
from zoneinfo import ZoneInfo

from services.points.rules import lots
from services.points.rules.program import DEFAULT_WARN_DAYS, NoExpiry, Program
from services.points.store import expiry_warnings as store
from services.points.store import ledger as ledger_store
from services.points.store.expiry_warnings import Thresholds, Untold
from services.points.store.ledger import Account
from services.points.store.nights import Cursor
from shared.bus.handling import Batch
from shared.events import ExpiringPoints, PointsExpiring, new_event

SOURCE = "/points/ledger"


def thresholds(program: Program, now: datetime) -> Thresholds | None:
    """When members are warned, as of `now`; None for a program that never warns. Points of former
    rules are warned of where the present ones do not let points expire."""
    expiry = program.expiry
    ahead = DEFAULT_WARN_DAYS if isinstance(expiry, NoExpiry) else expiry.warn_days
    if not ahead:
        return None
    days = sorted(set(ahead))
    today = now.astimezone(program.zone).date()
    horizons = [lots.midnight(today + timedelta(each), program.zone) for each in days]
    return Thresholds(days, horizons)


def from_now_on(now: datetime) -> Cursor:
    """Before whatever expires later than `now`."""
    return Cursor(now, UUID(int=2**128 - 1))


async def tell(
    batch: Batch, zone: ZoneInfo, now: datetime, after: UUID, members: int
) -> UUID | None:
    """Tell the next members what was found for them; the last of them, None when all are told."""
    untold = await store.take_untold(batch.connection, after, members)
    if not untold:
        return None
    ids = list({each.member_id for each in untold})
    accounts = await ledger_store.read_accounts(batch.connection, ids)
    for data in told(untold, accounts, zone, now):
        batch.emit(new_event(SOURCE, data, subject=str(data.member_id)))
    return untold[-1].member_id


def told(
    untold: Sequence[Untold], accounts: Mapping[UUID, Account], zone: ZoneInfo, now: datetime
) -> list[PointsExpiring]:
    """What to say to each member, from warnings in the order of members and dates. Who cannot use
    their points is not urged to."""
    today = now.astimezone(zone).date()
    said = []
    for member, found in groupby(untold, key=lambda each: each.member_id):
        account = accounts.get(member)
        if account is None or account.status != "active":
            continue
        soonest, *later = [
            ExpiringPoints(
                each.points,
                each.expires_at,
                (each.expires_at.astimezone(zone).date() - today).days,
            )
            for each in found
        ]
        said.append(
            PointsExpiring(
                member_id=member,
                points=soonest.points,
                expires_at=soonest.expires_at,
                days=soonest.days,
                balance=account.balance,
                line_user_id=account.line_user_id,
                later=later,
            )
        )
    return said
