"""What the sandbox answers and sends fits LINE's OpenAPI files."""

from typing import Any

import aiohttp
import msgspec
import pytest
from jsonschema import Draft4Validator, FormatChecker

from deploy.sandbox import user_acts
from deploy.sandbox.faults import FaultSettings
from deploy.sandbox.webhook_events import redelivered, webhook_body
from shared.line import flex_rules, message_rules

HELLO = [{"type": "text", "text": "こんにちは"}]
STRANGER = "U" + "0" * 32


def check(document: Any, schema: Any, content: Any) -> None:
    """OpenAPI 3.0 schemas are close enough to draft 4; references resolve in the document."""
    whole = {**schema, "components": document["components"]}
    Draft4Validator(whole, format_checker=FormatChecker()).validate(content)


async def call(
    base: str, document: Any, method: str, template: str, content: Any = None, **names: str
) -> tuple[int, Any]:
    """Make the call and hold the answer against the document."""
    described = document["paths"][template][method.lower()]
    async with (
        aiohttp.ClientSession(trust_env=False) as http,
        http.request(
            method,
            base + template.format(**names),
            json=content,
            headers={"authorization": "Bearer token"},
        ) as answer,
    ):
        body = await answer.json()
    response = described["responses"].get(str(answer.status))
    if response is None:
        schema = {"$ref": "#/components/schemas/ErrorResponse"}
        assert answer.status >= 400
    else:
        schema = response.get("content", {}).get("application/json", {}).get("schema", {})
    check(document, schema, body)
    return answer.status, body


@pytest.mark.parametrize(
    ("method", "template", "content", "status"),
    [
        ("POST", "/v2/bot/message/push", {"to": "{friend}", "messages": HELLO}, 200),
        ("POST", "/v2/bot/message/push", {"to": STRANGER, "messages": HELLO}, 400),
        ("POST", "/v2/bot/message/push", {"to": "{friend}", "messages": []}, 400),
        ("POST", "/v2/bot/message/push", {"to": "{friend}", "messages": [{"type": "x"}]}, 400),
        ("POST", "/v2/bot/message/reply", {"replyToken": "{token}", "messages": HELLO}, 200),
        ("POST", "/v2/bot/message/reply", {"replyToken": "0" * 32, "messages": HELLO}, 400),
        ("POST", "/v2/bot/message/multicast", {"to": ["{friend}"], "messages": HELLO}, 200),
        ("POST", "/v2/bot/message/multicast", {"to": [STRANGER], "messages": HELLO}, 400),
        ("GET", "/v2/bot/profile/{userId}", None, 200),
        ("GET", "/v2/bot/message/quota", None, 200),
        ("GET", "/v2/bot/message/quota/consumption", None, 200),
        ("GET", "/v2/bot/info", None, 200),
        ("POST", "/v2/bot/user/{userId}/linkToken", None, 200),
        ("POST", "/v2/bot/chat/loading/start", {"chatId": "{friend}", "loadingSeconds": 5}, 202),
        ("POST", "/v2/bot/chat/loading/start", {"chatId": "x"}, 400),
        ("GET", "/v2/bot/channel/webhook/endpoint", None, 200),
        ("PUT", "/v2/bot/channel/webhook/endpoint", {"endpoint": "https://a.jp/"}, 200),
        ("POST", "/v2/bot/channel/webhook/test", {}, 200),
    ],
)
async def test_answers_fit(
    *,
    base: str,
    sandbox: Any,
    friend: Any,
    messaging_document: Any,
    method: str,
    template: str,
    content: Any,
    status: int,
) -> None:
    token = sandbox.platform.reply_tokens.issue(friend.user_id, sandbox.platform.seconds())
    filled = fill(content, {"{friend}": friend.user_id, "{token}": token})
    got, _ = await call(base, messaging_document, method, template, filled, userId=friend.user_id)
    assert got == status


def fill(content: Any, values: dict[str, str]) -> Any:
    if isinstance(content, dict):
        return {name: fill(item, values) for name, item in content.items()}
    if isinstance(content, list):
        return [fill(item, values) for item in content]
    return values.get(content, content) if isinstance(content, str) else content


async def test_a_limited_month_fits(
    base: str, sandbox: Any, friend: Any, messaging_document: Any
) -> None:
    sandbox.platform.set_faults(FaultSettings(monthly_limit=0))
    push = {"to": friend.user_id, "messages": HELLO}
    assert (await call(base, messaging_document, "POST", "/v2/bot/message/push", push))[0] == 429
    quota = await call(base, messaging_document, "GET", "/v2/bot/message/quota")
    assert quota == (200, {"type": "limited", "value": 0})


def test_every_webhook_fits(sandbox: Any, webhook_document: Any) -> None:
    platform = sandbox.platform
    user = platform.people.add("はなこ")
    events: list[Any] = [
        user_acts.follow(platform, user),
        user_acts.say(platform, user, "ポイント"),
        user_acts.tap(platform, user, "why"),
        user_acts.account_link(platform, user, "a nonce of the shop's"),
        user_acts.unfollow(platform, user),
    ]
    schemas = webhook_document["components"]["schemas"]
    names = schemas["Event"]["discriminator"]["mapping"]
    for event in (*events, *redelivered(events)):
        check(webhook_document, {"$ref": names[event["type"]]}, event)
    message = {"$ref": "#/components/schemas/TextMessageContent"}
    check(webhook_document, message, events[1]["message"])
    check(webhook_document, {"$ref": "#/components/schemas/UserSource"}, events[0]["source"])
    body = msgspec.json.decode(webhook_body(platform.channel.bot_user_id, events))
    check(webhook_document, {"$ref": "#/components/schemas/CallbackRequest"}, body)


def test_we_know_every_message_and_flex_type_that_line_knows(messaging_document: Any) -> None:
    schemas = messaging_document["components"]["schemas"]
    for name in schemas["Message"]["discriminator"]["mapping"]:
        problems = message_rules.message({"type": name})
        assert not any(path == ("type",) for path, _ in problems), name
    for name in schemas["FlexContainer"]["discriminator"]["mapping"]:
        problems = flex_rules.container({"type": name})
        assert ((), "invalid property") not in problems, name
