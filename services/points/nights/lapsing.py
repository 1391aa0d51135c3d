"""Bringing members up to date whom the night finds, or who act before it: what is due is done.

A purchase must not bring back sliding points that had expired before it: from midnight to the night
they still lie there, and would count their time from the new activity.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from services.points.accounts.books import open_books
from services.points.accounts.standing import lot_of
from services.points.errors import BooksBroken
from services.points.programs.rulebook import Rulebook
from services.points.store import lots as store
from services.points.store.ledger import Account
from shared import logs
from shared.bus.handling import Batch, Connection

SHORTEST_MONTH = timedelta(days=28)

log = logs.logger(__name__)


async def bring_up_to_date(batch: Batch, rulebook: Rulebook, members: Sequence[UUID]) -> list[UUID]:
    """Open the members' books, which does all that is due in them; who was opened.

    Books that do not add up are left alone, and hold nobody else up.
    """
    sound = sorted(members)
    while True:
        try:
            books = await open_books(batch.connection, rulebook, sound)
        except BooksBroken as problem:
            log.error("a member is not brought up to date", problem=str(problem))
            sound.remove(problem.member)
            continue
        await books.write(batch)
        return sound


async def slid_before(
    connection: Connection,
    rulebook: Rulebook,
    accounts: Iterable[Account],
    active_at: Mapping[UUID, datetime],
) -> list[UUID]:
    """Whose sliding points expired before they were active again. The accounts must be locked."""
    months = rulebook.sliding_months
    if not months:
        return []
    dormant = {
        account.member_id: account.last_activity_at
        for account in accounts
        if account.last_activity_at is None
        or account.last_activity_at + min(months) * SHORTEST_MONTH <= active_at[account.member_id]
    }
    if not dormant:
        return []
    zone = rulebook.current().program.zone
    return sorted(
        {
            lot.member_id
            for lot in await store.open_ones(connection, list(dormant))
            if lot.sliding_months
            and lot_of(lot, dormant[lot.member_id], zone).expired(active_at[lot.member_id])
        }
    )
