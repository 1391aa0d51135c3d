"""Beyond what there is room for a caller is told at once to come again; what leaves makes room."""

import pytest

from services.webhook import room
from services.webhook.room import FEW, KEPT, MOST_UNDER_WAY, Room, Taken
from shared.problems import Problem

PURCHASE, BATCH = "/v1/purchases", "/v1/purchases/batch"


def nobody_waits() -> float:
    return 0.0


def somebody_waits() -> float:
    return room.LONG_SECONDS * 2


def refused(full: Room, path: str, whose: str = "annex") -> Problem:
    with pytest.raises(Problem) as found:
        full.take(path, whose)
    return found.value


def fill(empty: Room, whose: str) -> list[Taken]:
    """Purchases of one store until it is sent away."""
    taken: list[Taken] = []
    while True:
        try:
            taken.append(empty.take(PURCHASE, whose))
        except Problem:
            return taken


def test_what_leaves_makes_room() -> None:
    full = Room(nobody_waits)
    first, *others = fill(full, "annex")
    problem = refused(full, PURCHASE)
    assert problem.status == 503
    assert int(problem.headers["Retry-After"]) in (1, 2, 3)
    full.leave(first)
    again = full.take(PURCHASE, "annex")
    refused(full, PURCHASE)
    for each in (again, *others):
        full.leave(each)
    assert len(fill(full, "main")) == 1 + len(others), "and nothing is left of the first store"


def test_a_batch_has_the_same_chance_and_takes_more() -> None:
    one, many = Room(nobody_waits), Room(nobody_waits)
    for each in range(room.MOST_UNDER_WAY // room.NEEDS[BATCH].cost):
        one.take(BATCH, str(each))
        many.take(PURCHASE, str(each))
    one.take(BATCH, "late")
    assert refused(one, PURCHASE, "later").status == 503
    many.take(PURCHASE, "later")


@pytest.mark.parametrize(
    ("waits", "most"), [(nobody_waits, MOST_UNDER_WAY - KEPT), (somebody_waits, FEW)]
)
def test_one_store_leaves_a_part_for_the_others(waits: object, most: int) -> None:
    shared = Room(waits)  # type: ignore[arg-type]
    assert len(fill(shared, "wild")) == most
    assert len(fill(shared, "annex")) == KEPT
    assert refused(shared, PURCHASE, "wild").status == 503


def test_beside_another_one_a_store_has_half_of_the_room() -> None:
    shared = Room(nobody_waits)
    shared.take(PURCHASE, "annex")
    assert len(fill(shared, "wild")) == MOST_UNDER_WAY // 2 - 1


def test_while_the_first_waits_for_long_only_few_are_let_in() -> None:
    waits = [somebody_waits()]
    slow = Room(lambda: waits[0])
    assert len(fill(slow, "annex")) == FEW
    waits[0] = room.LONG_SECONDS / 2
    slow.take(PURCHASE, "annex")


def test_stores_that_have_the_same_under_way_are_sent_away_alike() -> None:
    even = Room(somebody_waits)
    for _ in range(FEW // 2):
        even.take(PURCHASE, "one")
        even.take(PURCHASE, "two")
    assert [refused(even, PURCHASE, each).status for each in ("one", "two")] == [503, 503]


def test_with_too_much_waiting_for_points_tills_wait_and_lines_webhooks_do_not() -> None:
    behind = Room(nobody_waits)
    behind.note_behind(room.MOST_BEHIND + 1)
    assert int(refused(behind, PURCHASE).headers["Retry-After"]) >= 30
    behind.take("/line/webhook", "/line/webhook")
    behind.note_behind(0)
    behind.take(PURCHASE, "annex")


def test_others_give_way_when_a_till_waits_or_was_sent_away_or_points_are_behind() -> None:
    waits = [0.01]
    one = Room(lambda: waits[0])
    assert one.people_waited() == waits[0] < room.TOO_LONG_SECONDS
    fill(one, "main")
    assert one.people_waited() > room.TOO_LONG_SECONDS
    assert one.people_waited() == waits[0], "it was told of that one"
    one.note_behind(room.MANY_BEHIND + 1)
    assert one.people_waited() > room.TOO_LONG_SECONDS
    one.note_behind(0)
    waits[0] = 1.5
    assert one.people_waited() == 1.5
