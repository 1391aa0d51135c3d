"""Templates: escaped, clipped, and within LINE's limits by construction."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.notify.errors import BadWording
from services.notify.templates.fixed import fixed
from services.notify.templates.template import Phrase, Template
from services.notify.templates.variables import Variable, clip
from shared.line import message_rules
from shared.line.text_length import utf16_units as utf16_length

VARIABLES = {
    "reason": Variable(500),
    "points": Variable(24),
    "progress": Variable(3, "percent"),
    "link": Variable(600, "address"),
}


def template(messages, **more):
    return Template("t", messages, VARIABLES, **more)


def text(words: str) -> list[dict[str, object]]:
    return [{"type": "text", "text": words}]


def flex(words: str, alt: str = "alt") -> list[dict[str, object]]:
    body = {"type": "box", "layout": "vertical", "contents": [{"type": "text", "text": words}]}
    return [{"type": "flex", "altText": alt, "contents": {"type": "bubble", "body": body}}]


@pytest.mark.parametrize(
    "value", ['"', "\\", '"},{"type":"text"', "\n\t", "{points}", "<b>&", "😀", "\u2028"]
)
def test_a_value_stays_a_value(value):
    filled = template(text("理由: {reason}!")).fill({"reason": value})
    assert json.loads(filled) == text(f"理由: {value}!")


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=800))
@example("あ" * 600)
@example("😀" * 300)
def test_any_text_fits_its_slot_and_stays_json(value):
    filled = json.loads(template(flex("{reason}")).fill({"reason": value}))
    told = filled[0]["contents"]["body"]["contents"][0]["text"]
    assert utf16_length(told) <= 500
    assert told == (sendable(value) or "-") or told.endswith("…")


@given(st.text(max_size=30), st.integers(1, 40))
def test_clipping_keeps_to_the_size_and_splits_no_pair(value, units):
    clipped = clip(value, units)
    assert utf16_length(clipped) <= units
    if utf16_length(value) <= units:
        assert clipped == value
    else:
        assert value.startswith(clipped[:-1])


def sendable(value):
    return "".join(c for c in value if c >= " " or c in "\n\r\t")


@pytest.mark.parametrize(
    ("value", "told"), [("a\x00b\x1f", "ab"), ("\ud83d", "-"), ("", "-"), ("\x07", "-")]
)
def test_what_cannot_be_sent_is_left_out_and_nothing_is_a_dash(value, told):
    assert json.loads(template(text("{reason}")).fill({"reason": value})) == text(told)


def test_within_an_address_a_value_is_escaped_and_an_address_is_not():
    uri = {"type": "uri", "label": "a", "uri": "https://a.jp/?q={reason}"}
    link = {"type": "uri", "label": "a", "uri": "{link}"}
    reply = [
        {**text("{reason}")[0], "quickReply": {"items": [item(uri), item(link)]}},
    ]
    made = Template("t", reply, {"reason": Variable(50), "link": Variable(600, "address")})
    values = {"reason": 'あ&b="/', "link": "https://b.jp/?c=d&e"}
    items = json.loads(made.fill(values))[0]["quickReply"]["items"]
    assert items[0]["action"]["uri"] == "https://a.jp/?q=%E3%81%82%26b%3D%22%2F"
    assert items[1]["action"]["uri"] == "https://b.jp/?c=d&e"


def item(action):
    return {"type": "action", "action": action}


def test_double_braces_are_braces():
    filled = template(text("{{points}} {{{points}}}")).fill({"points": "5"})
    assert json.loads(filled) == text("{points} {5}")


def test_a_width_takes_a_percentage_and_nothing_else():
    bar = flex("x")
    bar[0]["contents"]["body"]["contents"] = [
        {"type": "box", "layout": "vertical", "contents": [], "width": "{progress}%"}
    ]
    for value, width in (("60", "60%"), ("101", "0%"), ("x", "0%"), ("-1", "0%")):
        told = json.loads(template(bar).fill({"progress": value}))
        assert told[0]["contents"]["body"]["contents"][0]["width"] == width


def test_without_an_address_of_the_card_what_leads_there_is_left_out():
    button = {"type": "button", "action": {"type": "uri", "label": "c", "uri": "{card_url}"}}
    message = flex("x")
    message[0]["contents"]["footer"] = {"type": "box", "layout": "vertical", "contents": [button]}
    message[0]["quickReply"] = {"items": [item(button["action"])]}
    there = json.loads(template(message, fixed=fixed(public_url="https://shop.jp/")).fill({}))
    footer = there[0]["contents"]["footer"]["contents"]
    assert footer[0]["action"]["uri"] == "https://shop.jp/card"
    assert json.loads(template(message, fixed=fixed()).fill({})) == flex("x")


def test_colours_come_from_the_theme():
    message = flex("x")
    message[0]["contents"]["body"]["backgroundColor"] = "{color_brand}"
    told = json.loads(template(message, fixed=fixed("#AB12CD")).fill({}))
    assert told[0]["contents"]["body"]["backgroundColor"] == "#AB12CD"


def test_a_template_that_line_would_not_take_is_not_made():
    with pytest.raises(BadWording, match=r"t: messages\[0\]\.text: .*5,001"):
        template(text("あ" * 5001))


def test_a_phrase_with_an_unknown_slot_is_named():
    with pytest.raises(BadWording, match=r"\{colour\}"):
        Phrase("p", "{colour}", VARIABLES)


words = st.lists(
    st.one_of(
        st.sampled_from(["{reason}", "{points}", "{{", "}}"]), st.text("aあ😀", max_size=2000)
    ),
    min_size=1,
    max_size=4,
).map("".join)
hostile = st.text(st.sampled_from('aあ😀\x00\x01\ud800"\\\n\u2028é'), max_size=700)


@given(words, words, hostile, hostile)
@example("{reason}", "{points}", "\x01" * 600, '"' * 600)
def test_what_is_made_is_taken_by_line_whatever_is_filled_in(alt, body, reason, points):
    message = [*flex(body, alt), {"type": "text", "text": alt, "quickReply": quick("{points}")}]
    message[0]["contents"]["body"]["contents"] *= 2
    try:
        made = template(message)
    except BadWording:
        return
    told = json.loads(made.fill({"reason": reason, "points": points}))
    assert list(message_rules.messages(told)) == []


def quick(words):
    postback = {"type": "postback", "label": "a", "data": f"d={words}"}
    link = {"type": "uri", "label": "b", "uri": f"https://a.jp/{words}"}
    return {"items": [item(postback), item(link)]}
