"""Which version is in force when: starts decide, not numbers; what was withdrawn never is."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from services.points.programs.rulebook import Rulebook
from services.points.programs.timeline import before, timeline
from services.points.store.programs import Version
from shared import clock

T = datetime(2026, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def version(number: int, starts: datetime, welcome: int = 0) -> Version:
    document = msgspec.json.encode({"welcome": {"points": welcome or number}}).decode()
    return Version(number, document, starts, T, "test")


def withdrawal(number: int, of: Version) -> Version:
    return Version(number, "null", of.effective_from, T + DAY, "somebody", withdraws=of.version)


FIRST = version(1, T)
LATER = version(2, T + 10 * DAY)
AT_ONCE = version(3, T + 2 * DAY)


def book(*said: Version) -> Rulebook:
    rulebook = Rulebook()
    rulebook.learn(said)
    return rulebook


@pytest.mark.parametrize(
    ("at", "number"),
    [
        (T - DAY, 1),  # before the first one, the first
        (T, 1),
        (T + 2 * DAY - timedelta(seconds=1), 1),
        (T + 2 * DAY, 3),
        (T + 10 * DAY - timedelta(microseconds=1), 3),
        (T + 10 * DAY, 2),  # scheduled before version 3 was published, starts after it
        (T + 99 * DAY, 2),
    ],
)
def test_the_last_to_start_is_in_force(at: datetime, number: int) -> None:
    assert book(FIRST, LATER, AT_ONCE).in_force(at).version == number


def test_of_two_with_one_start_the_later_published_wins() -> None:
    again = version(4, LATER.effective_from)
    assert book(FIRST, LATER, again).in_force(T + 10 * DAY).version == 4


def test_what_was_withdrawn_never_comes_but_is_still_there_by_number() -> None:
    rulebook = book(FIRST, LATER, withdrawal(3, LATER))
    assert rulebook.in_force(T + 99 * DAY).version == 1
    assert rulebook.edition(2).program.welcome.points == 2
    assert rulebook.version == 3


def test_a_withdrawal_heard_later_takes_the_version_out() -> None:
    rulebook = book(FIRST, LATER)
    assert rulebook.in_force(T + 10 * DAY).version == 2
    rulebook.learn([withdrawal(3, LATER)])
    assert rulebook.in_force(T + 10 * DAY).version == 1
    rulebook.learn([withdrawal(3, LATER)])
    assert rulebook.version == 3


def test_current_follows_the_clock_not_the_numbers() -> None:
    rulebook = book(version(1, clock.now() - DAY), version(2, clock.now() + DAY))
    assert rulebook.current().version == 1
    clock.set_offset(2 * DAY)
    try:
        assert rulebook.current().version == 2
    finally:
        clock.set_offset(timedelta(0))


def test_nothing_published_is_empty() -> None:
    assert Rulebook().empty
    assert Rulebook().version == 0


def test_the_timeline_says_state_and_until_when() -> None:
    gone = version(4, T + 20 * DAY)
    said = [FIRST, LATER, AT_ONCE, gone, withdrawal(5, gone)]
    found = {each.version.version: each for each in timeline(said, T + 5 * DAY)}
    assert {number: each.state for number, each in found.items()} == {
        1: "past",
        2: "scheduled",
        3: "in_force",
        4: "withdrawn",
    }
    assert found[1].until == AT_ONCE.effective_from
    assert found[3].until == LATER.effective_from
    assert found[2].until is None
    assert found[4].withdrawn is not None
    assert found[4].withdrawn.published_by == "somebody"


def test_the_version_before_is_the_one_taken_over_from() -> None:
    gone = version(4, T + 5 * DAY)
    said = [FIRST, LATER, AT_ONCE, gone, withdrawal(5, gone)]
    assert before(said, LATER) == AT_ONCE
    assert before(said, AT_ONCE) == FIRST
    assert before(said, FIRST) is None
