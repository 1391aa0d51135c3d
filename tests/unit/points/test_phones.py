"""However a phone number is written, it is one number."""

import pytest

from services.points.rules import phones


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("09012345678", "09012345678"),
        ("090-1234-5678", "09012345678"),
        ("090 1234 5678", "09012345678"),
        ("０９０－１２３４－５６７８", "09012345678"),
        ("090ー1234ー5678", "09012345678"),
        ("+81 90-1234-5678", "09012345678"),
        ("+81(0)90-1234-5678", "09012345678"),
        ("+819012345678", "09012345678"),
        ("(03) 1234-5678", "0312345678"),
        ("+1 415 555 0100", "+14155550100"),
        ("110119", "110119"),
    ],
)
def test_one_form(written: str, kept: str):
    assert phones.normal(written) == kept
    assert phones.normal(kept) == kept


@pytest.mark.parametrize("text", ["", "abc", "12345", "1" * 16, "090-1234-567x", "+", "1+23456"])
def test_what_is_no_number(text: str):
    assert phones.normal(text) is None


def test_a_number_is_found_by_four_or_more_of_its_last_digits() -> None:
    assert phones.ends("031234") == ["1234", "31234"]
    assert phones.ends("+861380") == ["1380", "61380", "861380"], "all digits: not the whole number"
