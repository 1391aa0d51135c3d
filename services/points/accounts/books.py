"""Books: the accounts of some members under lock, acted on by the rules of the ledger.

Everything but plain awarding goes this way: open, act (in memory, nothing is written), write once.
Opening brings an account up to date: points whose waiting is over become active, what has expired
goes, so nobody is refused points that are theirs or spends what is gone. Whoever opens several
members opens them together: accounts are locked in member order.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from services.points.accounts import settling
from services.points.accounts.postings import movement_of
from services.points.accounts.standing import lot_of, waits
from services.points.errors import BooksBroken, MergedMeanwhile, NotEnoughPoints
from services.points.programs.rulebook import Edition, Rulebook
from services.points.rules import ledger, lots
from services.points.rules.ledger import Balances, Entry, Kind
from services.points.rules.lots import Lot, NotEnough, Takes
from services.points.rules.program import SlidingExpiry
from services.points.store import ledger as store
from services.points.store import lots as lot_store
from services.points.store.ledger import Account, KeptPurchase, Posting
from services.points.store.lots import StoredLot
from shared import clock, ids
from shared.bus.errors import NotYet
from shared.bus.handling import Batch, Connection
from shared.events import Event

SOURCE = "/points/ledger"


class Terms(Struct, frozen=True):
    """Of a lot that is opened: when it becomes active (None: at once) and when it expires, at a
    moment or so many months after the account's last activity (neither: never)."""

    active_at: datetime | None = None
    expires_at: datetime | None = None
    sliding_months: int | None = None

    @classmethod
    def of(cls, edition: Edition, occurred_at: datetime) -> "Terms":
        """Those of points earned at a moment under a program, without waiting."""
        expiry = edition.program.expiry
        if isinstance(expiry, SlidingExpiry):
            return cls(sliding_months=expiry.months)
        return cls(expires_at=lots.expires_at(edition.program, occurred_at))

    def lot_expires_at(self, last_activity: datetime, zone: ZoneInfo) -> datetime | None:
        """When the lot expires as things stand."""
        if self.sliding_months:
            return lots.slides_to(self.sliding_months, last_activity, zone)
        return self.expires_at


