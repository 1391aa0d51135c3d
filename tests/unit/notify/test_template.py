"""Templates: escaped, clipped, and within LINE's limits by construction."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.notify.errors import BadWording
from services.notify.templates.template import (
    ALT_TEXT_UNITS,
    SLOTS,
    TEXT_UNITS,
    Template,
    clip,
    utf16_length,
)


def text(words: str) -> list[dict[str, object]]:
    return [{"type": "text", "text": words}]


def flex(words: str, alt: str = "alt") -> list[dict[str, object]]:
    body = {"type": "box", "layout": "vertical", "contents": [{"type": "text", "text": words}]}
    return [{"type": "flex", "altText": alt, "contents": {"type": "bubble", "body": body}}]


@pytest.mark.parametrize(
    "value", ['"', "\\", '"},{"type":"text"', "\n\t\x00\x1f", "{points}", "<b>&", "😀", "\u2028"]
)
def test_a_value_stays_a_value(value):
    filled = Template("t", text("理由: {reason}!")).fill({"reason": value})
    assert json.loads(filled) == text(f"理由: {value}!")


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=800))
@example("あ" * 600)
@example("😀" * 300)
def test_any_text_fits_its_slot_and_stays_json(value):
    filled = json.loads(Template("t", flex("{reason}")).fill({"reason": value}))
    told = filled[0]["contents"]["body"]["contents"][0]["text"]
    assert utf16_length(told) <= SLOTS["reason"]
    assert told == value or told.endswith("…")


@given(st.text(max_size=30), st.integers(1, 40))
def test_clipping_keeps_to_the_size_and_splits_no_pair(value, units):
    clipped = clip(value, units)
    assert utf16_length(clipped) <= units
    if utf16_length(value) <= units:
        assert clipped == value
    else:
        assert value.startswith(clipped[:-1])


def test_what_could_grow_too_long_is_refused_when_it_is_made():
    room = TEXT_UNITS - SLOTS["reason"]
    Template("t", text("あ" * room + "{reason}"))
    with pytest.raises(BadWording, match="5001"):
        Template("t", text("あ" * (room + 1) + "{reason}"))


def test_length_counts_utf16_units():
    Template("t", text("😀" * (TEXT_UNITS // 2)))
    with pytest.raises(BadWording):
        Template("t", text("😀" * (TEXT_UNITS // 2) + "a"))


def test_alt_text_has_a_limit_of_its_own():
    Template("t", flex("x", "a" * ALT_TEXT_UNITS))
    with pytest.raises(BadWording, match="altText"):
        Template("t", flex("x", "a" * (ALT_TEXT_UNITS + 1)))


def test_flex_must_stay_below_thirty_kilobytes_even_when_escaped():
    contents = flex("x")
    contents[0]["contents"]["body"]["contents"] *= 2000
    with pytest.raises(BadWording, match="Flex"):
        Template("t", contents)


@pytest.mark.parametrize("messages", [[], text("x") * 6, text("")])
def test_line_takes_one_to_five_messages_that_say_something(messages):
    with pytest.raises(BadWording):
        Template("t", messages)


def test_an_unknown_slot_is_named():
    with pytest.raises(BadWording, match=r"\{colour\}"):
        Template("t", text("{colour}"))
