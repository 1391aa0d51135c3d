"""How much of its pace is kept while people wait, and when they no longer do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import Counter

from shared.giving_way import LEAST, GivingWay, share_after

HELD_BACK = Counter("held_back_in_tests", "What nobody asks for.", registry=None)
SHARES = st.floats(LEAST, 1.0)
SECONDS = st.floats(0.0, 1e6)


@given(SHARES, SECONDS, st.booleans())
def test_it_never_stops_and_never_exceeds_its_pace(share: float, seconds: float, waiting: bool):
    assert LEAST <= share_after(share, seconds, waiting=waiting) <= 1


@given(SHARES, SECONDS, SECONDS, st.booleans())
def test_how_often_it_looks_changes_nothing(share: float, one: float, two: float, waiting: bool):
    twice = share_after(share_after(share, one, waiting=waiting), two, waiting=waiting)
    assert twice == pytest.approx(share_after(share, one + two, waiting=waiting))


def test_it_gives_way_within_about_a_second_and_is_back_after_some():
    assert share_after(1.0, 0.25, waiting=True) == 0.5
    assert share_after(1.0, 1.25, waiting=True) == LEAST
    assert share_after(LEAST, 0.5, waiting=False) == 2 * LEAST
    assert share_after(LEAST, 2.5, waiting=False) == 1.0


class Said:
    """A word that is as it was told."""

    def __init__(self, waiting: bool) -> None:
        self.waiting = waiting
        self.asked = 0

    async def heard(self) -> bool:
        self.asked += 1
        return self.waiting


async def test_while_nobody_waits_there_is_no_rest():
    await GivingWay(Said(False), HELD_BACK).rest(3600)


async def test_who_may_not_become_slower_than_that_does_not():
    way = GivingWay(Said(True), HELD_BACK, least=0.25)
    assert await way.share() == 0.25


async def test_a_rest_ends_at_once_when_nobody_waits_any_more():
    word = Said(True)
    way = GivingWay(word, HELD_BACK)
    assert await way.share() == LEAST
    word.waiting = False
    await way.rest(3600)


async def test_it_does_not_look_for_each_thing_it_does():
    word = Said(False)
    way = GivingWay(word, HELD_BACK)
    for _ in range(1000):
        await way.share()
    assert word.asked < 1000 / 2
