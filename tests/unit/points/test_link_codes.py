"""Codes as customers type them, and as they are made."""

import pytest

from services.points.members import link_codes
from shared import ids


@pytest.mark.parametrize(
    "text",
    [
        "123456",
        "連携 123456",
        "連携123456",
        "連携：123456",
        " カード連携　１２３４５６ ",
        "１２３ ４５６",
        "123-456",
        "Link 123456",
    ],
)
def test_a_code_however_it_is_typed(text: str):
    assert link_codes.typed(text) == "123456"


@pytest.mark.parametrize(
    "text",
    [
        "12345",
        "1234567",
        "連携",
        "a123456",
        "123456 です",
        "090-123-456",
        "٣٣٣٣٣٣",
        "連携 12-3456",
        "",
    ],
)
def test_what_is_no_code(text: str):
    assert link_codes.typed(text) is None


def test_a_repeated_request_has_the_same_code_and_another_key_another():
    request = ids.new_id()
    code = link_codes.code_of(b"key", request, 0)
    assert code == link_codes.code_of(b"key", request, 0)
    assert len(code) == 6
    assert code.isdigit()
    others = {link_codes.code_of(b"key", request, draw) for draw in range(20)}
    others |= {link_codes.code_of(bytes([n]), request, 0) for n in range(20)}
    assert len(others) > 35
