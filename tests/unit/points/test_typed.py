"""What is typed, as ranges to look through; cursors that are none of the search are refused."""

import pytest

from services.points.rules import typed
from services.points.rules.typed import Cursor, Place, Range
from shared import ids


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("090-12", "09012"),
        ("０９０ー１２３４", "0901234"),
        ("+81 90-1234", "0901234"),
        ("+1 650", "+1650"),
        ("2900000000012", "2900000000012"),
        ("(03) 1234", "031234"),
        ("山田", None),
        ("C-12", None),
        ("-", None),
    ],
)
def test_digits_however_they_are_written(text: str, digits: str | None) -> None:
    assert typed.digits(text) == digits


def test_numbers_are_looked_for_from_both_ends_and_names_within() -> None:
    assert typed.ranges("090-12", "09012") == [
        Range("b", "090-12"),
        Range("b", "09012"),
        Range("r", "21090"),
        Range("i", "090-12"),
    ]
    assert typed.ranges("やま", None) == [Range("b", "やま"), Range("i", "やま")]


def test_what_is_typed_beyond_the_longest_term_is_left_out() -> None:
    assert all(len(each.low) == typed.LONGEST for each in typed.ranges("あ" * 200, None))


def test_a_cursor_comes_back_as_it_was() -> None:
    ranges = typed.ranges("やま", None)
    cursor = Cursor(Place(1, "やまだ", ids.new_id()), 7)
    assert typed.read(typed.written(cursor), ranges) == cursor


@pytest.mark.parametrize(
    "place",
    [
        Place(2, "やま", typed.START),
        Place(-1, "やま", typed.START),
        Place(0, "たなか", typed.START),
        Place(0, "やま\x00", typed.START),
    ],
)
def test_a_cursor_of_another_search_is_none(place: Place) -> None:
    assert typed.read(typed.written(Cursor(place)), typed.ranges("やま", None)) is None


@pytest.mark.parametrize(
    "text", ["", "x", "====", "W10", "日本", typed.written(Cursor(Place(0, "や", typed.START), -1))]
)
def test_nonsense_is_no_cursor(text: str) -> None:
    assert typed.read(text, typed.ranges("や", None)) is None
