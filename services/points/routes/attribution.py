"""Which route brought whom: noted before somebody follows, kept with the member who joins.

The first route counts, for as long as its visit is remembered. Who is a member already came some
other way, whatever they scan later. One exception: LINE may offer the follow on the very screen
that it shows before our page, so who joined moments ago and has no route yet gets this one.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from services.points.members.references import written
from services.points.store import leaving as leaving_store
from services.points.store import ledger as ledger_store
from services.points.store import routes as store
from services.points.store.members import NewMember
from shared import clock
from shared.bus.handling import Batch, Connection
from shared.events import MemberUpdated, new_event

SOURCE = "/points/routes"

REMEMBERED = timedelta(days=7)
"""From the visit to the follow. docs/links-and-routes.md says so."""

JUST_JOINED = timedelta(minutes=10)
"""From a follow on LINE's consent screen to our page behind it."""


async def visit(batch: Batch, route: str, user: str) -> None:
    """Note that a LINE user came by an active route. An inactive or unknown one notes nothing."""
    connection, now = batch.connection, clock.now()
    # Whoever enrols this user right now has either finished before this or waits for it.
    await ledger_store.lock_references(connection, [written(("line_user_id", user))])
    if not await store.is_active(connection, route):
        return
    member = await store.joined(connection, user)
    if member is None:
        user_hash = leaving_store.hash_of(user)
        if await store.note(connection, user_hash, route, now, now - REMEMBERED):
            await store.count(connection, route, _hour(now))
    elif member.route is None and member.joined_at > now - JUST_JOINED:
        await store.keep(connection, member.id, route, member.joined_at)
        await store.count(connection, route, _hour(now))
        told = MemberUpdated(member.id, ["route"])
        batch.emit(new_event(SOURCE, told, subject=str(member.id)))


async def attribute(
    connection: Connection, members: Sequence[NewMember], now: datetime
) -> Mapping[UUID, str]:
    """Keep with new members the routes on which they came, where one is remembered. Their names
    are locked."""
    hashes = {
        leaving_store.hash_of(each.line_user_id): each.id for each in members if each.line_user_id
    }
    return await store.attribute(connection, hashes, now, now - REMEMBERED) if hashes else {}


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
