"""What a purchase would earn and what could be spent on it: the very code of awarding, and nothing
is locked or written.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from services.points.accounts.postings import credit
from services.points.errors import MemberGone
from services.points.programs.rulebook import Edition, Rulebook
from services.points.purchases.judging import Judging, explained, rank_words
from services.points.rules import lots, redemption
from services.points.rules.program import Program, Redemption
from services.points.rules.purchase import Purchase
from services.points.store import ledger as store
from services.points.store import lots as lot_store
from services.points.store.ledger import Account, Movement
from services.points.store.lots import StoredLot
from shared import ids
from shared.bus.errors import NotYet
from shared.bus.handling import Connection


class Spendable(Struct, frozen=True):
    """What could be spent on a bill: `spendable` points are there, `maximum` of them may go on it,
    in steps of `unit` and no fewer than `minimum`; `value` is (points, money)."""

    spendable: int
    maximum: int
    minimum: int
    unit: int
    value: tuple[int, int]
    maximum_value: int


class Quote(Struct, frozen=True):
    """The answer to a till that asks beforehand."""

    earned: int
    balance_after: int
    pending_after: int
    visits: int
    explanation: dict[str, Any]
    rank: dict[str, str] | None
    redemption: Spendable


async def quote(
    connection: Connection,
    rulebook: Rulebook,
    member: UUID | None,
    purchase: Purchase,
    now: datetime,
) -> Quote:
    """Weigh a purchase without a fault for a member that there is, or for somebody new.

    Raises NotYet while no program was ever published, MemberGone for who has left.
    """
    await rulebook.refresh(connection)
    if rulebook.empty:
        raise NotYet("no program has been published yet")
    account = newcomer()
    if member is not None:
        account = (await store.read_accounts(connection, [member]))[member]
        if account.status == "left":
            raise MemberGone("left", None)
    judging = Judging(now, rulebook)
    edition = await judging.look(connection, account, purchase.occurred_at)
    _, award = judging.weigh(account, edition, purchase)
    current = rulebook.in_force(now).program
    kept = await lot_store.open_ones(connection, [account.member_id])
    balance = spendable(account, kept, current, now)
    open_bill = purchase.total - sum(payment.amount for payment in purchase.payments)
    after = _after(account, edition, award.points, purchase.occurred_at, now)
    return Quote(
        earned=award.points,
        balance_after=balance + after.balance - account.balance,
        pending_after=after.pending,
        visits=award.visits,
        explanation=explained(award.points, award.explanation),
        rank=rank_words(edition, account.rank),
        redemption=redeemable(current.redemption, balance, purchase.total, open_bill),
    )


def newcomer() -> Account:
    """The account of somebody who was never here."""
    return Account(ids.new_id(), 0, 0, 0, 0, 0, 0, 0, 0, 1, None, "active", "", *[None] * 5)


def spendable(account: Account, kept: Iterable[StoredLot], program: Program, now: datetime) -> int:
    """The balance once what is due has been activated and expired; below zero in debt."""
    zone, points = program.zone, 0
    for lot in kept:
        expires_at = lot.expires_at
        if lot.sliding_months:
            months, last = lot.sliding_months, account.last_activity_at
            expires_at = lots.lasts_until(months, lot.opened_at, last, zone)
        waits = lot.pending and lot.active_at is not None and lot.active_at > now
        if not waits and (expires_at is None or expires_at > now):
            points += lot.remaining - lot.held
    return points - account.debt


def redeemable(terms: Redemption, balance: int, total: int, open_bill: int) -> Spendable:
    """How much of a bill (minor units) can be paid with points: no more than there are, than the
    share of `total` that the program allows, than what is not paid otherwise (`open_bill`); and
    none that would add no value."""
    whole = msgspec.structs.replace(terms, maximum_percent=100)
    offer = redemption.most(whole, balance, max(open_bill, 0))
    offer = redemption.most(terms, offer.points, total)
    return Spendable(
        spendable=max(balance, 0),
        maximum=offer.points,
        minimum=terms.minimum,
        unit=terms.unit,
        value=(terms.value.points, terms.value.amount),
        maximum_value=offer.value,
    )


def _after(
    account: Account, edition: Edition, points: int, occurred_at: datetime, now: datetime
) -> Account:
    """The account as awarding would leave it; the given one stays as it is."""
    after = msgspec.structs.replace(account)
    credit(
        after,
        Movement(account.member_id),
        edition.program,
        id=ids.new_id(),
        kind="earn",
        points=points,
        cause=ids.new_id(),
        occurred_at=occurred_at,
        now=now,
        source="purchase",
        actor="quote",
        version=edition.version,
        explanation=None,
    )
    return after
