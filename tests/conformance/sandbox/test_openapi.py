"""What the sandbox answers and sends fits LINE's OpenAPI files."""

from typing import Any

import aiohttp
import msgspec
from jsonschema import Draft4Validator, FormatChecker

from deploy.sandbox import user_acts
from deploy.sandbox.audiences import Narrowcast
from deploy.sandbox.endpoints import ENDPOINTS, Endpoints
from deploy.sandbox.faults import FaultSettings
from deploy.sandbox.platform import Platform
from deploy.sandbox.rich_menus import Image
from deploy.sandbox.webhook_events import redelivered, webhook_body
from shared.line import flex_rules, message_rules
from tests.conformance.openapi import answer_problems

HELLO = [{"type": "text", "text": "こんにちは"}]
STRANGER = "U" + "0" * 32
OURS = Endpoints(ENDPOINTS)
MENU = {
    "size": {"width": 1200, "height": 405},
    "selected": False,
    "name": "standard",
    "chatBarText": "メニュー",
    "areas": [
        {
            "bounds": {"x": 0, "y": 0, "width": 1200, "height": 405},
            "action": {"type": "postback", "data": "card"},
        }
    ],
}


def check(document: Any, schema: Any, content: Any) -> None:
    """OpenAPI 3.0 schemas are close enough to draft 4; references resolve in the document."""
    whole = {**schema, "components": document["components"]}
    Draft4Validator(whole, format_checker=FormatChecker()).validate(content)


async def call(
    base: str, method: str, path: str, content: Any = None, *, headers: Any = None
) -> tuple[int, Any]:
    """Make the call and hold the answer against LINE's files."""
    sent = {"authorization": "Bearer token", **(headers or {})}
    body = {"data": content} if isinstance(content, bytes) else {"json": content}
    async with (
        aiohttp.ClientSession(trust_env=False) as http,
        http.request(method, base + path, headers=sent, **body) as answer,
    ):
        is_json = answer.content_type == "application/json"
        got = await answer.json() if is_json else await answer.read()
    if is_json:
        assert answer_problems(method, path, answer.status, got) == []
    return answer.status, got


BOT, MESSAGE = "/v2/bot", "/v2/bot/message"
SAID = {"messages": HELLO}
DAYS = "from=20250401&to=20250430"
AUDIENCE = {"description": "sale", "audiences": [{"id": "{friend}"}]}
TO_AUDIENCE = {"type": "audience", "audienceGroupId": "{audience}"}


