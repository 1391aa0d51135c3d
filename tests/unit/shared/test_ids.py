"""Ids: unique, growing, of the right version; derived ones follow from their parts alone."""

import time
import uuid

import pytest

from shared import ids


def test_new_ids_grow_and_never_repeat():
    made = [ids.new_id() for _ in range(20_000)]
    assert made == sorted(set(made))


def test_they_are_version_7_of_now():
    before = time.time_ns() // 1_000_000
    made = ids.new_id()
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    # The clock may run behind what a burst has borrowed, never ahead of it.
    assert made.int >> 80 >= before


def test_they_grow_although_the_clock_stands_or_goes_back(monkeypatch: pytest.MonkeyPatch):
    moments = iter([5_000, 5_000, 4_000, 1_000, *[1_000] * 10_000])
    monkeypatch.setattr(ids, "_last_millisecond", 0)
    monkeypatch.setattr(time, "time_ns", lambda: next(moments) * 1_000_000)
    made = [ids.new_id() for _ in range(10_000)]
    assert made == sorted(set(made))
    assert made[0].int >> 80 == 5_000
    assert {each.version for each in made} == {7}


def test_derived_ids_follow_from_their_parts():
    assert ids.derived_id("a", "b") == ids.derived_id("a", "b")
    assert ids.derived_id("a", "b").version == 5
    different = [("a", "b"), ("b", "a"), ("ab",), ("a",), ("a", "b", ""), ("", "a", "b")]
    assert len({ids.derived_id(*parts) for parts in different}) == len(different)


def test_derived_ids_stay_what_they_were():
    """Retry keys and event ids in the wild were made like this."""
    assert str(ids.derived_id("schedule.item", "x")) == "2c610d72-9e28-5242-9cab-55b4808b7539"
