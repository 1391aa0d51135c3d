"""Laws of acknowledging up to a tag while several batches are in flight."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bus.acks import AckTracker

TAGS = st.lists(st.integers(1, 10_000), unique=True, max_size=60).map(sorted)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[int], list[list[int]]]:
    """Tags as they were delivered, and the batches in the order in which they finished."""
    tags = draw(TAGS)
    shuffled = draw(st.permutations(tags))
    cuts = sorted(draw(st.lists(st.integers(0, len(tags)), max_size=8)))
    edges = [0, *cuts, len(tags)]
    return tags, [shuffled[a:b] for a, b in itertools.pairwise(edges)]


@given(histories())
def test_never_an_unfinished_delivery_and_all_in_the_end(history):
    tags, batches = history
    tracker = AckTracker()
    for tag in tags:
        tracker.delivered(tag)
    finished: set[int] = set()
    acknowledged = 0
    for batch in batches:
        finished |= set(batch)
        upto = tracker.finished(batch)
        if upto is not None:
            assert upto > acknowledged, "a tag is acknowledged once"
            assert upto in tags
            acknowledged = upto
        assert {tag for tag in tags if tag <= acknowledged} <= finished
        waiting = [tag for tag in tags if tag not in finished]
        prefix = [tag for tag in tags if not waiting or tag < waiting[0]]
        assert acknowledged == (prefix[-1] if prefix else 0), "nothing waits without a reason"
        assert tracker.outstanding() == sum(tag > acknowledged for tag in tags)
    assert acknowledged == (tags[-1] if tags else 0)
    assert tracker.outstanding() == 0


@given(histories(), st.integers(0, 59))
def test_deliveries_that_come_in_between_change_nothing_for_those_before(history, at):
    tags, batches = history
    early, late = tags[:at], tags[at:]
    tracker = AckTracker()
    for tag in early:
        tracker.delivered(tag)
    tracker.finished([tag for tag in early if tag in set(batches[0])])
    for tag in late:
        tracker.delivered(tag)
    rest = [tag for tag in tags if tag not in early or tag not in set(batches[0])]
    upto = tracker.finished(rest)
    assert tracker.outstanding() == 0
    assert upto == (tags[-1] if rest else None)


@given(TAGS.filter(lambda tags: len(tags) > 1))
def test_tags_must_grow(tags):
    tracker = AckTracker()
    tracker.delivered(tags[-1])
    with pytest.raises(ValueError, match="must grow"):
        tracker.delivered(tags[0])
