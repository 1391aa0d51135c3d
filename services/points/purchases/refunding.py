"""Refunds: done at once where the purchase is there, otherwise kept and done right after it.

Refunds of a purchase happen in the order in which they were accepted: whoever comes to it first, a
later refund or the sweep, does those that wait.
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from services.points.accounts.books import open_books
from services.points.errors import NotRefundable, NotUndoable, PointsError
from services.points.programs.rulebook import Rulebook
from services.points.purchases.refund_case import Case, Order
from services.points.rules.ledger import LedgerBroken
from services.points.rules.refunds import Wanted
from services.points.store import refunds as store
from services.points.store import requests
from services.points.store.refunds import Stored, Waiting
from services.points.store.requests import Known, Settled
from shared import clock, logs, outbox
from shared.bus.handling import Batch
from shared.db import CONFLICTS, Pool

NOT_YET = ("accepted", "waiting_for_member")
"""States of a purchase that has earned nothing so far."""

PAGE = 100

_PASSING: tuple[type[Exception], ...] = (*CONFLICTS, PointsError, LedgerBroken)
"""What keeps one purchase's refunds waiting and must not keep the others."""

log = logs.logger(__name__)


async def wait(batch: Batch, purchase: UUID, order: Order) -> None:
    """Keep a refund until its purchase has been processed."""
    body = msgspec.json.encode(order.wanted).decode()
    waiting = Waiting(order.id, body, order.actor, clock.now())
    await store.keep_waiting(batch.connection, purchase, waiting)


async def refund(batch: Batch, rulebook: Rulebook, purchase: Known, order: Order) -> Stored | None:
    """Refund a purchase that has been awarded; None when there is no such purchase.

    Raises NotRefundable, with what is left, for more than that.
    """
    done = await _act(batch, rulebook, purchase, [order])
    return done[-1] if done else None


async def undo(batch: Batch, rulebook: Rulebook, purchase: Known, order: Order) -> Stored | None:
    """The same for a purchase that was a mistake: all that is left of it, and no debt is made.

    Raises NotUndoable when the member has spent its points meanwhile.
    """
    done = await _act(batch, rulebook, purchase, [order], in_full=True)
    return done[-1] if done else None


async def sweep(pool: Pool, relay: outbox.Relay, rulebook: Rulebook) -> None:
    """Do the refunds whose purchases have been processed meanwhile, a purchase a transaction."""
    after = UUID(int=0)
    while True:
        async with pool.acquire() as connection:
            page = await store.ready(connection, after, PAGE)
        for purchase in page:
            try:
                await _sweep_one(pool, relay, rulebook, purchase)
            except _PASSING as problem:
                log.error("refund waits", purchase=str(purchase), problem=repr(problem))
        if len(page) < PAGE:
            return
        after = page[-1]


async def _sweep_one(pool: Pool, relay: outbox.Relay, rulebook: Rulebook, purchase: UUID) -> None:
    async with pool.acquire() as connection, connection.transaction():
        batch = Batch(connection)
        known = (await requests.find(connection, [purchase]))[purchase]
        if known.member_id is None:
            waiting = await store.take_waiting(connection, purchase)
            await _reject(batch, [(each.id, _gone(known)) for each in waiting])
        else:
            await _act(batch, rulebook, known, [])
        rows = await outbox.write(connection, batch.emitted)
    await relay.hand_over(rows)


async def _act(
    batch: Batch,
    rulebook: Rulebook,
    purchase: Known,
    orders: Sequence[Order],
    *,
    in_full: bool = False,
) -> list[Stored] | None:
    """Do what waits for the purchase, then `orders`; only these raise NotRefundable, or with
    `in_full` NotUndoable where points are missing."""
    assert purchase.member_id is not None  # noqa: S101 - callers looked
    connection = batch.connection
    books = await open_books(connection, rulebook, [purchase.member_id])
    kept = await store.kept(connection, purchase.member_id, purchase.id)
    if kept is None:
        return None
    case = await Case.load(connection, books, rulebook.edition(kept.version), kept)
    await _catch_up(batch, case)
    owed = books[purchase.member_id].sums.debt
    done = [case.refund(order) for order in orders]
    short = any(each.points_taken_back < each.points_due for each in done)
    if in_full and (short or books[purchase.member_id].sums.debt > owed):
        raise spent_meanwhile()
    await books.write(batch)
    await case.write(batch)
    return done


async def _catch_up(batch: Batch, case: Case) -> None:
    refused = []
    done = []
    for each in await store.take_waiting(batch.connection, case.kept.id):
        try:
            case.refund(Order(each.id, each.actor, msgspec.json.decode(each.body, type=Wanted)))
        except NotRefundable as problem:
            refused.append((each.id, str(problem)))
        else:
            done.append(Settled(each.id, "done", case.kept.member_id))
    if done:
        await requests.settle(batch.connection, done)
    await _reject(batch, refused)


async def _reject(batch: Batch, refused: Sequence[tuple[UUID, str]]) -> None:
    if refused:
        settled = [Settled(id, "rejected", None, detail) for id, detail in refused]
        await requests.settle(batch.connection, settled)


def spent_meanwhile() -> NotUndoable:
    """Points that an act gave are gone."""
    return NotUndoable(
        "points-spent",
        "付けたポイントがすでに使われているため、取り消せません。返金として処理してください",
        "The points have been spent meanwhile, so this cannot be undone. Make a refund instead",
    )


def _gone(purchase: Known) -> str:
    why = purchase.detail or purchase.status
    ja = "このお買い上げは受け付けられなかったため、取り消すポイントはありません。"
    return f"{ja} / The purchase was rejected, so there are no points to take back: {why}"
