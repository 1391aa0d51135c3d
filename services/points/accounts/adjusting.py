"""Points added or taken by hand, with a reason: a ledger entry like any other."""

from uuid import UUID

from services.points.accounts.books import Terms, open_books
from services.points.errors import MemberGone, NotEnoughPoints
from services.points.programs.rulebook import Rulebook
from shared.bus.handling import Batch
from shared.events import PointsAdjusted, new_event

SOURCE = "/points/adjustments"


async def adjust(
    batch: Batch,
    rulebook: Rulebook,
    *,
    member_id: UUID,
    points: int,
    reason: str,
    cause: UUID,
    actor: str,
) -> str:
    """Add (> 0) or take (< 0) points; returns the id of the entry.

    Raises NotEnoughPoints rather than go below zero, MemberGone for who has left.
    """
    books = await open_books(batch.connection, rulebook, [member_id])
    book = books[member_id]
    if book.account.status == "left":
        raise MemberGone("left", None)
    if points < 0 and -points > book.balance:
        raise NotEnoughPoints(book.balance)
    entry = book.post(
        "adjust",
        points,
        cause=cause,
        source="adjustment",
        actor=actor,
        explanation={"points": points, "reason": reason},
        terms=Terms.of(books.edition, books.now) if points > 0 else None,
    )
    data = PointsAdjusted(
        member_id, entry.id, points, book.balance, reason, book.account.line_user_id
    )
    books.tell(new_event(SOURCE, data, subject=str(member_id)))
    await books.write(batch)
    return str(entry.id)
