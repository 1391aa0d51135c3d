"""Erasure: a member's personal data goes everywhere, the ledger's totals stay.

Whoever has not left leaves first. The member and whoever was merged into them are emptied together:
what remains are amounts, dates and shops under an id that leads to nobody. The other services hear
of it by event and delete their part.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from services.points.errors import MemberGone, NotConfirmed
from services.points.members import exporting, leaving
from services.points.members.references import written
from services.points.programs.rulebook import Rulebook
from services.points.purchases.judging import SOURCE as AWARDS
from services.points.store import erasures as store
from services.points.store import exports, requests
from services.points.store import leaving as leaving_store
from services.points.store import ledger as ledger_store
from services.points.store.exports import Kin
from services.points.store.leaving import Leaver
from services.points.store.requests import Settled
from shared import clock, envelope, ids
from shared.bus.handling import Batch, Connection
from shared.events import MemberErased, PurchaseRejected, new_event

SOURCE = "/points/members"
NOBODY = "member_erased"


class Erased(msgspec.Struct, frozen=True):
    """A member who was erased, their status before, and the points that were lost with it."""

    member_id: UUID
    was: str
    points_lost: int
    erased_at: datetime


async def erase(
    batch: Batch, rulebook: Rulebook, member: UUID, *, confirm: str, actor: str
) -> Erased:
    """Erase a member for good; `confirm` is their card's number, so that nobody else is meant.

    Raises MemberGone for who was merged, was erased before or never was, NotConfirmed.
    """
    there = await _locked(batch.connection, member)
    if confirm != there.card:
        raise NotConfirmed
    return await _erase(batch, rulebook, there, actor)


async def erase_again(batch: Batch, rulebook: Rulebook, member: UUID, *, actor: str) -> Erased:
    """Erase a member whom an older copy of the database brought back: it was confirmed when it was
    done first. Raises MemberGone as `erase` does."""
    return await _erase(batch, rulebook, await _locked(batch.connection, member), actor)


async def erase_user(batch: Batch, member: UUID, user: str) -> None:
    """Erase what is kept of a LINE user whom a member's erasure reached, where no name leads from
    the member to them any more. A LINE account that is another member's now stays with them."""
    now = clock.now()
    if await _forget_users(batch.connection, [user], now):
        return
    await _forget_waiting(batch, [written(("line_user_id", user))])
    batch.emit(new_event(SOURCE, MemberErased(member, now, user), subject=str(member)))


async def _locked(connection: Connection, member: UUID) -> Leaver:
    """Names, then accounts, then the member; raises MemberGone when there is nobody to erase."""
    kin = await exports.lineage(connection, member)
    await ledger_store.lock_references(connection, exporting.references_of(kin))
    await ledger_store.lock_accounts(connection, [each.id for each in kin])
    there = await leaving_store.lock(connection, member)
    if there is None or there.erased_at is not None:
        raise MemberGone("unknown" if there is None else "erased", None)
    if there.status == "merged":
        raise MemberGone("merged", there.merged_into)
    return there


async def _erase(batch: Batch, rulebook: Rulebook, there: Leaver, actor: str) -> Erased:
    connection, points, now = batch.connection, 0, clock.now()
    if there.status != "left":
        left = await leaving.leave(batch, rulebook, there.id, reason=None, actor=actor)
        points, now = left.points_lost, left.left_at
    kin = await exports.lineage(connection, there.id)
    names = exporting.references_of(kin)
    await _forget_waiting(batch, names)
    old = await exports.old_cards(connection, [each.id for each in kin])
    await store.forget_names(connection, [*names, *(written(("card", card)) for card in old)])
    await store.erase(connection, [each.id for each in kin], now)
    in_use = await _forget_users(connection, exporting.users_of(kin), now)
    _tell(batch, kin, in_use, now)
    return Erased(there.id, there.status, points, now)


async def _forget_users(connection: Connection, users: list[str], now: datetime) -> set[str]:
    """Forget LINE users but those who are members now, who are returned."""
    in_use = await store.in_use(connection, users)
    gone = [user for user in users if user not in in_use]
    await leaving_store.say_farewell(connection, gone, now)
    await store.forget_users(connection, gone)
    return in_use


def _tell(batch: Batch, kin: list[Kin], in_use: set[str], now: datetime) -> None:
    """One event a member; a LINE account that is another member's now stays with them."""
    for each in kin:
        user = each.line_user_id or each.former_line_user_id
        told = MemberErased(each.id, now, None if user in in_use else user)
        batch.emit(new_event(SOURCE, told, subject=str(each.id)))


async def _forget_waiting(batch: Batch, references: Sequence[str]) -> None:
    """Purchases that wait for a name of theirs earn nothing any more."""
    bodies = await ledger_store.take_waiting(batch.connection, references)
    if not bodies:
        return
    waited, _ = envelope.decode_group("purchase.submitted.v1", envelope.join(bodies))
    detail = "会員情報が消去されました。 / The member was erased, so no points are given."
    settled = [Settled(event.id, "rejected", None, detail) for event in waited]
    await requests.settle(batch.connection, settled)
    for event in waited:
        data = PurchaseRejected(event.id, NOBODY, detail, event.data.terminal_id)
        rejection = ids.derived_id("purchase.rejected", str(event.id), NOBODY)
        batch.emit(new_event(AWARDS, data, id=rejection))
