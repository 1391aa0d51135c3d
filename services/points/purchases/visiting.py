"""A visit without a purchase is counted: once for whoever comes, within the program's limits.

It stands in the ledger like a purchase of nothing, so that limits see both and ranks count both;
but it is no purchase: whoever buys for the first time later still does so for the first time.
"""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from services.points.accounts.books import Book, Books, Terms, open_books
from services.points.errors import MemberGone, VisitRefused
from services.points.programs.rulebook import Edition, Rulebook
from services.points.purchases.judging import context_of
from services.points.rules import lots, visits
from services.points.rules.earn import Award, Context, Purchase
from services.points.store import ledger as ledger_store
from services.points.store import visits as store
from services.points.store.ledger import KeptPurchase, Recent
from services.points.store.visits import SCREEN, STAFF, PrintedCode
from shared.bus.handling import Batch, Connection
from shared.events import Event, PointsEarned, new_event

SOURCE = "/points/visits"
VISIT = "visit"


class Place(Struct, frozen=True):
    """Where somebody came, and how that is known: `by` is the id of what showed or holds the code,
    `printed` the code if it hangs there; at the counter (`staff`) it is who served."""

    store: str
    by: UUID
    printed: PrintedCode | None = None
    staff: bool = False

    @property
    def way(self) -> str:
        """How the visit was counted, as it is kept."""
        if self.staff:
            return STAFF
        return str(self.printed.id) if self.printed else SCREEN


async def count(
    batch: Batch, rulebook: Rulebook, member_id: UUID, place: Place, *, cause: UUID, actor: str
) -> UUID:
    """Count a visit of a member that there is; returns the ledger entry. `cause` is the visit's id.

    Raises VisitRefused, which says why it does not count, and MemberGone for who has left.
    """
    books = await open_books(batch.connection, rulebook, [member_id])
    book, edition = books[member_id], books.edition
    if book.account.status == "left":
        raise MemberGone("left", None)
    context = await _context(batch.connection, book, edition, books.now)
    award = visits.evaluate(edition.compiled, place.store, books.now, context)
    await _require_room(batch, books, member_id, place, award)
    entry = _post(books, book, place, award, context, cause, actor)
    if budgets := edition.compiled.budgets:
        await ledger_store.spend_budgets(batch.connection, dict.fromkeys(budgets, award.points))
    await books.write(batch)
    return entry


async def _context(connection: Connection, book: Book, edition: Edition, now: datetime) -> Context:
    """What the past contributes; campaigns' budgets are locked until the transaction ends."""
    recent: list[Recent] = []
    if edition.compiled.looks_back:
        since = now - edition.compiled.looks_back
        recent = await ledger_store.recent_purchases(connection, [book.member_id], since)
    names = sorted(edition.compiled.budgets)
    budgets = await ledger_store.lock_budgets(connection, names) if names else {}
    return context_of(book.account, edition, now, recent, budgets)


async def _require_room(
    batch: Batch, books: Books, member_id: UUID, place: Place, award: Award
) -> None:
    """Raise VisitRefused where the visit is one too many."""
    today = lots.midnight(books.now.astimezone(books.zone).date(), books.zone)
    scanned, this_way = await store.scanned(batch.connection, member_id, place.way, today)
    reason: str | None = visits.refusal(books.edition.compiled, award, scanned)
    if reason:
        raise VisitRefused(reason)
    if place.printed is None:
        return
    held = await store.code(batch.connection, place.printed.id, hold=True)
    if held is None or held.revoked_at is not None:
        raise VisitRefused("revoked")
    if this_way >= held.per_member:
        raise VisitRefused("today")
    if await store.counted(batch.connection, place.way, today) >= held.per_day:
        raise VisitRefused("crowded")


def _post(
    books: Books,
    book: Book,
    place: Place,
    award: Award,
    context: Context,
    cause: UUID,
    actor: str,
) -> UUID:
    entry = book.post(
        "earn",
        award.points,
        cause=cause,
        source=VISIT,
        actor=actor,
        explanation={**award.explanation, "store": place.store},
        terms=_terms(books.edition, books.now),
    )
    movement = book.movement
    movement.earned += award.points
    movement.visits += award.visits
    movement.last_visit_at = books.now
    books.keep(_kept(books.now, book, place, award, context, cause, entry.id))
    books.tell(_earned(book, place, award, entry.id, books.now))
    return entry.id


def _kept(
    now: datetime,
    book: Book,
    place: Place,
    award: Award,
    context: Context,
    cause: UUID,
    entry: UUID,
) -> KeptPurchase:
    return KeptPurchase(
        member_id=book.member_id,
        id=cause,
        entry_id=entry,
        store=place.store,
        terminal_id=place.by,
        occurred_at=now,
        accepted_at=now,
        total=0,
        visits=award.visits,
        points=award.points,
        purchase=Purchase(total=0, occurred_at=now, store=place.store),
        context=context,
        visit=place.way,
    )


def _terms(edition: Edition, now: datetime) -> Terms:
    of = Terms.of(edition, now)
    active_at = lots.active_from(edition.program, now)
    return Terms(active_at if active_at > now else None, of.expires_at, of.sliding_months)


def _earned(
    book: Book, place: Place, award: Award, entry: UUID, now: datetime
) -> Event[PointsEarned]:
    earned = PointsEarned(
        member_id=book.member_id,
        entry_id=entry,
        source=VISIT,
        points=award.points,
        balance=book.balance,
        occurred_at=now,
        line_user_id=book.account.line_user_id,
        store=place.store,
    )
    return new_event(SOURCE, earned, subject=str(book.member_id))