CASES: list[tuple[str, str, Any, int]] = [
    ("POST", f"{MESSAGE}/push", {"to": "{friend}", **SAID}, 200),
    ("POST", f"{MESSAGE}/push", {"to": STRANGER, **SAID}, 400),
    ("POST", f"{MESSAGE}/push", {"to": "{friend}", "messages": []}, 400),
    ("POST", f"{MESSAGE}/push", {"to": "{friend}", "messages": [{"type": "x"}]}, 400),
    ("POST", f"{MESSAGE}/reply", {"replyToken": "{token}", **SAID}, 200),
    ("POST", f"{MESSAGE}/reply", {"replyToken": "0" * 32, **SAID}, 400),
    ("POST", f"{MESSAGE}/multicast", {"to": ["{friend}"], **SAID}, 200),
    ("POST", f"{MESSAGE}/multicast", {"to": [STRANGER], **SAID}, 400),
    ("POST", f"{MESSAGE}/broadcast", SAID, 200),
    ("POST", f"{MESSAGE}/broadcast", {}, 400),
    ("POST", f"{MESSAGE}/narrowcast", {**SAID, "recipient": TO_AUDIENCE}, 202),
    ("POST", f"{MESSAGE}/narrowcast", {**SAID, "recipient": {"type": "x"}}, 400),
    ("GET", f"{MESSAGE}/progress/narrowcast?requestId={{narrowcast}}", None, 200),
    ("GET", f"{MESSAGE}/progress/narrowcast?requestId={{failed}}", None, 200),
    ("GET", f"{MESSAGE}/progress/narrowcast?requestId=x", None, 404),
    *(
        ("POST", f"{MESSAGE}/validate/{way}", {"messages": messages}, status)
        for way in ("reply", "push", "multicast", "narrowcast", "broadcast")
        for messages, status in ((HELLO, 200), ([{"type": "text"}], 400))
    ),
    *(
        ("GET", f"{MESSAGE}/delivery/{way}?date={date}", None, status)
        for way in ("reply", "push", "multicast", "broadcast")
        for date, status in (("20250101", 200), ("29991231", 200), ("x", 400))
    ),
    ("GET", f"{MESSAGE}/quota", None, 200),
    ("GET", f"{MESSAGE}/quota/consumption", None, 200),
    ("GET", f"{MESSAGE}/aggregation/info", None, 200),
    ("GET", f"{MESSAGE}/aggregation/list", None, 200),
    ("GET", f"{MESSAGE}/aggregation/list?limit=x", None, 400),
    ("GET", f"{BOT}/insight/message/delivery?date=20250101", None, 200),
    ("GET", f"{BOT}/insight/followers", None, 200),
    ("GET", f"{BOT}/insight/demographic", None, 200),
    ("GET", f"{BOT}/insight/message/event?requestId={{narrowcast}}", None, 200),
    ("GET", f"{BOT}/insight/message/event?requestId=x", None, 404),
    (
        "GET",
        f"{BOT}/insight/message/event/aggregation?customAggregationUnit=sale&{DAYS}",
        None,
        200,
    ),
    ("GET", f"{BOT}/insight/message/event/aggregation?{DAYS}", None, 400),
    ("POST", f"{BOT}/audienceGroup/upload", AUDIENCE, 202),
    ("POST", f"{BOT}/audienceGroup/upload", {}, 400),
    (
        "PUT",
        f"{BOT}/audienceGroup/upload",
        {"audienceGroupId": "{audience}", "audiences": [{"id": "{friend}"}]},
        202,
    ),
    ("GET", f"{BOT}/audienceGroup/{{audience}}", None, 200),
    ("GET", f"{BOT}/audienceGroup/1", None, 400),
    ("GET", f"{BOT}/audienceGroup/list?page=1", None, 200),
    (
        "PUT",
        f"{BOT}/audienceGroup/{{audience}}/updateDescription",
        {"description": "autumn"},
        200,
    ),
    ("DELETE", f"{BOT}/audienceGroup/{{audience}}", None, 200),
    ("GET", f"{BOT}/profile/{{friend}}", None, 200),
    ("GET", f"{BOT}/followers/ids", None, 200),
    ("GET", f"{BOT}/info", None, 200),
    ("POST", f"{BOT}/user/{{friend}}/linkToken", None, 200),
    ("POST", f"{BOT}/chat/loading/start", {"chatId": "{friend}", "loadingSeconds": 5}, 202),
    ("POST", f"{BOT}/chat/loading/start", {"chatId": "x"}, 400),
    ("GET", f"{BOT}/channel/webhook/endpoint", None, 200),
    ("PUT", f"{BOT}/channel/webhook/endpoint", {"endpoint": "https://a.jp/"}, 200),
    ("POST", f"{BOT}/channel/webhook/test", {}, 200),
    ("POST", f"{BOT}/richmenu", MENU, 200),
    ("POST", f"{BOT}/richmenu", {}, 400),
    ("POST", f"{BOT}/richmenu/validate", MENU, 200),
    ("GET", f"{BOT}/richmenu/{{menu}}", None, 200),
    ("GET", f"{BOT}/richmenu/list", None, 200),
    ("GET", f"{BOT}/richmenu/{{menu}}/content", None, 200),
    ("DELETE", f"{BOT}/richmenu/{{menu}}", None, 200),
    ("POST", f"{BOT}/user/all/richmenu/{{menu}}", None, 200),
    ("GET", f"{BOT}/user/all/richmenu", None, 404),
    ("DELETE", f"{BOT}/user/all/richmenu", None, 200),
    ("POST", f"{BOT}/user/{{friend}}/richmenu/{{menu}}", None, 200),
    ("GET", f"{BOT}/user/{{friend}}/richmenu", None, 404),
    ("DELETE", f"{BOT}/user/{{friend}}/richmenu", None, 200),
    (
        "POST",
        f"{BOT}/richmenu/bulk/link",
        {"richMenuId": "{menu}", "userIds": ["{friend}"]},
        202,
    ),
    ("POST", f"{BOT}/richmenu/bulk/unlink", {"userIds": ["{friend}"]}, 202),
    ("POST", f"{BOT}/richmenu/batch", {"operations": [{"type": "unlinkAll"}]}, 202),
    ("POST", f"{BOT}/richmenu/validate/batch", {"operations": []}, 400),
    ("GET", f"{BOT}/richmenu/progress/batch?requestId=x", None, 404),
    (
        "POST",
        f"{BOT}/richmenu/alias",
        {"richMenuAliasId": "a", "richMenuId": "{menu}"},
        200,
    ),
    ("GET", f"{BOT}/richmenu/alias/list", None, 200),
    ("GET", f"{BOT}/richmenu/alias/x", None, 404),
]


