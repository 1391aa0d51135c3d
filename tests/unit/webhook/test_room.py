"""Beyond what there is room for a caller is told at once to come again; what leaves makes room."""

import pytest

from services.webhook import room
from services.webhook.room import Room
from shared.problems import Problem


def nobody_waits() -> float:
    return 0.0


def refused(full: Room, path: str) -> Problem:
    with pytest.raises(Problem) as found:
        full.take(path)
    return found.value


def test_what_leaves_makes_room() -> None:
    two = Room(nobody_waits, 2)
    cost = two.take("/v1/purchases")
    two.take("/v1/purchases")
    problem = refused(two, "/v1/purchases")
    assert problem.status == 503
    assert int(problem.headers["Retry-After"]) in (1, 2, 3)
    two.leave(cost)
    two.take("/v1/purchases")


def test_a_batch_has_the_same_chance_and_takes_more() -> None:
    small = Room(nobody_waits, room.COSTS["/v1/purchases/batch"])
    small.take("/v1/purchases")
    small.take("/v1/purchases/batch")
    assert refused(small, "/v1/purchases").status == 503


def test_while_the_first_waits_for_long_only_few_are_let_in() -> None:
    waits = [room.LONG_SECONDS * 2]
    slow = Room(lambda: waits[0])
    for _ in range(room.FEW):
        slow.take("/v1/purchases")
    assert refused(slow, "/v1/purchases").status == 503
    waits[0] = room.LONG_SECONDS / 2
    slow.take("/v1/purchases")


def test_with_too_much_waiting_for_points_tills_wait_and_lines_webhooks_do_not() -> None:
    behind = Room(nobody_waits)
    behind.note_behind(room.MOST_BEHIND + 1)
    assert int(refused(behind, "/v1/purchases").headers["Retry-After"]) > 1
    behind.take("/line/webhook")
    behind.note_behind(0)
    behind.take("/v1/purchases")