class Book:
    """One member's points, locked. Act on it through its methods; `Books.write` stores it.

    `account` has the counters as they were when it was opened.
    """

    def __init__(self, account: Account, kept: Mapping[UUID, Lot], books: "Books") -> None:
        self.account = account
        self.movement = movement_of({}, account)
        self.postings: list[Posting] = []
        self._books = books
        self._kept = dict(kept)
        self._state = ledger.Account(dict(kept), account.debt)
        if self.sums != _stored(account):
            raise BooksBroken(account.member_id)

    @property
    def member_id(self) -> UUID:
        return self.account.member_id

    @property
    def sums(self) -> Balances:
        """What the account holds now."""
        return ledger.balances(self._state)

    @property
    def balance(self) -> int:
        """Spendable points; negative when in debt. What has expired, such as points that were let
        go or came back too late, does not count."""
        return lots.spendable(self._state.lots.values(), self._books.now) - self._state.debt

    @property
    def state(self) -> ledger.Account:
        """The account as the ledger's rules see it."""
        return self._state

    @property
    def lots(self) -> Mapping[UUID, Lot]:
        """The lots now; used up ones only if something was done to them here."""
        return self._state.lots

    def post(
        self,
        kind: Kind,
        amount: int,
        *,
        cause: UUID,
        source: str,
        actor: str,
        explanation: Mapping[str, Any],
        moves: Takes = [],  # noqa: B006 - read only
        reverses: UUID | None = None,
        version: int | None = None,
        occurred_at: datetime | None = None,
        terms: Terms | None = None,
        at: datetime | None = None,
    ) -> Entry:
        """Append an entry; the ledger's rules say what it does to which lot.

        `moves` and `reverses` are as in `ledger.Entry`, `version` is the program's (default: the
        one in force now), `terms` those of the lot that it opens (default: never expires), `at`
        the moment at which it takes effect (default: now). Raises NotEnoughPoints for an overspend.
        """
        now, terms = self._books.now, terms or Terms()
        draft = Entry(
            id=ids.new_id(),
            member=self.member_id,
            amount=amount,
            kind=kind,
            occurred_at=occurred_at or at or now,
            recorded_at=at or now,  # the rules act at this moment
            cause=cause,
            source=source,
            actor=actor,
            program_version=version or self._books.edition.version,
            explanation=dict(explanation),
            expires_at=terms.lot_expires_at(now, self._books.zone),
            pending=terms.active_at is not None and terms.active_at > now,
            moves=tuple(moves),
            reverses=reverses,
        )
        try:
            entry = replace(ledger.decide(self._state, draft), recorded_at=now)
        except NotEnough as problem:
            raise NotEnoughPoints(problem.spendable) from problem
        self._state = ledger.apply(self._state, entry)
        self.postings.append(self._posting(entry, terms))
        return entry

    def take_back(self, points: int, *, first: UUID | None, clamp: bool) -> tuple[int, Takes]:
        """How many of `points` a refund takes and the moves that do it; with `clamp` no more than
        the lots have, otherwise the rest becomes debt."""
        takes = lots.take_back(self._state.lots, points, first, self._books.now)
        found = sum(taken for _, taken in takes)
        return (found if clamp else points), lots.taken(takes)

    def hold(self, points: int) -> Takes:
        """Set points aside; raises NotEnoughPoints. Returns the lots that hold them."""
        if points > max(self.balance, 0):
            raise NotEnoughPoints(self.balance)
        takes = lots.spend(self._state.lots.values(), points, self._books.now)
        self._set_held(takes, 1)
        return takes

    def let_go(self, takes: Iterable[tuple[UUID, int]]) -> None:
        """End a hold; its points are spendable again, or capture them next."""
        self._set_held(takes, -1)

    def pay_debt(self, cause: UUID, source: str, freed: Takes) -> None:
        """Pay debt from points that were just let go; an entry says so where there was any."""
        if self._state.debt and self.balance + self._state.debt > 0:
            self.post(
                "release",
                0,
                cause=cause,
                source=source,
                actor="program",
                explanation={"points": 0, "debt": self._state.debt},
                moves=[(lot, 0) for lot, _ in freed],
            )

    def _set_held(self, takes: Iterable[tuple[UUID, int]], sign: int) -> None:
        changed = dict(self._state.lots)
        for id, points in takes:
            changed[id] = replace(changed[id], held=changed[id].held + sign * points)
        self._state = ledger.Account(changed, self._state.debt)

    def _posting(self, entry: Entry, terms: Terms) -> Posting:
        opens = entry.id in self._state.lots
        assert entry.actor is not None  # noqa: S101 - `post` wants one
        return Posting(
            member_id=self.member_id,
            id=entry.id,
            kind=entry.kind,
            amount=entry.amount,
            balance_after=self.balance,
            cause=entry.cause,
            occurred_at=entry.occurred_at,
            recorded_at=entry.recorded_at,
            source=entry.source,
            actor=entry.actor,
            program_version=entry.program_version or 0,
            explanation=entry.explanation,
            opened=entry.amount if opens else 0,
            moves=list(entry.moves) or None,
            reverses=entry.reverses,
            active_at=terms.active_at if opens and entry.pending else None,
            expires_at=terms.expires_at if opens else None,
            sliding_months=terms.sliding_months if opens else None,
        )

    def finish(self) -> list[lot_store.Changed]:
        """Fill in what the account gained and what its new lots have left; returns the other lots
        that changed. Called once, by `Books.write`."""
        before, after = _stored(self.account), self.sums
        self.movement.in_lots += after.lots - before.lots
        self.movement.pending += after.pending - before.pending
        self.movement.held += after.held - before.held
        self.movement.debt += after.debt - before.debt
        for posting in self.postings:
            if posting.opened:
                posting.remaining = self.lots[posting.id].remaining
        return [
            lot_store.Changed(self.member_id, id, lot.remaining, lot.held, not lot.active)
            for id, lot in self.lots.items()
            if id in self._kept and lot != self._kept[id]
        ]

    def recall(self, kept: Iterable[Lot]) -> None:
        """Take in lots that were used up, so that points can return to them."""
        for lot in kept:
            if lot.id not in self._state.lots:
                self._kept[lot.id] = self._state.lots[lot.id] = lot


