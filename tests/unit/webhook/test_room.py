"""Beyond what there is room for a caller is told at once to come again; what leaves makes room."""

import pytest

from services.webhook import room
from services.webhook.room import Room
from shared.problems import Problem


def refused(full: Room, path: str) -> Problem:
    with pytest.raises(Problem) as found:
        full.take(path)
    return found.value


def test_what_leaves_makes_room() -> None:
    two = Room(2)
    cost = two.take("/v1/purchases")
    two.take("/v1/purchases")
    problem = refused(two, "/v1/purchases")
    assert (problem.status, problem.headers["Retry-After"]) == (503, "1")
    two.leave(cost)
    two.take("/v1/purchases")


def test_a_batch_takes_more() -> None:
    small = Room(room.COSTS["/v1/purchases/batch"])
    small.take("/v1/purchases")
    assert refused(small, "/v1/purchases/batch").status == 503


def test_with_too_much_waiting_for_points_tills_wait_and_lines_webhooks_do_not() -> None:
    behind = Room()
    behind.note_behind(room.MOST_BEHIND + 1)
    assert int(refused(behind, "/v1/purchases").headers["Retry-After"]) > 1
    behind.take("/line/webhook")
    behind.note_behind(0)
    behind.take("/v1/purchases")
