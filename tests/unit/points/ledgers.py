"""Books for tests of the pure rules: accounts with lots, in no database."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from services.points.accounts import settling
from services.points.accounts.books import Book, Books
from services.points.accounts.standing import lot_of
from services.points.programs.rulebook import Edition
from services.points.purchases.quoting import newcomer
from services.points.rules.compiled import compile_program
from services.points.rules.program import parse
from services.points.store.lots import Holding, StoredLot
from shared.events import Event

NOW = datetime(2025, 4, 1, 12, tzinfo=UTC)
OPENED = NOW - timedelta(days=100)


def stored(
    number: int,
    points: int,
    *,
    active: float | None = None,
    expires: float | None = None,
    held: int = 0,
    sliding_months: int | None = None,
) -> StoredLot:
    """A lot that becomes active and expires so many days from `NOW` (None: active, never)."""
    return StoredLot(
        member_id=UUID(int=0),
        entry_id=UUID(int=number),
        remaining=points,
        held=held,
        pending=active is not None,
        opened_at=OPENED + timedelta(minutes=number),
        active_at=None if active is None else NOW + timedelta(days=active),
        expires_at=None if expires is None else NOW + timedelta(days=expires),
        sliding_months=sliding_months,
    )


def book(lots: Sequence[StoredLot], *, debt: int = 0, **rules: Any) -> Book:
    """An open book that was not brought up to date yet, long before `NOW`."""
    program = parse(rules)
    account = replace(
        newcomer(),
        in_lots=sum(lot.remaining for lot in lots if not lot.pending),
        pending=sum(lot.remaining for lot in lots if lot.pending),
        held=sum(lot.held for lot in lots),
        debt=debt,
    )
    books = Books(OPENED, Edition(1, OPENED, program, compile_program(program)))
    kept = {lot.entry_id: lot_of(lot, account.last_activity_at, program.zone) for lot in lots}
    return Book(account, kept, books)


def settle(open_book: Book, lots: Iterable[StoredLot], now: datetime) -> list[Event[Any]]:
    """Bring a book up to date at `now`."""
    open_book._books.now = now
    active_at = {
        lot.entry_id: lot.active_at
        for lot in lots
        if lot.active_at and not open_book.lots[lot.entry_id].active
    }
    return settling.settle(open_book, active_at, now)


def holding(lots: Sequence[StoredLot], debt: int = 0) -> Holding:
    """What is stored of the same account."""
    return Holding(debt, None, list(lots))
