"""Two cards of one person become one, and can be told apart again.

Points move lot by lot with their own expiry, by `transfer` entries on both sides, so both ledgers
add up alone. Purchases, redemptions and names move too: ranks, refunds and tills see one member.
Undoing returns what is left of the points that came along; what was spent since stays spent.
"""

from uuid import UUID

from services.points.accounts.books import Book, Books, Terms, open_books
from services.points.errors import NotMergeable
from services.points.programs.rulebook import Rulebook
from services.points.store import ledger as ledger_store
from services.points.store import merges as store
from services.points.store.merges import Merge, Moved
from shared import ids
from shared.bus.handling import Batch
from shared.events import MemberMerged, MemberUnmerged, new_event

SOURCE = "/points/members"
NAMES = ("external_id", "phone", "line_user_id")


async def merge(
    batch: Batch,
    rulebook: Rulebook,
    *,
    id: UUID,
    kept: UUID,
    absorbed: UUID,
    reason: str,
    actor: str,
) -> Merge:
    """Let `kept` take over everything of `absorbed`; `id` is the merge's. Raises NotMergeable."""
    connection = batch.connection
    books = await open_books(connection, rulebook, [kept, absorbed])
    members = await store.lock_members(connection, [kept, absorbed])
    one, other = members[kept], members[absorbed]
    if kept == absorbed:
        raise NotMergeable("same-member", "同じ会員です。", "Both are the same member.")
    for member in (one, other):
        if member["status"] not in ("active", "suspended"):
            raise NotMergeable(
                "not-there", "退会・統合済みの会員です。", "One of them has left or was merged."
            )
    if await store.keeps(connection, absorbed):
        raise NotMergeable(
            "keeps-others",
            "この会員は別のカードを統合しています。逆の向きで統合してください。",
            "This member has taken over another card. Merge the other way around.",
        )
    await _require_no_holds(batch, kept, absorbed)
    account = books[absorbed].account
    names = {name: other[name] for name in NAMES if other[name] and not one[name]}
    made = Merge(
        id=id,
        kept=kept,
        absorbed=absorbed,
        names=names,
        earned=account.earned,
        spent=await ledger_store.spent(connection, absorbed),
        status_before=other["status"],
        reason=reason,
        actor=actor,
        merged_at=books.now,
    )
    _transfer_all(books, made, actor)
    moved = await store.move(connection, made)
    _move_sums(books[absorbed], books[kept], made, moved)
    to = books[kept]
    told = MemberMerged(kept, absorbed, id, to.account.card, to.balance, to.account.line_user_id)
    books.tell(new_event(SOURCE, told, subject=str(kept)))
    await books.write(batch)
    return made


async def undo(batch: Batch, rulebook: Rulebook, asked: Merge, actor: str) -> Merge:
    """Tell two merged members apart again. Raises NotMergeable when it was undone already."""
    connection = batch.connection
    books = await open_books(connection, rulebook, [asked.kept, asked.absorbed], merged_too=True)
    made = await store.find(connection, asked.id)
    if made is None or made.undone_at is not None:
        raise NotMergeable(
            "undone", "この統合は取り消し済みです。", "This merge was undone already."
        )
    if books[made.kept].account.status == "left":
        raise NotMergeable(
            "not-there",
            "統合先の会員は退会済みです。",
            "The member who took over has left; what was merged went with them.",
        )
    await _require_no_holds(batch, made.kept, made.absorbed)
    back = await store.transferred(connection, made)
    for lot in list(books[made.kept].lots.values()):
        if lot.id in back and lot.remaining:
            _move_lot(books, books[made.kept], books[made.absorbed], lot.id, asked.id, actor)
    moved = await store.move_back(connection, made)
    _move_sums(books[made.kept], books[made.absorbed], made, moved)
    await store.undo(connection, made.id, books.now, actor)
    to = books[made.absorbed]
    told = MemberUnmerged(
        made.absorbed, made.kept, made.id, to.account.card, to.balance, to.account.line_user_id
    )
    books.tell(new_event(SOURCE, told, subject=str(made.absorbed)))
    await books.write(batch)
    return made


async def _require_no_holds(batch: Batch, *members: UUID) -> None:
    if await store.held(batch.connection, members):
        raise NotMergeable(
            "points-held",
            "ご利用手続き中のポイントがあります。確定または取り消してからやり直してください。",
            "Points are held by a redemption. Capture or void it, then try again.",
        )


def _transfer_all(books: Books, made: Merge, actor: str) -> None:
    """Each lot moves with its own expiry; a debt moves as a debt."""
    source, target = books[made.absorbed], books[made.kept]
    for lot in list(source.lots.values()):
        if lot.remaining:
            _move_lot(books, source, target, lot.id, made.id, actor)
    if debt := source.sums.debt:
        cause = ids.derived_id("merge-debt", str(made.id))
        _post(source, debt, cause, target, actor)
        _post(target, -debt, cause, source, actor)


def _move_lot(
    books: Books, source: Book, target: Book, lot: UUID, merge_id: UUID, actor: str
) -> None:
    points, terms = source.lots[lot].remaining, books.terms(source.member_id, lot)
    cause = ids.derived_id("merge", str(merge_id), str(lot))
    _post(source, -points, cause, target, actor, moves=[(lot, -points)])
    _post(target, points, cause, source, actor, reverses=lot, terms=terms)


def _post(
    book: Book,
    points: int,
    cause: UUID,
    other: Book,
    actor: str,
    *,
    moves: list[tuple[UUID, int]] = [],  # noqa: B006 - read only
    reverses: UUID | None = None,
    terms: Terms | None = None,
) -> None:
    card = "from_card" if reverses or points > 0 else "to_card"
    book.post(
        "transfer",
        points,
        cause=cause,
        source="merge",
        actor=actor,
        explanation={"points": points, card: other.account.card},
        moves=moves,
        reverses=reverses,
        terms=terms,
    )


def _move_sums(source: Book, target: Book, made: Merge, moved: Moved) -> None:
    """The lifetime sums go where the purchases went."""
    for book, sign in ((source, -1), (target, 1)):
        book.movement.earned += sign * made.earned
        book.movement.spent += sign * made.spent
        book.movement.purchases += sign * moved.purchases
        book.movement.amount_spent += sign * moved.amount_spent
        book.movement.visits += sign * moved.visits
    target.movement.last_visit_at = moved.last_visit_at
