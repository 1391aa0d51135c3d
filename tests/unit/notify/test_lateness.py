"""How long an event has waited, on machines whose clocks differ and on such that do not."""

from datetime import UTC, datetime, timedelta

import pytest

from services.notify.sending.lateness import WINDOW, Lateness

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
LOOK = timedelta(seconds=0.25)


class Clocks:
    """A worker that looks a few times a second; events come with clocks that are `behind` its."""

    def __init__(self, behind: float = 0.0) -> None:
        self.now = NOW
        self.behind = timedelta(seconds=behind)
        self.lateness = Lateness()

    def look(self, age: float | None) -> float:
        """What is told while the oldest event in hand is so many seconds old."""
        self.now += LOOK
        made = None if age is None else self.now - self.behind - timedelta(seconds=age)
        return self.lateness.waited(made, self.now)

    def pass_window(self, *ages: float | None) -> None:
        """A window in which this is seen in turn."""
        end = self.now + WINDOW
        while self.now < end:
            for age in ages:
                self.look(age)


def test_at_first_clocks_are_taken_at_their_word() -> None:
    assert Clocks().look(0.7) == pytest.approx(0.7)
    assert Clocks(behind=2).look(0.1) == pytest.approx(2.1)


@pytest.mark.parametrize("behind", [-3.0, 0.0, 3.0])
def test_what_the_clocks_differ_by_is_no_wait(behind: float) -> None:
    shop = Clocks(behind)
    shop.pass_window(None, 0.05, 0.3)
    assert shop.look(0.05) == pytest.approx(0.0)
    assert shop.look(1.05) == pytest.approx(1.0)


def test_an_overload_is_never_taken_for_the_usual() -> None:
    shop = Clocks()
    shop.pass_window(None, 0.05)
    for _ in range(3):
        shop.pass_window(2.0)
    assert shop.look(2.05) == pytest.approx(2.0)


def test_what_is_tried_again_all_alone_is_not_the_usual() -> None:
    shop = Clocks()
    shop.pass_window(None, 60.0)
    assert shop.look(1.0) == pytest.approx(1.0)


def test_in_a_quiet_time_what_was_usual_stays_so() -> None:
    shop = Clocks(behind=3)
    shop.pass_window(None, 0.05)
    shop.pass_window(None)
    shop.pass_window(None)
    assert shop.look(0.05) == pytest.approx(0.0)


def test_a_clock_that_was_set_right_is_found_out() -> None:
    shop = Clocks(behind=3)
    shop.pass_window(None, 0.05)
    shop.behind = timedelta()
    shop.pass_window(None, 0.05)
    shop.pass_window(None, 0.05)
    assert shop.look(1.05) == pytest.approx(1.0)
