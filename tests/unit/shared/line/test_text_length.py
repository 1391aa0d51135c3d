import pytest

from shared.line.text_length import graphemes, utf16_units


@pytest.mark.parametrize(
    ("text", "units", "characters"),
    [
        ("", 0, 0),
        ("abc", 3, 3),
        ("ポイント", 4, 4),
        ("𠮷野家", 4, 3),
        ("👍", 2, 1),
        ("👍🏽", 4, 1),
        ("👨‍👩‍👧", 8, 1),
        ("🇯🇵🇫🇷", 8, 2),
        ("か\u3099", 2, 1),
        ("☕\ufe0f", 2, 1),
    ],
)
def test_units_and_characters_are_told_apart(text: str, units: int, characters: int) -> None:
    assert utf16_units(text) == units
    assert graphemes(text) == characters
