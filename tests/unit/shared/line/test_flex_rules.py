"""Flex: sizes at the limit and one byte beyond, and the refusals that LINE is known for."""

from typing import Any

import msgspec
import pytest

from shared.line.flex_rules import BUBBLE_BYTES, CAROUSEL_BYTES, container


def bubble(*contents: dict[str, Any], layout: str = "vertical", **more: Any) -> dict[str, Any]:
    body = {"type": "box", "layout": layout, "contents": list(contents)}
    return {"type": "bubble", "body": body, **more}


def words(text: str = "a", **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": text, **more}


def padded(size: int) -> dict[str, Any]:
    """A bubble of exactly so many bytes."""
    filled, text = bubble(words("a")), 4000
    while len(msgspec.json.encode(filled)) + text + 30 < size:
        filled["body"]["contents"].append(words("a" * text))
    filled["body"]["contents"][0]["text"] += "a" * (size - len(msgspec.json.encode(filled)))
    assert len(msgspec.json.encode(filled)) == size
    return filled


def test_a_bubble_may_have_30_kb() -> None:
    assert container(padded(BUBBLE_BYTES)) == ()
    assert container(padded(BUBBLE_BYTES + 1)) != ()


def test_a_carousel_may_have_50_kb() -> None:
    def carousel(size: int) -> dict[str, Any]:
        rest = size - len(msgspec.json.encode({"type": "carousel", "contents": [{}, {}]})) + 4
        return {"type": "carousel", "contents": [padded(25_000), padded(rest - 25_000)]}

    assert len(msgspec.json.encode(carousel(CAROUSEL_BYTES))) == CAROUSEL_BYTES
    assert container(carousel(CAROUSEL_BYTES)) == ()
    assert container(carousel(CAROUSEL_BYTES + 1)) != ()


def test_a_carousel_may_have_12_bubbles() -> None:
    assert container({"type": "carousel", "contents": [bubble(words())] * 12}) == ()
    assert container({"type": "carousel", "contents": [bubble(words())] * 13}) != ()


@pytest.mark.parametrize(
    ("content", "place", "message"),
    [
        (bubble({"type": "spacer"}), ("body", "contents", 0), "invalid property"),
        (bubble(words(colour="#000000")), ("body", "contents", 0, "colour"), "unknown field"),
        (bubble(words(""), words()), ("body", "contents", 0, "text"), "May not be empty"),
        (bubble({"type": "text"}), ("body", "contents", 0, "text"), "must be specified"),
        (bubble(words(color="red")), ("body", "contents", 0, "color"), "invalid color"),
        (
            bubble({"type": "image", "url": "http://a.jp/i.png"}),
            ("body", "contents", 0, "url"),
            "invalid uri scheme",
        ),
        (
            bubble({"type": "separator"}, layout="baseline"),
            ("body", "contents", 0),
            "invalid property",
        ),
        (
            bubble({"type": "icon", "url": "https://a.jp/i.png"}),
            ("body", "contents", 0),
            "invalid property",
        ),
        ({"type": "bubble"}, (), "At least one block must be specified"),
        (bubble(words(), theme="x"), ("theme",), "unknown field"),
    ],
)
def test_what_line_refuses_is_refused_in_its_place(
    content: dict[str, Any], place: tuple[str | int, ...], message: str
) -> None:
    assert list(container(content)) == [(place, message)]


def test_a_receipt_with_every_usual_part_is_accepted() -> None:
    row = {
        "type": "box",
        "layout": "baseline",
        "margin": "md",
        "contents": [
            {"type": "icon", "url": "https://a.jp/i.png", "size": "sm"},
            words("お買い物", flex=2, size="sm", color="#888888"),
            {"type": "text", "contents": [{"type": "span", "text": "¥1,000", "weight": "bold"}]},
        ],
    }
    action = {"type": "uri", "label": "会員カード", "uri": "https://liff.line.me/1-a"}
    footer = {
        "type": "box",
        "layout": "vertical",
        "paddingAll": "10px",
        "background": {
            "type": "linearGradient",
            "angle": "0deg",
            "startColor": "#ffffff",
            "endColor": "#00000080",
        },
        "contents": [{"type": "button", "style": "primary", "height": "sm", "action": action}],
    }
    hero = {"type": "image", "url": "https://a.jp/i.png", "size": "full", "aspectRatio": "20:13"}
    styles = {"footer": {"separator": True}}
    assert container(bubble(row, footer=footer, hero=hero, styles=styles, size="kilo")) == ()


def test_an_action_of_a_button_needs_a_label_but_that_of_a_box_does_not() -> None:
    action = {"type": "postback", "data": "d"}
    assert container(bubble(words(action=action))) == ()
    assert container(bubble({"type": "button", "action": action})) != ()
