"""What may be saved: each limit at the limit and one over, all faults at once, hostile input."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notify.templates import kinds
from services.notify.templates.checking import MOST_DEPTH, check
from services.notify.templates.variables import Variable

VARIABLES = {"points": Variable(24), "reason": Variable(500), "progress": Variable(3, "percent")}


def text(words: Any = "x", **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


def box(*contents: Any, **more: Any) -> dict[str, Any]:
    return {"type": "box", "layout": "vertical", "contents": list(contents), **more}


def bubble(*contents: Any) -> dict[str, Any]:
    return {"type": "bubble", "body": box(*contents)}


def flex(contents: Any, alt: str = "alt") -> dict[str, Any]:
    return {"type": "flex", "altText": alt, "contents": contents}


def button(action: Any) -> dict[str, Any]:
    return {"type": "button", "action": action}


def uri(address: str, label: str = "a") -> dict[str, Any]:
    return {"type": "uri", "label": label, "uri": address}


def postback(data: str = "d", label: str = "a", **more: Any) -> dict[str, Any]:
    return {"type": "postback", "label": label, "data": data, **more}


def replies(*actions: Any) -> dict[str, Any]:
    items = [{"type": "action", "action": action} for action in actions]
    return text(quickReply={"items": items})


def sized(size: int) -> dict[str, Any]:
    """A bubble of so many bytes."""
    empty = len(json.dumps(bubble(text("")), separators=(",", ":")))
    rest = size - empty
    parts = []
    while rest > 5000:
        parts.append(text("a" * 4000))
        rest -= 4000 + len(json.dumps(text(""), separators=(",", ":"))) + 1
    return bubble(text("a" * rest), *parts)


def carousel(*sizes: int) -> dict[str, Any]:
    return flex({"type": "carousel", "contents": [sized(size) for size in sizes]})


def frame(*sizes: int) -> int:
    """The bytes of a carousel around so many bubbles."""
    return len('{"type":"carousel","contents":[]}') + len(sizes) - 1


LIMITS = {
    "text": lambda n: [text("a" * (5000 + n))],
    "text in UTF-16 units": lambda n: [text("😀" * 2499 + "a" * (2 + n))],
    "text with a variable": lambda n: [text("a" * (4500 + n) + "{reason}")],
    "text with a brace": lambda n: [text("a" * (4999 + n) + "{{")],
    "alt text": lambda n: [flex(bubble(text()), "a" * (1500 + n))],
    "alt text with a variable": lambda n: [flex(bubble(text()), "a" * (1476 + n) + "{points}")],
    "messages": lambda n: [text()] * (5 + n),
    "quick replies": lambda n: [replies(*[postback()] * (13 + n))],
    "label": lambda n: [replies(postback(label="é" * (20 + n)))],
    "postback data": lambda n: [replies(postback("a" * (300 + n)))],
    "postback data with a variable": lambda n: [replies(postback("a" * (276 + n) + "{points}"))],
    "display text": lambda n: [replies(postback(displayText="a" * (300 + n)))],
    "uri": lambda n: [replies(uri("https://a.jp/" + "a" * (987 + n)))],
    "uri with an escaped variable": lambda n: [
        replies(uri("https://a.jp/" + "a" * (987 - 9 * 24 + n) + "{points}"))
    ],
    "flex text": lambda n: [flex(bubble(text("a" * (5000 + n))))],
    "flex button": lambda n: [flex(bubble(button(postback(label="a" * (20 + n)))))],
    "bubble": lambda n: [flex(sized(30 * 1024 + n))],
    "carousel": lambda n: [carousel(25 * 1024, 25 * 1024 - frame(1, 2) + n)],
    "bubbles": lambda n: [carousel(*[200] * (12 + n))],
    "depth": lambda n: [flex(bubble(deep((MOST_DEPTH - 6) // 2 + n)))],
    "sender": lambda n: [text(sender={"name": "店" * (20 + n)})],
    "emojis": lambda n: [
        text("$" * (20 + n), emojis=[emoji(index) for index in range(20 + n)])
    ],
}  # fmt: skip


def deep(levels: int) -> dict[str, Any]:
    inner: dict[str, Any] = text()
    for _ in range(levels):
        inner = box(inner)
    return inner


def emoji(index: int) -> dict[str, Any]:
    return {"index": index, "productId": "5ac1bfd5040ab15980c9b435", "emojiId": "001"}


@pytest.mark.parametrize("limit", LIMITS)
def test_at_the_limit_it_is_taken_and_one_beyond_it_is_refused(limit):
    assert check(LIMITS[limit](0), VARIABLES) == []
    assert check(LIMITS[limit](1), VARIABLES) != []


WRONG = [
    ([text("{pionts}")], "messages[0].text", "Did you mean {points}?"),
    ([text("{ポイント}")], "messages[0].text", "There are: {points}, {reason}"),
    ([text("{}")], "messages[0].text", "There is no variable {} here."),
    ([text("a{points")], "messages[0].text", "not closed"),
    ([text("points}")], "messages[0].text", "closes nothing"),
    ([flex(bubble(text("x", color="{points}")))], "messages[0].contents.body.contents[0].color",
     "colour"),
    ([flex(bubble(text("x", colour="#ffffff")))], "messages[0].contents.body.contents[0].colour",
     "no property of this name"),
    ([text("x", quickreply={})], "messages[0].quickreply", "no property of this name"),
    ([replies(postback(dispalyText="x"))],
     "messages[0].quickReply.items[0].action.dispalyText", "no property of this name"),
    ([flex(bubble(button(postback(dispalyText="x"))))],
     "messages[0].contents.body.contents[0].action.dispalyText", "no property of this name"),
    ([{"type": "txt", "text": "a"}], "messages[0].type", "Must be one of"),
    ([flex({"type": "bubbel"})], "messages[0].contents", "does not take this value"),
    ([flex(bubble({"type": "chart"}))], "messages[0].contents.body.contents[0]", "does not take"),
    ([flex({"type": "bubble"})], "messages[0].contents", "header, hero, body or footer"),
    ([{"type": "text"}], "messages[0].text", "missing or empty"),
    ([flex(bubble(button({"type": "uri", "label": "a"})))],
     "messages[0].contents.body.contents[0].action.uri", "missing or empty"),
    ([replies(uri("javascript:alert(1)"))], "messages[0].quickReply.items[0].action.uri",
     "must begin with https://"),
    ([replies(uri("mailto:a@b.jp"))], "messages[0].quickReply.items[0].action.uri",
     "must begin with https://"),
    ([replies(uri("{points}"))], "messages[0].quickReply.items[0].action.uri", "must begin with"),
    ([replies(uri("https://a.jp/a b"))], "messages[0].quickReply.items[0].action.uri", "%20"),
    ([replies(postback(label="{points}"))], "messages[0].quickReply.items[0].action.label",
     "24 characters; LINE takes 20"),
    ([text("a" * 4501 + "{reason}")], "messages[0].text", "{reason} up to 500"),
    ([text("a\x00b")], "messages[0].text", "control characters"),
    ([text("a\ud800b")], "messages[0].text", "control characters"),
    ([text(5)], "messages[0].text", "in quotes"),
    ([], "messages", "1 to 5 messages"),
    ({}, "messages", "a list"),
    (None, "messages", "a list"),
    ("x", "messages", "a list"),
    ([[]], "messages[0]", "an object"),
    ([{"type": "textV2", "text": "a"}], "messages[0].type", "message of type text"),
    ([text("{points}$", emojis=[emoji(0)])], "messages[0].emojis", "would move"),
    ([text("a😀$", emojis=[emoji(2)])], "messages[0].emojis[0].index", "a $ in the text"),
    ([flex(bubble(box(width="{progress}")))], "messages[0].contents.body.contents[0].width",
     "{progress} up to 3"),
    ([flex(bubble(deep(500)))], "messages[0]", "64 levels"),
]  # fmt: skip


@pytest.mark.parametrize(("messages", "path", "words"), WRONG)
def test_what_is_wrong_is_said_with_its_place_and_what_to_do(messages, path, words):
    found = check(messages, VARIABLES)
    assert any(at.startswith(path) and words in told for at, told in found), found


def test_everything_is_said_at_once():
    wrong = [text("{a} {b} {"), text(""), flex(bubble(text("x", size="huge")), "")]
    found = check(wrong, VARIABLES)
    assert [at for at, _ in found] == [
        "messages[0].text",
        "messages[0].text",
        "messages[0].text",
        "messages[1].text",
        "messages[2].altText",
        "messages[2].contents.body.contents[0].size",
    ]


def test_what_leads_only_to_the_card_is_nothing_without_its_address():
    only = [flex(bubble(button(uri("{card_url}"))))]
    assert [told for _, told in check(only, VARIABLES)] == [
        "Give the bubble a header, hero, body or footer."
    ]
    assert check([flex(bubble(text(), button(uri("{card_url}"))))], VARIABLES) == []


def test_addresses_of_the_four_kinds_are_taken():
    for address in ("https://a.jp", "http://a.jp", "line://nv/chat", "tel:09001234567"):
        assert check([replies(uri(address))], VARIABLES) == []


NAMES = ["type", "text", "contents", "body", "action", "uri", "quickReply", "items", "emojis"]
json_values = st.recursive(
    st.sampled_from(
        [None, True, 0, -1, 1e300, "", "{", "{points}", "\x00", "\ud800", "text", "flex", "box"]
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(NAMES), inner, max_size=5)
    ),
    max_leaves=30,
)


@settings(deadline=None)
@given(json_values)
def test_any_json_is_checked_without_falling_over(value):
    check(value, VARIABLES)
    check([value], VARIABLES)


def test_a_card_offer_needs_words_for_when_there_is_no_link():
    offer = replies(uri("{link}"))
    assert kinds.problems("link_offer", [offer, text()]) == []
    for wrong in ([offer], [text(), offer], [text(), text()]):
        assert "at least two messages" in kinds.problems("link_offer", wrong)[0][1]
