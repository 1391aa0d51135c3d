"""Member card numbers."""

from itertools import pairwise

import pytest

from services.points.rules.cards import CARDS, PREFIX, card_number, check_digit, is_valid

KEY = b"a key for the tests only"


@pytest.mark.parametrize(
    ("digits", "check"),
    [("490123456789", "4"), ("400638133393", "1"), ("290000000000", "1"), ("000000000000", "0")],
)
def test_the_check_digit_of_known_numbers(digits: str, check: str) -> None:
    assert check_digit(digits) == check


@pytest.mark.parametrize("sequence", [0, 1, 12_345, CARDS - 1])
def test_a_card_has_13_digits_with_our_prefix(sequence: int) -> None:
    card = card_number(sequence, KEY)
    assert len(card) == 13
    assert card.startswith(PREFIX)
    assert is_valid(card)


def test_neighbours_do_not_give_each_other_away() -> None:
    cards = [int(card_number(sequence, KEY)[2:12]) for sequence in range(1_000)]
    steps = {after - before for before, after in pairwise(cards)}
    assert len(set(cards)) == 1_000
    assert len(steps) > 990
    assert cards[0] != int(card_number(0, KEY + b"2")[2:12])


def test_a_card_stays_the_same_for_ever() -> None:
    assert [card_number(sequence, KEY) for sequence in (0, 1)] == [
        "2938828899064",
        "2924994855928",
    ]


@pytest.mark.parametrize(
    "card",
    [
        "",
        "2900000000008",
        "290000000000",
        "29000000000011",
        "4901234567894",
        "290000000000１",
        "29000000000 1",
        "²900000000001",
    ],
)
def test_what_is_no_card_of_ours(card: str) -> None:
    assert not is_valid(card)
    assert is_valid("2900000000001")


@pytest.mark.parametrize(
    ("sequence", "key"), [(-1, KEY), (CARDS, KEY), (0, b"too short"), (0, b"x" * 65)]
)
def test_what_cannot_become_a_card(sequence: int, key: bytes) -> None:
    with pytest.raises(ValueError, match="must"):
        card_number(sequence, key)
