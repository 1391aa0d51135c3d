"""What a schedule has to fire, and the ids of what is fired."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from services.scheduler import firing
from services.scheduler.store.items import Item
from services.scheduler.store.schedules import Schedule
from shared import envelope

NOW = datetime(2026, 5, 10, 12, tzinfo=UTC)
LAST_NIGHT = datetime(2026, 5, 9, 18, 30, tzinfo=UTC)


def schedule(**changes: object) -> Schedule:
    nightly = Schedule("nightly", "30 3 * * *", "Asia/Tokyo", 1, NOW - timedelta(days=1))
    return msgspec.structs.replace(nightly, **changes)


def test_what_came_due_since_the_last_look():
    assert firing.due_moments(schedule(), NOW) == [LAST_NIGHT]


def test_nothing_was_missed_before_the_first_look():
    assert firing.due_moments(schedule(checked_until=None), NOW) == []


def test_a_clock_that_jumped_back_makes_nothing_due():
    assert firing.due_moments(schedule(checked_until=NOW + timedelta(days=2)), NOW) == []


@pytest.mark.parametrize("catch_up", [1, 3])
def test_the_latest_missed_moments_are_made_up_for(catch_up: int):
    missed = schedule(checked_until=NOW - timedelta(days=30), catch_up=catch_up)
    expected = [LAST_NIGHT - timedelta(days=days) for days in reversed(range(catch_up))]
    assert firing.due_moments(missed, NOW) == expected


@pytest.mark.parametrize("broken", [{"cron": "nonsense"}, {"time_zone": "Mars/Olympus"}])
def test_a_schedule_that_cannot_be_read_has_no_moments(broken: dict[str, str]):
    assert firing.due_moments(schedule(**broken), NOW) == []
    assert firing.next_moment(schedule(**broken), NOW) is None


def test_the_next_moment_comes_after_what_was_looked_at():
    ahead = NOW + timedelta(days=3)
    assert firing.next_moment(schedule(checked_until=ahead), NOW) == LAST_NIGHT + timedelta(days=4)
    assert firing.next_moment(schedule(checked_until=None), NOW) == LAST_NIGHT + timedelta(days=1)


def test_an_item_goes_out_as_it_was_registered():
    request = UUID(int=7)
    data = b'{"key":"x","more":1}'
    item = Item("k", NOW, "schedule.cancelled.v1", data, request, "member", "chain", "trace")
    event = firing._event(item, NOW)
    assert envelope.encode(event).count(data) == 1
    assert (event.subject, event.correlationid, event.traceparent) == ("member", "chain", "trace")
    assert event.causationid == str(request)
    assert event.id == firing._event(item, NOW + timedelta(hours=1)).id