async def test_answers_fit(base: str, sandbox: Any) -> None:
    wrong = []
    for method, path, content, status in CASES:
        names = furnish(sandbox.platform)
        got, _ = await call(base, method, path.format(**names), fill(content, names))
        if got != status:
            wrong.append(f"{method} {path} {content}: {got}, not {status}")
    assert wrong == []


def test_the_answers_of_all_our_endpoints_are_held_against_the_files() -> None:
    tried = {
        found[0].name
        for method, path, *_ in CASES
        if (found := OURS.find(method, path.partition("?")[0]))
    }
    by_client = {  # through LINE's own client, in the other files of this folder
        "upload_rich_menu", "update_alias", "delete_alias",
    }  # fmt: skip
    assert {endpoint.name for endpoint in ENDPOINTS.values()} - tried == by_client


def furnish(platform: Platform) -> dict[str, Any]:
    """A new world, and what stands in for the braces of a path and a body."""
    platform.reset()
    friend = platform.people.add("はなこ")
    user_acts.follow(platform, friend)
    at = platform.seconds()
    menu = platform.rich_menus.add(MENU)
    menu.image = Image("image/png", b"png")
    audience = platform.audiences.add("sale", at)
    platform.audiences.upload(audience, [friend.user_id], "first", at)
    platform.audiences.record("narrowcast-1", Narrowcast(at, 1), [friend.user_id])
    platform.audiences.record("narrowcast-2", Narrowcast(at, 0, 2, "Too few."), [])
    tally = platform.statistics.new_request("narrowcast-1", at)
    tally.open(friend.user_id, 2)
    tally.click(friend.user_id, 1, "https://a.jp/")
    return {
        "friend": friend.user_id,
        "token": platform.reply_tokens.issue(friend.user_id, at),
        "menu": menu.menu_id,
        "audience": audience.audience_id,
        "narrowcast": "narrowcast-1",
        "failed": "narrowcast-2",
    }


def fill(content: Any, names: dict[str, Any]) -> Any:
    if isinstance(content, dict):
        return {name: fill(item, names) for name, item in content.items()}
    if isinstance(content, list):
        return [fill(item, names) for item in content]
    if isinstance(content, str) and content.startswith("{"):
        return names[content.strip("{}")]
    return content


async def test_a_limited_month_fits(base: str, sandbox: Any, friend: Any) -> None:
    sandbox.platform.set_faults(FaultSettings(monthly_limit=0))
    push = {"to": friend.user_id, "messages": HELLO}
    assert (await call(base, "POST", "/v2/bot/message/push", push))[0] == 429
    quota = await call(base, "GET", "/v2/bot/message/quota")
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
