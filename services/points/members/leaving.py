"""Leaving for good: what can be spent or waits is lost, what is held is let go, a debt stays.

The ledger keeps adding up: one `expire` entry takes every lot, so that the sum of entries is minus
the debt. Names and LINE account are set free; the card stays with the row and is refused from now
on. Who only blocks the account has not left (`enrolment`).
"""

from datetime import datetime
from uuid import UUID

import msgspec

from services.points.accounts.books import Book, Books, open_books
from services.points.errors import MemberGone
from services.points.programs.rulebook import Rulebook
from services.points.purchases import redeeming
from services.points.store import leaving as store
from services.points.store.leaving import Leaver
from shared import ids
from shared.bus.handling import Batch
from shared.events import MemberLeft, new_event

SOURCE = "/points/members"
LEAVING = "leaving"
"""The `source` of the entry that takes the points of who leaves."""


class Left(msgspec.Struct, frozen=True):
    """A member who left, and the points that went."""

    member_id: UUID
    card: str
    points_lost: int
    left_at: datetime


async def leave(
    batch: Batch, rulebook: Rulebook, member: UUID, *, reason: str | None, actor: str
) -> Left:
    """Let a member leave. Raises MemberGone when they have left, were merged or never were."""
    connection = batch.connection
    books = await open_books(connection, rulebook, [member], merged_too=True)
    there = await store.lock(connection, member)
    if there is None:
        raise MemberGone("unknown", None)
    if there.status not in ("active", "suspended"):
        raise MemberGone(there.status, there.merged_into)
    await redeeming.let_all_go(connection, books, member)
    points = _lose_all(books[member], actor)
    await store.leave(connection, member, reason, books.now)
    if there.line_user_id:
        await store.say_farewell(connection, [there.line_user_id], books.now)
    left = Left(member, there.card, points, books.now)
    _tell(books, left, there)
    await books.write(batch)
    return left


def _lose_all(book: Book, actor: str) -> int:
    """Take what every lot has left, pending ones too; returns the points."""
    open_lots = [lot for lot in book.lots.values() if lot.remaining]
    points = sum(lot.remaining for lot in open_lots)
    if points:
        pending = sum(lot.remaining for lot in open_lots if not lot.active)
        book.post(
            "expire",
            -points,
            cause=ids.derived_id(LEAVING, str(book.member_id)),  # once in a member's life
            source=LEAVING,
            actor=actor,
            explanation={"points": -points, **({"pending": pending} if pending else {})},
            moves=[(lot.id, -lot.remaining) for lot in open_lots],
        )
    return points


def _tell(books: Books, left: Left, there: Leaver) -> None:
    told = MemberLeft(left.member_id, left.card, left.points_lost, left.left_at, there.line_user_id)
    books.tell(new_event(SOURCE, told, subject=str(left.member_id)))
