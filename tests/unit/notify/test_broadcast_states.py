"""A broadcast's life, and when its growth is too much."""

from datetime import UTC, datetime, timedelta

import pytest

from services.notify.broadcasts import states
from services.notify.broadcasts.states import FRESH, Act, State

NOW = datetime(2026, 12, 1, tzinfo=UTC)


def test_what_is_over_allows_nothing() -> None:
    for state in (State.SENT, State.CANCELLED):
        assert not [act for act in states.ALLOWED if states.allows(state, act)]


def test_everything_else_can_be_cancelled_and_says_what_to_do_where_it_cannot() -> None:
    open_states = set(State) - {State.SENT, State.CANCELLED}
    assert states.ALLOWED[Act.CANCEL] == open_states
    owners = {Act.CHANGE, Act.COUNT, Act.CONFIRM, Act.PAUSE, Act.RESUME, Act.CANCEL}
    assert owners == set(states.ADVICE)


@pytest.mark.parametrize(
    ("at", "age", "expected"),
    [
        (None, timedelta(0), State.SENDING),
        (None, FRESH, State.SENDING),
        (None, FRESH + timedelta(seconds=1), State.RECOUNTING),
        (timedelta(seconds=1), timedelta(0), State.SCHEDULED),
        (timedelta(0), timedelta(0), State.SENDING),
        (-timedelta(hours=1), FRESH * 2, State.RECOUNTING),
    ],
)
def test_where_a_confirmed_one_goes(at: timedelta | None, age: timedelta, expected: State) -> None:
    moment = None if at is None else NOW + at
    assert states.after_confirming(moment, NOW - age, NOW) is expected


@pytest.mark.parametrize(
    ("confirmed", "counted", "limit", "too_much"),
    [(100, 120, 20, False), (100, 121, 20, True), (100, 5, 0, False), (0, 1, 20, True),
     (0, 0, 0, False), (3, 4, 33, True), (3, 4, 34, False)],
)  # fmt: skip
def test_growth(confirmed: int, counted: int, limit: int, too_much: bool) -> None:
    assert states.grew_too_much(confirmed, counted, limit) is too_much
