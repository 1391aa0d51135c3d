"""Waiting before a restart grows, has a cap and forgets."""

from deploy.local import backoff


def test_it_doubles_up_to_the_cap() -> None:
    assert [backoff.delay(n) for n in range(8)] == [0.0, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    assert backoff.delay(100_000) == backoff.LONGEST


def test_failures_in_a_row_count_until_one_ran_steadily() -> None:
    assert backoff.failures_after(3, ran_for=backoff.STEADY - 0.1) == 4
    assert backoff.failures_after(3, ran_for=backoff.STEADY) == 1
