"""How long somebody waits after wrong tries."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.points.staff import lockout

NOW = datetime(2026, 4, 1, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)
AGO = st.lists(st.integers(0, 100_000), max_size=40)


def tries(*ago: int) -> list[datetime]:
    return [NOW - each * SECOND for each in ago]


def test_a_few_tries_are_free():
    assert lockout.wait(tries(1, 2, 3, 4), 5, NOW) == timedelta(0)


def test_then_each_wrong_try_doubles_the_wait_from_the_last_one():
    assert lockout.wait(tries(0, 1, 2, 3, 4), 5, NOW) == 30 * SECOND
    assert lockout.wait(tries(10, 11, 12, 13, 14), 5, NOW) == 20 * SECOND
    assert lockout.wait(tries(0, 1, 2, 3, 4, 5), 5, NOW) == 60 * SECOND
    assert lockout.wait(tries(*range(12)), 5, NOW) == timedelta(hours=1)
    assert lockout.wait(tries(*range(1000)), 5, NOW) == timedelta(hours=1)


def test_what_was_a_day_ago_is_forgotten():
    assert lockout.wait(tries(*[86_400] * 50), 5, NOW) == timedelta(0)


@given(AGO, st.integers(1, 30))
def test_it_is_never_longer_than_an_hour_nor_shorter_for_one_more_try(ago: list[int], allowed: int):
    wait = lockout.wait(tries(*ago), allowed, NOW)
    assert timedelta(0) <= wait <= lockout.LONGEST_WAIT
    assert lockout.wait(tries(*ago, 0), allowed, NOW) >= wait


@given(st.text(), st.text())
def test_nobody_reads_who_it_was(one: str, other: str):
    key = b"k" * 32
    assert (lockout.who(key, "account", one) == lockout.who(key, "account", other)) == (
        one == other
    )
    assert lockout.who(key, "account", one) != lockout.who(key, "address", one)
