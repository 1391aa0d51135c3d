"""Nothing that a caller sends may crash the rules: it is taken or refused, never a 500."""

from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.sandbox.platform import Platform
from deploy.sandbox.send_api import multicast, push, reply
from deploy.sandbox.user_acts import follow

TYPES = [
    "text", "flex", "template", "imagemap", "bubble", "carousel", "box", "button", "span", "icon",
    "uri", "postback", "message", "buttons", "confirm", "image_carousel", "linearGradient",
]  # fmt: skip
NAMES = [
    "type", "text", "altText", "contents", "body", "hero", "layout", "action", "actions", "label",
    "template", "columns", "quickReply", "items", "uri", "data", "background", "size", "messages",
    "to", "replyToken", "customAggregationUnits", "sender", "baseSize", "styles", "template",
]  # fmt: skip
VALUES = [*TYPES, "vertical", "baseline", "", "\u0000", "😀" * 30, "https://a.jp/", "#ffffff"]
scalars = st.sampled_from([None, True, 0, -1, 1.5, 10**30, *VALUES])
contents = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
        st.builds(lambda kind, more: {**more, "type": kind}, st.sampled_from(TYPES),
                  st.dictionaries(st.sampled_from(NAMES), inner, max_size=6)),
    ),
    max_leaves=40,
)  # fmt: skip


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(contents, st.lists(contents, max_size=3))
def test_any_json_is_taken_or_refused(
    platform: Platform, send: Any, whole: Any, messages: list[Any]
) -> None:
    user = next(iter(platform.people.newest(1)), None) or platform.people.add("はなこ")
    for handler in (push, reply, multicast):
        assert send(handler, whole)[0] == 400
        to = [user.user_id] if handler is multicast else user.user_id
        asked = {"to": to, "replyToken": "0", "messages": messages}
        assert send(handler, asked)[0] in (200, 400)


def test_a_box_within_a_box_without_end_is_refused(platform: Platform, send: Any) -> None:
    user = platform.people.add("はなこ")
    follow(platform, user)
    box: dict[str, Any] = {"type": "box", "layout": "vertical", "contents": []}
    for _ in range(400):
        box = {"type": "box", "layout": "vertical", "contents": [box]}
    flex = {"type": "flex", "altText": "a", "contents": {"type": "bubble", "body": box}}
    body = msgspec.json.encode({"to": user.user_id, "messages": [flex]})
    assert send(push, body)[0] == 400


def test_half_a_character_is_refused(platform: Platform, send: Any) -> None:
    user = platform.people.add("はなこ")
    body = b'{"to": "%b", "messages": [{"type": "text", "text": "\\ud83d"}]}'
    assert send(push, body % user.user_id.encode())[0] == 400
