"""What is due in a book: at its own moment, in the order of time, whenever it is noticed."""

from datetime import timedelta
from uuid import UUID

import pytest

from services.points.store.lots import StoredLot
from tests.unit.points.ledgers import NOW, book, settle, stored

Done = list[tuple[str, int, float]]
"""Kind, amount (points released for a release) and days from `NOW` at which it took effect."""

CASES: dict[str, tuple[list[StoredLot], int, Done, tuple[int, int, int]]] = {
    "nothing is due": ([stored(1, 10, expires=1), stored(2, 5, active=1)], 0, [], (10, 5, 0)),
    "at the moment itself it is": (
        [stored(1, 10, expires=0), stored(2, 5, active=0)],
        0,
        [("release", 5, 0), ("expire", -10, 0)],
        (5, 0, 0),
    ),
    "what waited becomes active": (
        [stored(1, 10), stored(2, 5, active=-3)],
        0,
        [("release", 5, -3)],
        (15, 0, 0),
    ),
    "several that became active at once are one entry": (
        [stored(1, 10, active=-3), stored(2, 5, active=-3)],
        0,
        [("release", 15, -3)],
        (15, 0, 0),
    ),
    "each day has its own entry": (
        [stored(1, 10, expires=-3), stored(2, 5, expires=-1), stored(3, 1, expires=-3)],
        0,
        [("expire", -11, -3), ("expire", -5, -1)],
        (0, 0, 0),
    ),
    "points whose expiry comes before their activation expire while they wait": (
        [stored(1, 10, active=5, expires=-1), stored(2, 5, active=5)],
        0,
        [("expire", -10, -1)],
        (0, 5, 0),
    ),
    "points that became active and then expired": (
        [stored(1, 10, active=-5, expires=-1)],
        0,
        [("release", 10, -5), ("expire", -10, -1)],
        (0, 0, 0),
    ),
    "they paid the debt while they were active": (
        [stored(1, 10, active=-5, expires=-1)],
        4,
        [("release", 10, -5), ("expire", -6, -1)],
        (0, 0, 0),
    ),
    "what had expired before pays no debt": (
        [stored(1, 10, expires=-6), stored(2, 3, active=-5)],
        4,
        [("expire", -10, -6), ("release", 3, -5)],
        (-1, 0, 0),
    ),
    "held points stay": (
        [stored(1, 10, expires=-1, held=4), stored(2, 5, expires=-1, held=5)],
        0,
        [("expire", -6, -1)],
        (0, 0, 9),
    ),
}


@pytest.mark.parametrize(("lots", "debt", "done", "sums"), CASES.values(), ids=CASES)
def test_what_is_done_when(
    lots: list[StoredLot], debt: int, done: Done, sums: tuple[int, int, int]
) -> None:
    one = book(lots, debt=debt)
    settle(one, lots, NOW)
    found = [
        (
            each.kind,
            each.amount or each.explanation["points"],
            (each.occurred_at - NOW) / timedelta(days=1),
        )
        for each in one.postings
    ]
    assert found == done
    assert (one.balance, one.sums.pending, one.sums.held) == sums
    assert {each.recorded_at for each in one.postings} <= {NOW}


def test_a_second_time_nothing_is_due() -> None:
    lots = [stored(1, 10, expires=-1, held=4), stored(2, 5, active=-3)]
    one = book(lots)
    assert len(settle(one, lots, NOW)) == 2
    assert settle(one, lots, NOW) == []


def test_what_is_told_has_the_balance_that_is_left_in_the_end() -> None:
    lots = [stored(1, 10, expires=-1), stored(2, 5, active=-3)]
    told = settle(book(lots), lots, NOW)
    assert [(each.type, each.data.points, each.data.balance) for each in told] == [
        ("points.activated.v1", 5, 5),
        ("points.expired.v1", 10, 5),
    ]


def test_a_release_has_a_cause_that_follows_from_its_lots() -> None:
    lots = [stored(1, 10, active=-5), stored(2, 5, active=-3)]
    causes = []
    for _ in range(2):
        one = book(lots)
        settle(one, lots, NOW)
        causes.append([each.cause for each in one.postings])
    assert causes[0] == causes[1]
    assert len(set(causes[0])) == 2


def test_points_let_go_after_their_time_are_not_spendable_and_expire_next() -> None:
    lots = [stored(1, 10, expires=-1, held=10)]
    one = book(lots)
    settle(one, lots, NOW)
    assert one.postings == []
    one.let_go([(UUID(int=1), 10)])
    assert one.balance == 0
    settle(one, lots, NOW)
    assert [(each.kind, each.amount) for each in one.postings] == [("expire", -10)]
