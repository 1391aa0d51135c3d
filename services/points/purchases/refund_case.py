"""The case of one purchase: loaded under its account's lock, refunded in memory, written once.

Owns what a refund does to the ledger: points spent on the purchase return to their lots, points of
it that have expired stay gone and are not taken a second time, and the rest that is due is taken.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any
from uuid import UUID

import msgspec

from services.points.accounts.books import Book, Books, Terms
from services.points.programs.rulebook import Edition
from services.points.rules import lots, refunds
from services.points.rules.earn import Context
from services.points.rules.lots import Takes
from services.points.rules.purchase import Purchase
from services.points.rules.refunds import Past, Refund, Units, Wanted
from services.points.store import ledger as ledger_store
from services.points.store import lots as lot_store
from services.points.store import redemptions as redemption_store
from services.points.store import refunds as store
from services.points.store.refunds import Kept, Stored
from shared import ids
from shared.bus.handling import Batch, Connection
from shared.events import PointsReversed, new_event

SOURCE = "/points/refunds"
_FINEST = 10**18  # of a carried fraction, so that it fits its two columns


class Order(msgspec.Struct, frozen=True):
    """A refund that is asked for: `id` is the refund's, `actor` who asks."""

    id: UUID
    actor: str
    wanted: Wanted


class Spent(msgspec.Struct):
    """Points spent on the purchase. `lots` are those that gave them, in the order in which they
    did, with their terms where they are another member's; `returned` came back so far."""

    redemption: UUID
    entry: UUID | None
    captured: int
    returned: int
    lots: Takes
    terms: Mapping[UUID, Terms] | None


