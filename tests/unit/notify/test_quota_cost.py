"""What messages cost by LINE's plans in Japan, in whole yen that always add up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.quota import cost
from services.notify.quota.plan import PRESETS, Tariff

FREE, LIGHT, STANDARD = PRESETS["communication"], PRESETS["light"], PRESETS["standard"]


@pytest.mark.parametrize(
    ("tariff", "messages", "yen", "extra", "unused"),
    [
        (FREE, 0, 0, 0, 0),
        (FREE, 200, 0, 0, 0),
        (LIGHT, 0, 5_000, 0, 5_000),
        (LIGHT, 1, 5_000, 0, 4_999),
        (LIGHT, 5_000, 5_000, 0, 0),
        (STANDARD, 10_000, 15_000, 0, 10_000),
        (STANDARD, 30_000, 15_000, 0, 0),
        (STANDARD, 30_001, 15_003, 3, 0),
        (STANDARD, 50_000, 75_000, 60_000, 0),
        (Tariff(0, 0, 2_500), 3, 8, 8, 0),  # 7.5 yen: parts of a yen are rounded up
        (Tariff(1_000, 0), 3, 1_000, 0, 0),
    ],
)
def test_the_bill(tariff, messages, yen, extra, unused):
    assert cost.bill(tariff, messages) == (yen, tariff.monthly_yen, extra, unused)


def test_a_broadcast_adds_what_goes_beyond_the_plan():
    assert cost.added(STANDARD, 29_000, 1_500) == 1_500, "500 at 3 yen"
    assert cost.value(STANDARD, 29_000, 1_500) == 500 + 1_500, "1,000 at half a yen, 500 at 3"
    assert cost.added(LIGHT, 0, 5_000) == 0


tariffs = st.builds(
    Tariff,
    st.integers(0, 100_000),
    st.integers(0, 100_000),
    st.none() | st.integers(0, 10_000),
)


@given(tariffs, st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 200_000)))
def test_shares_add_up_to_what_was_used(tariff, sent):
    parts = cost.shares(tariff, sent)
    bill = cost.bill(tariff, sum(sent.values()))
    expected = bill.yen - bill.unused if sum(sent.values()) else 0
    assert sum(parts.values()) == expected
    assert all(part >= 0 for part in parts.values())
    assert all(not parts[key] for key, count in sent.items() if not count)


@given(tariffs, st.integers(0, 100_000), st.integers(0, 100_000))
def test_more_messages_never_cost_less(tariff, messages, more):
    assert cost.added(tariff, messages, more) >= 0
    assert cost.value(tariff, messages, more) >= cost.added(tariff, messages, more)
