"""Acts at the counter that are undone: each by an entry of its own that is linked to the first.

A purchase or visit is refunded whole, points that were spent return to their lots, points that
staff gave are taken back. Nothing is undone by half: where points were spent meanwhile it is
refused, and a refund is the way. What a refund did is not undone: the purchase is entered again.
"""

from datetime import datetime
from uuid import UUID

from services.points.accounts.books import Books, open_books
from services.points.errors import NotRefundable, NotUndoable
from services.points.programs.rulebook import Rulebook
from services.points.purchases import refunding
from services.points.purchases.refund_case import Order, again
from services.points.purchases.refunding import NOT_YET
from services.points.rules import counter
from services.points.rules.refunds import Wanted
from services.points.store import redemptions as redemption_store
from services.points.store import refunds as refund_store
from services.points.store import requests, views
from services.points.store.counter_acts import Listed
from shared.bus.handling import Batch
from shared.events import PointsAdjusted, new_event

SOURCE = "/points/counter"
UNDO = "undo"
"""The source of entries that take back what an act did."""

REASON = "店頭での操作の取り消し (undone at the counter)"


def until(rulebook: Rulebook, act: Listed, *, manager: bool) -> datetime | None:
    """The end of the time in which the act can be undone; None if it cannot."""
    if act.kind == "refund" or act.undone_at is not None or rulebook.empty:
        return None
    terms = rulebook.current().program.counter
    return counter.can_be_undone_until(terms, act.acted_at, manager=manager)


def require_undoable(
    rulebook: Rulebook, act: Listed, now: datetime, by: UUID, *, manager: bool
) -> None:
    """Raise NotUndoable unless `by` may undo the act now."""
    if act.undone_at is not None:
        raise NotUndoable("already-undone", "すでに取り消し済みです", "This was undone before")
    if act.kind == "refund":
        raise NotUndoable(
            "not-undoable",
            "返金は取り消せません。お買い上げをもう一度登録してください",
            "A refund cannot be undone. Enter the purchase again",
        )
    if not manager and act.actor_id != by:
        raise NotUndoable(
            "not-yours",
            "ほかの担当者の操作は取り消せません。責任者に頼んでください",
            "Somebody else did this. Ask them, or a manager",
        )
    end = until(rulebook, act, manager=manager)
    if end is None or now > end:
        raise NotUndoable(
            "too-late-to-undo",
            "取り消せる時間を過ぎています。責任者に頼むか、返金として処理してください",
            "It is too late to undo this. Ask a manager, or make a refund",
        )


async def undo(batch: Batch, rulebook: Rulebook, act: Listed, order: UUID, actor: str) -> None:
    """Undo an act that may be undone, under the id `order`. The act must be locked.

    Raises NotUndoable where what it gave is gone.
    """
    if act.kind == "service":
        await _take_back(batch, rulebook, act, order, actor)
    elif act.kind == "redemption":
        await _give_back(batch, rulebook, act, order, actor)
    else:
        await _refund(batch, rulebook, act, order, actor)


async def _refund(batch: Batch, rulebook: Rulebook, act: Listed, order: UUID, actor: str) -> None:
    """A purchase or visit: all that is left of it; what was spent on it comes back with it."""
    assert act.purchase_id is not None  # noqa: S101 - of these kinds
    wanted = Order(order, actor, Wanted())
    known = (await requests.find(batch.connection, [act.purchase_id])).get(act.purchase_id)
    if known is None or known.status in NOT_YET:
        await refunding.wait(batch, act.purchase_id, wanted)
        return
    if known.member_id is None:
        if act.redemption_id is not None:
            await _give_back(batch, rulebook, act, order, actor)
        return
    try:
        await refunding.undo(batch, rulebook, known, wanted)
    except NotRefundable as problem:
        raise NotUndoable(problem.kind, problem.ja, problem.en) from None


async def _give_back(
    batch: Batch, rulebook: Rulebook, act: Listed, order: UUID, actor: str
) -> None:
    """Points that were spent return to the lots that gave them."""
    assert act.redemption_id is not None  # noqa: S101 - of these kinds
    connection = batch.connection
    known = (await requests.find(connection, [act.redemption_id]))[act.redemption_id]
    member = known.member_id or act.member_id
    books = await open_books(connection, rulebook, [member])
    spent = await redemption_store.find(connection, member, act.redemption_id)
    points = spent.captured - spent.returned if spent and spent.status == "captured" else 0
    if spent is None or not points:
        raise NotUndoable("nothing-left", "すでにポイントは戻っています", "The points came back")
    ledger_of, takes = await refund_store.spent_from(connection, member, spent.id)
    if ledger_of != member:
        raise _merged()
    await books.recall(connection, [(member, lot) for lot, _ in takes])
    book = books[member]
    entry = book.post(
        "reverse",
        points,
        cause=order,
        source=UNDO,
        actor=actor,
        explanation={"points": points, "redemption": str(spent.id), "act": str(act.id)},
        moves=again(takes, spent.returned, points),
        reverses=spent.entry_id,
    )
    book.movement.spent -= points
    _tell(books, member, entry.id, points)
    await books.write(batch)
    await refund_store.set_returned(connection, member, spent.id, spent.captured)


async def _take_back(
    batch: Batch, rulebook: Rulebook, act: Listed, order: UUID, actor: str
) -> None:
    """Points that staff gave go, from their own lot first."""
    assert act.entry_id is not None  # noqa: S101 - of this kind
    books = await open_books(batch.connection, rulebook, [act.member_id])
    book = books[act.member_id]
    points = (await views.entry(batch.connection, act.member_id, act.entry_id))["amount"]
    found, takes = book.take_back(points, first=act.entry_id, clamp=True)
    if found < points:
        raise refunding.spent_meanwhile()
    entry = book.post(
        "reverse",
        -points,
        cause=order,
        source=UNDO,
        actor=actor,
        explanation={"points": -points, "act": str(act.id)},
        moves=takes,
        reverses=act.entry_id,
    )
    book.movement.earned -= points
    _tell(books, act.member_id, entry.id, -points)
    await books.write(batch)


def _tell(books: Books, member: UUID, entry: UUID, points: int) -> None:
    book = books[member]
    told = PointsAdjusted(member, entry, points, book.balance, REASON, book.account.line_user_id)
    books.tell(new_event(SOURCE, told, subject=str(member)))


def _merged() -> NotUndoable:
    return NotUndoable(
        "merged-meanwhile",
        "会員証が統合されたため、取り消せません。責任者に調整を頼んでください",
        "The card was merged meanwhile, so this cannot be undone. Ask for an adjustment",
    )