class Case:
    """One purchase and all its refunds; `refund` as often as wanted, then `write`."""

    def __init__(self, books: Books, kept: Kept, edition: Edition) -> None:
        self.kept = kept
        self.purchase = msgspec.json.decode(kept.purchase, type=Purchase)
        self.past = Past()
        self._context = msgspec.json.decode(kept.context, type=Context)
        self._books = books
        self._edition = edition
        self._lot: UUID | None = None
        self._expired = 0
        self._spent: list[Spent] = []
        self._done: list[Stored] = []

    @property
    def left(self) -> int:
        """Money that can still be refunded."""
        return self.purchase.total - self.kept.refunded

    @classmethod
    async def load(
        cls, connection: Connection, books: Books, edition: Edition, kept: Kept
    ) -> "Case":
        """Everything that refunds of the purchase look at and act on."""
        case = cls(books, kept, edition)
        earlier = await store.of_purchase(connection, kept.member_id, kept.id)
        case.past = _past(earlier)
        await case._load_lot(connection)
        named = [redemption_id(payment.redemption) for payment in case.purchase.payments]
        for redemption in dict.fromkeys(named):
            if redemption:
                await case._load_spent(connection, redemption)
        return case

    def refund(self, order: Order) -> Stored:
        """Refund a part or all that is left. Raises NotRefundable, and then nothing was done."""
        kept = self.kept
        refund = refunds.plan(
            self._edition.compiled,
            self.purchase,
            self._context,
            kept.points,
            self.past,
            order.wanted,
        )
        self.past = self.past.plus(refund.money, refund.units, refund.points_due)
        kept.refunded += refund.money
        returned = sum(self._give_back(order, refund, spent) for spent in self._spent)
        taken = self._take_back(order, refund)
        kept.points_back += taken
        kept.points_returned += returned
        self._count(refund)
        done = Stored(
            id=order.id,
            amount=refund.money,
            lines=msgspec.json.encode(refund.units).decode() if refund.units else None,
            points_due=refund.points_due,
            points_taken_back=taken,
            points_returned=returned,
            actor=order.actor,
            refunded_at=self._books.now,
        )
        self._done.append(done)
        self._tell(done)
        return done

    async def write(self, batch: Batch) -> None:
        """Store the refunds; the books are written by whoever opened them."""
        connection = batch.connection
        for done in self._done:
            await store.add(connection, self.kept, done)
        if self._done:
            await store.settle(connection, self.kept)
        for spent in self._spent:
            await store.set_returned(
                connection, self.kept.member_id, spent.redemption, spent.returned
            )
        taken = sum(done.points_taken_back for done in self._done)
        if taken and (budgets := self._edition.compiled.budgets):
            await ledger_store.lock_budgets(connection, budgets)
            await ledger_store.spend_budgets(connection, dict.fromkeys(budgets, -taken))

    @property
    def _book(self) -> Book:
        return self._books[self.kept.member_id]

    async def _load_lot(self, connection: Connection) -> None:
        """The lot that the purchase opened, or the one that took it over in a merge."""
        member, lot = self.kept.member_id, self.kept.entry_id
        heir = await store.heir(connection, member, lot) if self.kept.merged_from else lot
        if heir is None:
            return
        await self._books.recall(connection, [(member, heir)])
        if heir in self._book.lots:
            self._lot = heir
            just_now = [
                move
                for each in self._book.postings
                if each.kind == "expire"
                for move in each.moves or ()
            ]
            self._expired = await store.expired_of(connection, member, heir)
            self._expired -= sum(points for id, points in just_now if id == heir)

    async def _load_spent(self, connection: Connection, redemption: UUID) -> None:
        member = self.kept.member_id
        found = await redemption_store.find(connection, member, redemption)
        if found is None or found.status != "captured":
            return
        ledger_of, takes = await store.spent_from(connection, member, redemption)
        terms = None
        if ledger_of == member:
            await self._books.recall(connection, [(member, lot) for lot, _ in takes])
        else:
            theirs = await lot_store.named(connection, [(ledger_of, lot) for lot, _ in takes])
            terms = {
                lot.entry_id: Terms(None, lot.expires_at, lot.sliding_months) for lot in theirs
            }
        self._spent.append(
            Spent(redemption, found.entry_id, found.captured, found.returned, takes, terms)
        )

    def _give_back(self, order: Order, refund: Refund, spent: Spent) -> int:
        """Return points spent on the purchase, by the share of its money that was refunded."""
        total, money = self.purchase.total, self.kept.refunded
        goal = spent.captured if refund.whole else spent.captured * money // max(total, 1)
        points = max(goal - spent.returned, 0)
        if not points:
            return 0
        moves = again(spent.lots, spent.returned, points)
        facts = {
            "points": points,
            "purchase": str(self.kept.id),
            "redemption": str(spent.redemption),
            "refunded": refund.money,
            "returned": points,
            "currency": self._edition.program.currency,
        }
        if spent.terms is None:
            cause = ids.derived_id("refund", str(order.id), str(spent.redemption))
            self._post(order, "reverse", points, cause, facts, moves, spent.entry)
            self._book.movement.spent -= points
        else:
            for lot, part in moves:
                cause = ids.derived_id("refund", str(order.id), str(spent.redemption), str(lot))
                part_facts = {**facts, "points": part, "returned": part}
                terms = spent.terms[lot]
                self._post(order, "transfer", part, cause, part_facts, [], lot, terms)
        spent.returned += points
        return points

    def _take_back(self, order: Order, refund: Refund) -> int:
        """Take the points due; returns how many that were."""
        due = refund.points_due
        if not due:
            return 0
        facts: dict[str, Any] = {
            "purchase": str(self.kept.id),
            "refunded": refund.money,
            "remaining": refund.left,
            "points_before": refund.points_before,
            "points_now": refund.points_now,
            "currency": self._edition.program.currency,
        }
        gone = min(self._expired, due) if self._lot else 0
        if gone and self._lot:
            # They are taken for the refund instead: nobody loses the same points twice.
            self._expired -= gone
            cause = ids.derived_id("refund", str(order.id), "expired")
            back = {"points": gone, "purchase": str(self.kept.id)}
            self._post(order, "expire", gone, cause, back, [(self._lot, gone)], self._lot)
            facts["expired"] = gone
        clamp = self._books.edition.program.refunds.overspent == "clamp_to_zero"
        points, takes = self._book.take_back(due, first=self._lot, clamp=clamp)
        if points < due:
            facts["forgiven"] = due - points
        if points:
            facts["points"] = -points
            self._post(order, "reverse", -points, order.id, facts, takes, self.kept.entry_id)
            self._book.movement.earned -= points
        return points

    def _post(
        self,
        order: Order,
        kind: Any,
        points: int,
        cause: UUID,
        facts: Mapping[str, Any],
        moves: Takes,
        reverses: UUID | None,
        terms: Terms | None = None,
    ) -> None:
        self._book.post(
            kind,
            points,
            cause=cause,
            source="refund",
            actor=order.actor,
            explanation=facts,
            moves=moves,
            reverses=reverses,
            version=self._edition.version,
            terms=terms,
        )

    def _count(self, refund: Refund) -> None:
        """What the account's sums lose; a purchase of which nothing is left is no visit."""
        movement = self._book.movement
        movement.amount_spent -= refund.money
        if refund.whole:
            movement.visits -= self.kept.visits
            movement.purchases -= 1 if self.purchase.total else 0
            self.kept.visits = 0
        if refund.carried:
            carried = Fraction(movement.remainder_numerator, movement.remainder_denominator)
            num, den = _fitting(carried + refund.carried)
            movement.remainder_numerator, movement.remainder_denominator = num, den

    def _tell(self, done: Stored) -> None:
        member = self.kept.member_id
        told = PointsReversed(
            member_id=member,
            refund_id=done.id,
            purchase_id=self.kept.id,
            amount=done.amount,
            points_taken_back=done.points_taken_back,
            points_returned=done.points_returned,
            balance=self._book.balance,
            line_user_id=self._book.account.line_user_id,
        )
        self._books.tell(new_event(SOURCE, told, subject=str(member)))


def redemption_id(named: str | None) -> UUID | None:
    """The redemption that a payment names; None for what can be no redemption's id."""
    try:
        return UUID(named or "")
    except ValueError:
        return None


def _past(earlier: Sequence[Stored]) -> Past:
    past = Past()
    for each in earlier:
        units = msgspec.json.decode(each.lines or "[]", type=list[Units])
        past = past.plus(each.amount, units, each.points_due)
    return past


def again(takes: Takes, returned: int, points: int) -> Takes:
    """What a further return gives to which lot of a spend, after `returned` points came back."""
    before = Counter(dict(lots.give_back(takes, returned)))
    after = Counter(dict(lots.give_back(takes, returned + points)))
    return list((after - before).items())


def _fitting(carried: Fraction) -> tuple[int, int]:
    """A carried fraction that its columns can hold; finer ones are rounded up for the customer."""
    if carried.denominator > _FINEST:
        return -(-carried.numerator * _FINEST // carried.denominator), _FINEST
    return carried.numerator, carried.denominator
