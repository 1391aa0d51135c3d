"""The judge of requests: what is wrong fails, what is right passes, at the limit and one over."""

from collections.abc import Iterator
from typing import Any

import pytest

from shared.line import action_rules, message_rules
from shared.line.field_rules import Unknown, naming_unknown_fields
from tests.conformance.openapi import (
    document,
    fields_of,
    present,
    problems_of,
    rule_problems,
    schema_problems,
)

U = "U" + "0" * 32
by_lines_files = pytest.mark.skipif(
    not present(), reason="LINE's OpenAPI files are not beside the repository"
)
PUSH, MULTICAST = "/v2/bot/message/push", "/v2/bot/message/multicast"
TEXT = {"type": "text", "text": "こんにちは"}


def push(*messages: Any, **fields: Any) -> dict[str, Any]:
    return {"to": U, "messages": list(messages), **fields}


def bubble(*contents: Any, **fields: Any) -> dict[str, Any]:
    box = {"type": "box", "layout": "vertical", "contents": list(contents), **fields}
    inside = {"type": "bubble", "body": box}
    return {"type": "flex", "altText": "points", "contents": inside}


def asking(action: Any) -> dict[str, Any]:
    return {**TEXT, "quickReply": {"items": [{"type": "action", "action": action}]}}


POSTBACK = {"type": "postback", "label": "Yes", "data": "yes"}


@pytest.mark.parametrize(
    "body",
    [
        push(TEXT),
        push(TEXT, customAggregationUnits=["sale"], notificationDisabled=True),
        push(asking(POSTBACK)),
        push(bubble({"type": "text", "text": "+10", "size": "3xl", "flex": 1})),
        push({"type": "sticker", "packageId": "1", "stickerId": "2"}),
    ],
)
def test_a_good_request_has_no_problems(body: Any) -> None:
    assert problems_of("POST", PUSH, body) == []


@by_lines_files
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (push({"type": "text", "txt": "a"}), ["messages[0]: 'text' is a required", "'txt' was"]),
        (push({"type": "texts", "text": "a"}), ["messages[0].type: 'texts' is not one of"]),
        (push({"text": "a"}), ["messages[0]: 'type' is a required"]),
        ({"messages": [TEXT]}, ["'to' is a required"]),
        (push(TEXT, notificationDisable=True), ["'notificationDisable' was"]),
        (
            push(asking({**POSTBACK, "dispalyText": "Yes"})),
            ["messages[0].quickReply.items[0].action: Additional"],
        ),
        (push(asking({**POSTBACK, "type": "postpack"})), ["action.type: 'postpack' is not one"]),
        (push(asking({"type": "postback", "label": "Yes"})), ["action.data: May not be empty"]),
        (push(bubble({"type": "txt"})), ["contents.body.contents[0].type: 'txt' is not one of"]),
        (push(bubble({"type": "text", "text": "a", "sz": "xl"})), ["body.contents[0]: Additional"]),
        (push(bubble(layuot="vertical")), ["contents.body: Additional"]),
        (push(bubble(layout="upwards")), ["contents.body.layout: 'upwards' is not one of"]),
        (push(TEXT, customAggregationUnits=["a-b"]), ["customAggregationUnits[0]"]),
        (push(*[TEXT] * 6), ["messages: "]),
        (push(), ["messages: "]),
    ],
)
def test_a_typo_an_unknown_type_and_a_missing_field_fail(body: Any, words: list[str]) -> None:
    told = "\n".join(problems_of("POST", PUSH, body))
    for word in words:
        assert word in told


@by_lines_files
@pytest.mark.parametrize(
    ("method", "path", "word"),
    [
        ("POST", "/v2/bot/message/pusch", "LINE knows no such call"),
        ("GET", "/v2/bot/message/delivery/push", "?date: is missing"),
        ("GET", "/v2/bot/message/delivery/push?date=20250401&x=1", "?x: unknown"),
        ("GET", "/v2/bot/insight/message/delivery?date=2025-04-1", "does not match"),
        ("GET", "/v2/bot/followers/ids?limit=1001", "greater than the maximum"),
    ],
)
def test_a_wrong_path_or_query_fails(method: str, path: str, word: str) -> None:
    assert word in "\n".join(problems_of(method, path))


def flex_of(size: int) -> dict[str, Any]:
    """A bubble of that many bytes."""
    words = {"type": "text", "text": "a"}
    empty = len(b'{"type":"bubble","body":{"type":"box","layout":"vertical","contents":[]}}')
    each = len(b'{"type":"text","text":"a"},')
    count, rest = divmod(size - empty, each + 499)
    texts = [{**words, "text": "a" * 500} for _ in range(count)]
    texts[-1]["text"] += "a" * (rest + 1)
    return bubble(*texts)


