"""Laws of card numbers and of the rotating QR."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.points.rules.cards import CARDS, card_number, is_valid, shuffled
from services.points.rules.qr import Expired, Forged, Refused, make, read

KEYS = st.binary(min_size=16, max_size=64)
SEQUENCES = st.integers(0, CARDS - 1)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@settings(max_examples=30, deadline=None)
@given(key=KEYS, half=st.integers(1, 40))
def test_shuffling_meets_every_number_once(key: bytes, half: int) -> None:
    everything = range(half * half)
    assert sorted(shuffled(number, half, key) for number in everything) == list(everything)


@settings(max_examples=200, deadline=None)
@given(key=KEYS, one=SEQUENCES, step=st.integers(0, 3) | SEQUENCES)
def test_two_members_never_share_a_card(key: bytes, one: int, step: int) -> None:
    other = (one + step) % CARDS
    cards = card_number(one, key), card_number(other, key)
    assert all(map(is_valid, cards))
    assert (cards[0] == cards[1]) == (one == other)


@settings(max_examples=200, deadline=None)
@given(key=KEYS, sequence=SEQUENCES, place=st.integers(0, 12), digit=st.integers(1, 9))
def test_one_wrong_digit_is_noticed(key: bytes, sequence: int, place: int, digit: int) -> None:
    card = card_number(sequence, key)
    wrong = str((int(card[place]) + digit) % 10)
    assert not is_valid(card[:place] + wrong + card[place + 1 :])


@settings(max_examples=200, deadline=None)
@given(key=KEYS, member=st.uuids(), at=MOMENTS, later=st.integers(-200, 200))
def test_a_token_names_its_member_for_a_while_and_only_then(
    key: bytes, member: UUID, at: datetime, later: int
) -> None:
    token, then = make(key, member, at), at + timedelta(seconds=later)
    steps = int(then.timestamp()) // 30 - int(at.timestamp()) // 30
    if steps in (0, 1):
        assert read(key, token, then) == member
    else:
        with pytest.raises(Expired):
            read(key, token, then)
    if 0 <= later <= 30:
        assert steps in (0, 1)


@settings(max_examples=200, deadline=None)
@given(
    key=KEYS,
    member=st.uuids(),
    at=MOMENTS,
    place=st.integers(0, 51),
    letter=st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567.01 "),
)
def test_a_token_changed_anywhere_is_forged(
    key: bytes, member: UUID, at: datetime, place: int, letter: str
) -> None:
    token = make(key, member, at)
    if token[place] != letter:
        with pytest.raises(Forged):
            read(key, "x" + token[:place] + letter + token[place + 1 :], at)
        with pytest.raises(Forged):
            read(key, token[:place] + letter + token[place + 1 :], at)


@settings(max_examples=200, deadline=None)
@given(token=st.text(max_size=60))
def test_any_text_is_refused_politely(token: str) -> None:
    with pytest.raises(Refused):
        read(b"k" * 32, token, datetime(2025, 4, 1, tzinfo=UTC))
