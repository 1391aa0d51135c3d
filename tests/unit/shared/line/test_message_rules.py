"""Every limit of a message: kept at the limit, refused one beyond."""

from typing import Any

import pytest

from shared.line.field_rules import Problems
from shared.line.message_rules import messages


def text(length: int, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": "あ" * length, **more}


def quick(count: int = 1, **action: Any) -> dict[str, Any]:
    full = {"type": "postback", "label": "はい", "data": "yes", **action}
    return text(1, quickReply={"items": [{"type": "action", "action": full}] * count})


def buttons(**more: Any) -> dict[str, Any]:
    action = {"type": "message", "label": "はい", "text": "はい"}
    return {
        "type": "template",
        "altText": "選択",
        "template": {"type": "buttons", "text": "どちら", "actions": [action], **more},
    }


def found(*content: dict[str, Any]) -> Problems:
    return messages(list(content))


@pytest.mark.parametrize(
    ("kept", "refused"),
    [
        ([text(1)] * 5, [text(1)] * 6),
        ([text(1)], []),
        ([text(5000)], [text(5001)]),
        ([text(1)], [text(0)]),
        ([{"type": "text", "text": "𠮷" * 2500}], [{"type": "text", "text": "𠮷" * 2501}]),
        ([quick(13)], [quick(14)]),
        ([quick(label="あ" * 20)], [quick(label="あ" * 21)]),
        ([quick(label="👨‍👩‍👧" * 20)], [quick(label="👨‍👩‍👧" * 21)]),
        ([quick(label="はい")], [quick(label="")]),
        ([quick(data="d" * 300)], [quick(data="d" * 301)]),
        (
            [quick(type="uri", uri="https://a.jp/" + "u" * 987)],
            [quick(type="uri", uri="https://a.jp/" + "u" * 988)],
        ),
        (
            [quick(type="uri", uri="tel:0312345678")],
            [quick(type="uri", uri="javascript:alert(1)")],
        ),
        ([buttons(title="t" * 40)], [buttons(title="t" * 41)]),
        ([buttons(text="t" * 160)], [buttons(text="t" * 161)]),
        ([text(1, sender={"name": "n" * 20})], [text(1, sender={"name": "n" * 21})]),
    ],
)
def test_a_limit_is_kept_at_the_limit_and_refused_beyond(
    kept: list[dict[str, Any]], refused: list[dict[str, Any]]
) -> None:
    assert found(*kept) == ()
    assert found(*refused) != ()


def test_alt_text_has_its_own_limit() -> None:
    assert found({**buttons(), "altText": "a" * 1500}) == ()
    assert found({**buttons(), "altText": "a" * 1501})[0][0] == (0, "altText")


def test_every_fault_is_told_with_its_place() -> None:
    assert found(text(0), {"type": "tweet"}) == [
        ((0, "text"), "May not be empty"),
        (
            (1, "type"),
            "Must be one of the following values: [text, textV2, sticker, image, video, audio, "
            "location, imagemap, template, flex, coupon]",
        ),
    ]


def test_a_field_that_line_does_not_know_is_passed_over_in_a_text() -> None:
    assert found(text(1, colour="red")) == ()


@pytest.mark.parametrize("content", [None, "text", 3, ["text"], {}, {"type": None}, {"type": []}])
def test_what_is_no_message_is_refused_and_does_not_crash(content: Any) -> None:
    assert messages([content]) != ()


def test_columns_must_have_as_many_actions_each() -> None:
    action = {"type": "message", "label": "a", "text": "a"}
    one, two = ({"text": "t", "actions": [action] * n} for n in (1, 2))
    template = {"type": "carousel", "columns": [one, two]}
    assert found({"type": "template", "altText": "a", "template": template})
    template["columns"] = [two, two]
    assert found({"type": "template", "altText": "a", "template": template}) == ()
