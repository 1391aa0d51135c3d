"""Laws of falling due: when a night comes matters to nobody, and what is shown is what is done."""

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.points.accounts.books import Book
from services.points.accounts.standing import standing
from services.points.store.lots import StoredLot
from tests.unit.points.ledgers import NOW, book, holding, settle, stored

DAYS = st.none() | st.integers(-20, 20)


@st.composite
def lots(draw: Any) -> list[StoredLot]:
    found = []
    for number in range(1, draw(st.integers(1, 6)) + 1):
        points = draw(st.integers(1, 30))
        active = draw(DAYS)
        held = 0 if active is not None else draw(st.integers(0, points))
        found.append(stored(number, points, active=active, expires=draw(DAYS), held=held))
    return found


def state(open_book: Book) -> tuple[Any, ...]:
    """All that counts of a book: its lots, its debt and what became of the points, by moment."""
    done = [
        (each.kind, each.amount, each.occurred_at, sorted(each.moves or []))
        for each in open_book.postings
    ]
    return open_book.state, open_book.balance, done


@settings(max_examples=300, deadline=None)
@given(
    lots=lots(),
    debt=st.integers(0, 40),
    nights=st.lists(st.integers(-25, 19), max_size=5),
    hours=st.integers(0, 23),
)
def test_nights_that_were_missed_make_no_difference(
    lots: list[StoredLot], debt: int, nights: list[int], hours: int
) -> None:
    now = NOW + timedelta(days=20)
    in_time, late = book(lots, debt=debt), book(lots, debt=debt)
    for day in sorted(nights):
        settle(in_time, lots, NOW + timedelta(days=day, hours=hours))
    settle(in_time, lots, now)
    settle(late, lots, now)
    assert state(in_time) == state(late)


@settings(max_examples=300, deadline=None)
@given(lots=lots(), debt=st.integers(0, 40), day=st.integers(-25, 25))
def test_what_is_shown_before_the_night_is_what_there_is_after_it(
    lots: list[StoredLot], debt: int, day: int
) -> None:
    now = NOW + timedelta(days=day)
    one = book(lots, debt=debt)
    shown = standing(holding(lots, debt), one._books.zone, now)
    settle(one, lots, now)
    assert (shown.balance, shown.pending, shown.held) == (
        one.balance,
        one.sums.pending,
        one.sums.held,
    )
    assert sum(points for _, points in shown.expiring) <= one.balance + one.sums.debt
    assert one.sums.entries == sum(each.amount for each in one.postings) + (
        sum(lot.remaining for lot in lots) - debt
    )


@settings(max_examples=200, deadline=None)
@given(lots=lots(), debt=st.integers(0, 40), day=st.integers(-25, 25))
def test_a_second_time_changes_nothing(lots: list[StoredLot], debt: int, day: int) -> None:
    one, now = book(lots, debt=debt), NOW + timedelta(days=day)
    settle(one, lots, now)
    before = state(one)
    assert settle(one, lots, now) == []
    assert state(one) == before