# A request with a value of so many characters or elements, and LINE's limit for it.
LIMITS: list[tuple[str, Any, int]] = [
    ("text", lambda n: (PUSH, push({"type": "text", "text": "a" * n})), 5000),
    (
        "emoji",
        lambda n: (PUSH, push({"type": "text", "text": "😀" * (n // 2) + "a" * (n % 2)})),
        5000,
    ),
    ("messages", lambda n: (PUSH, push(*[TEXT] * n)), 5),
    ("recipients", lambda n: (MULTICAST, {"to": [U] * n, "messages": [TEXT]}), 500),
    ("units", lambda n: (PUSH, push(TEXT, customAggregationUnits=["a"] * n)), 1),
    ("unit", lambda n: (PUSH, push(TEXT, customAggregationUnits=["a" * n])), 30),
    ("alt text", lambda n: (PUSH, push({**bubble({"type": "filler"}), "altText": "a" * n})), 1500),
    ("label", lambda n: (PUSH, push(asking({**POSTBACK, "label": "名" * n}))), 20),
    ("data", lambda n: (PUSH, push(asking({**POSTBACK, "data": "a" * n}))), 300),
    ("shown", lambda n: (PUSH, push(asking({**POSTBACK, "displayText": "a" * n}))), 300),
    (
        "address",
        lambda n: (
            PUSH,
            push(asking({"type": "uri", "label": "a", "uri": "https://" + "a" * (n - 8)})),
        ),
        1000,
    ),
    (
        "quick replies",
        lambda n: (
            PUSH,
            push({**TEXT, "quickReply": {"items": [{"type": "action", "action": POSTBACK}] * n}}),
        ),
        13,
    ),
    (
        "bubbles",
        lambda n: (
            PUSH,
            push(
                {
                    "type": "flex",
                    "altText": "a",
                    "contents": {"type": "carousel", "contents": [bubble()["contents"]] * n},
                }
            ),
        ),
        12,
    ),
    ("bubble", lambda n: (PUSH, push(flex_of(n))), 30 * 1024),
    ("areas", lambda n: ("/v2/bot/richmenu", menu(areas=[AREA] * n)), 20),
    ("chat bar", lambda n: ("/v2/bot/richmenu", menu(chatBarText="名" * n)), 14),
    ("menu name", lambda n: ("/v2/bot/richmenu", menu(name="a" * n)), 300),
    (
        "linked",
        lambda n: ("/v2/bot/richmenu/bulk/link", {"richMenuId": "a", "userIds": [U] * n}),
        500,
    ),
    (
        "alias",
        lambda n: ("/v2/bot/richmenu/alias", {"richMenuId": "a", "richMenuAliasId": "a" * n}),
        32,
    ),
]
AREA = {
    "bounds": {"x": 0, "y": 0, "width": 1, "height": 1},
    "action": {"type": "postback", "data": "card"},
}
# Where LINE's file names no limit, or counts in another way than its reference says.
ONLY_IN_THE_REFERENCE = {
    "text", "emoji", "units", "unit", "alt text", "label", "shown", "address", "bubbles", "bubble",
    "areas",
}  # fmt: skip


def menu(**fields: Any) -> dict[str, Any]:
    size = {"width": 1200, "height": 405}
    whole = {"size": size, "selected": True, "name": "a", "chatBarText": "a", "areas": [AREA]}
    return {**whole, **fields}


@pytest.mark.parametrize(("name", "make", "limit"), LIMITS, ids=[one[0] for one in LIMITS])
def test_at_the_limit_passes_and_one_over_fails(name: str, make: Any, limit: int) -> None:
    path, body = make(limit)
    assert problems_of("POST", path, body) == []
    path, body = make(limit + 1)
    assert rule_problems("POST", path, body) != []
    by_file = schema_problems("POST", path, body) != []
    assert by_file == (name not in ONLY_IN_THE_REFERENCE), "the file and the rules disagree"


def test_the_rules_know_every_field_that_the_files_know() -> None:
    """Of messages, templates and actions: else the log would warn of what LINE takes."""
    unknown = []
    for where, make, fields in families():
        with naming_unknown_fields():
            problems = make(dict.fromkeys(fields, "x"))
        unknown += [
            f"{where}.{path[-1]}" for path, message in problems if isinstance(message, Unknown)
        ]
    assert unknown == []


def families() -> Iterator[tuple[str, Any, set[str]]]:
    """Each kind of message, template and action: its name, its rule, and its fields."""
    schemas = document("messaging-api.yml")["components"]["schemas"]
    rules = {
        "Message": message_rules.message,
        "Template": lambda value: message_rules.message(
            {"type": "template", "altText": "a", "template": value}
        ),
        "Action": action_rules.rich_menu_action,
    }
    for base, rule in rules.items():
        for kind, reference in schemas[base]["discriminator"]["mapping"].items():
            fields = fields_of(reference.rpartition("/")[2])
            yield f"{base} {kind}", _typed(rule, kind), fields - {"type"}


def _typed(rule: Any, kind: str) -> Any:
    return lambda fields: rule({**fields, "type": kind})
