"""What follows from an answer: over, later, never, or a rest."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.points.hooks import progress
from services.points.hooks.progress import Answer

NOW = datetime(2026, 4, 1, 12, 0, tzinfo=UTC)
ENDPOINT, MESSAGE = UUID(int=1), UUID(int=2)


def after(answer: Answer, tries: int = 0, spread: float = 0.0) -> progress.Record:
    return progress.after(ENDPOINT, MESSAGE, tries, answer, NOW, spread)


def answered(status: int, wait: timedelta | None = None) -> Answer:
    return Answer(NOW, 12, status, "text", wait=wait)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_delivered(status: int) -> None:
    record = after(answered(status))
    assert (record.status, record.due_at, record.finished_at) == ("delivered", None, NOW)
    assert record.tried and (record.tried.status_code, record.tried.duration_ms) == (status, 12)


@pytest.mark.parametrize("status", [100, 199, 300, 301, 302, 400, 401, 404, 409, 429, 500, 503])
def test_anything_else_is_tried_again(status: int) -> None:
    record = after(answered(status))
    assert (record.status, record.due_at) == ("waiting", NOW + timedelta(seconds=5))


def test_delays_grow_to_a_day_and_then_it_has_failed() -> None:
    answer = Answer(NOW, 10_000, problem="no answer within 10 s")
    waits = []
    for tries in range(7):
        due_at = after(answer, tries).due_at
        assert due_at is not None
        waits.append((due_at - NOW).total_seconds())
    assert waits == [5, 30, 120, 600, 3600, 21_600, 86_400]
    last = after(answer, 7)
    assert (last.status, last.due_at, last.finished_at, last.tries) == ("failed", None, NOW, 8)


def test_what_failed_together_spreads_by_a_tenth() -> None:
    assert after(answered(500), 1, 1.0).due_at == NOW + timedelta(seconds=33)


def test_a_longer_wish_is_heeded_a_shorter_one_not() -> None:
    minute = timedelta(minutes=1)
    assert after(answered(429, minute)).due_at == NOW + minute
    assert after(answered(429, minute), tries=4).due_at == NOW + timedelta(hours=1)


def test_410_ends_the_subscription_and_keeps_the_message() -> None:
    assert progress.verdict(ENDPOINT, answered(410)).gone
    assert not progress.verdict(ENDPOINT, answered(404)).gone
    assert after(answered(410), tries=7).status == "waiting"


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 0), (2, 0), (3, 1), (4, 2), (5, 4), (8, 32), (9, 60), (500, 60)]
)
def test_failures_in_a_row_earn_a_rest(failures: int, seconds: int) -> None:
    assert progress.rest(failures, answered(500)) == timedelta(seconds=seconds)


def test_an_endpoint_that_asks_for_time_gets_it() -> None:
    minutes = timedelta(minutes=10)
    assert progress.rest(1, answered(429, minutes)) == minutes
    assert progress.rest(9, answered(429, minutes)) == minutes


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("30", 30),
        (" 30 ", 30),
        ("999999999999", 3600),
        ("Wed, 01 Apr 2026 12:01:00 GMT", 60),
        ("Wed, 01 Apr 2026 12:01:00", None),
        ("Wed, 01 Apr 2026 11:00:00 GMT", 0),
        ("Wed, 01 Apr 2027 11:00:00 GMT", 3600),
    ],
)
def test_retry_after(header: str | None, seconds: int | None) -> None:
    expected = None if seconds is None else timedelta(seconds=seconds)
    assert progress.wish(header, NOW) == expected


@pytest.mark.parametrize(
    ("endpoints", "each"), [(0, 8), (1, 8), (8, 8), (9, 7), (20, 3), (64, 1), (200, 1)]
)
def test_open_requests_are_shared_so_that_nobody_starves(endpoints: int, each: int) -> None:
    assert progress.share(endpoints, 8, 64) == each