class Books:
    """Some members' books, open in one transaction. `edition` is the program in force at `now`."""

    def __init__(self, now: datetime, edition: Edition) -> None:
        self.now = now
        self.edition = edition
        self.zone = edition.program.zone
        self._books: dict[UUID, Book] = {}
        self._stored: dict[UUID, list[StoredLot]] = {}
        self._events: list[Event[Any]] = []
        self._purchases: list[KeptPurchase] = []

    def __getitem__(self, member: UUID) -> Book:
        return self._books[member]

    def __contains__(self, member: UUID) -> bool:
        return member in self._books

    def all(self) -> Iterable[Book]:
        """The open books, in member order."""
        return self._books.values()

    def terms(self, member: UUID, lot: UUID) -> Terms:
        """The terms of a lot that was open when the book was."""
        stored = next(each for each in self._stored[member] if each.entry_id == lot)
        active_at = stored.active_at if not self._books[member].lots[lot].active else None
        return Terms(active_at, stored.expires_at, stored.sliding_months)

    def tell(self, event: Event[Any]) -> None:
        """Have an event emitted when the books are written."""
        self._events.append(event)

    def keep(self, purchase: KeptPurchase) -> None:
        """Have a purchase (or a visit) kept when the books are written."""
        self._purchases.append(purchase)

    async def recall(self, connection: Connection, wanted: Sequence[tuple[UUID, UUID]]) -> None:
        """Bring back used up lots, given as (member, lot), that points are to return to."""
        for stored in await lot_store.named(connection, wanted):
            book = self._books[stored.member_id]
            book.recall([self._lot(stored, book.account)])

    async def write(self, batch: Batch) -> None:
        """Store all that was done, and say it."""
        books = list(self._books.values())
        changed = [lot for book in books for lot in book.finish()]
        postings = [posting for book in books for posting in book.postings]
        movements = [book.movement for book in books]
        await store.post(batch.connection, postings, movements, self._purchases)
        await lot_store.change(batch.connection, changed)
        batch.emit_all(self._events)

    async def _load(self, connection: Connection, members: Sequence[UUID]) -> None:
        accounts = await store.lock_accounts(connection, members)
        for stored in await lot_store.open_ones(connection, list(accounts)):
            self._stored.setdefault(stored.member_id, []).append(stored)
        for member, account in accounts.items():
            kept = [self._lot(each, account) for each in self._stored.get(member, ())]
            book = self._books[member] = Book(account, {lot.id: lot for lot in kept}, self)
            active_at = waits(self._stored.get(member, ()))
            self._events += settling.settle(book, active_at, self.now)

    def _lot(self, stored: StoredLot, account: Account) -> Lot:
        return lot_of(stored, account.last_activity_at, self.zone)


async def open_books(
    connection: Connection,
    rulebook: Rulebook,
    members: Sequence[UUID],
    *,
    merged_too: bool = False,
) -> Books:
    """Lock the members' accounts and open their books; unknown members are left out.

    Raises NotYet while no program was ever published, and MergedMeanwhile when one of them was
    merged into another (unless `merged_too`).
    """
    await rulebook.refresh(connection)
    if rulebook.empty:
        raise NotYet("no program has been published yet")
    now = clock.now()
    books = Books(now, rulebook.in_force(now))
    await books._load(connection, members)
    if not merged_too and any(book.account.merged_into for book in books.all()):
        raise MergedMeanwhile
    return books


def _stored(account: Account) -> Balances:
    return Balances(
        lots=account.in_lots, pending=account.pending, held=account.held, debt=account.debt
    )
