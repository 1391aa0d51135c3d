"""Webhooks over a real connection: signature, shape, redelivery and the faults of the way."""

import asyncio
import base64
import hashlib
import hmac
import json
from typing import Any

from deploy.sandbox.app import open_sandbox
from shared import clock
from tests.integration.sandbox.conftest import settings

SECRET = b"channel-secret"


def events(edge: Any) -> list[dict[str, Any]]:
    return [event for _, body in edge.got for event in json.loads(body)["events"]]


async def test_a_follow_is_signed_over_the_raw_body(client: Any, edge: Any, until: Any) -> None:
    user = await client.user(follow=True)
    await until(lambda: edge.got)
    headers, body = edge.got[0]
    expected = base64.b64encode(hmac.new(SECRET, body, hashlib.sha256).digest()).decode()
    assert headers["x-line-signature"] == expected
    content = json.loads(body)
    (event,) = content["events"]
    assert content["destination"].startswith("U")
    assert event["type"] == "follow"
    assert event["follow"] == {"isUnblocked": False}
    assert event["source"] == {"type": "user", "userId": user}
    assert event["mode"] == "active"
    assert event["deliveryContext"] == {"isRedelivery": False}
    assert len(event["webhookEventId"]) == 26
    assert event["replyToken"]


async def test_a_reply_token_from_a_webhook_answers_its_user(
    client: Any, edge: Any, until: Any
) -> None:
    user = await client.user(follow=True)
    await client.script("POST", f"/sandbox/users/{user}/say", {"text": "ポイント"})
    await until(lambda: len(edge.got) == 2)
    event = events(edge)[1]
    assert event["message"]["text"] == "ポイント"
    request = {
        "replyToken": event["replyToken"],
        "messages": [{"type": "text", "text": "10 ポイント"}],
    }
    assert (await client.line("POST", "/v2/bot/message/reply", request))[0] == 200
    assert (await client.line("POST", "/v2/bot/message/reply", request))[0] == 400
    (item,) = await client.received(user)
    assert (item["kind"], item["messages"], item["retry_key"]) == (
        "reply",
        request["messages"],
        None,
    )


async def test_a_tap_is_a_postback(client: Any, edge: Any, until: Any) -> None:
    user = await client.user()
    await client.script("POST", f"/sandbox/users/{user}/tap", {"data": "why=1"})
    await until(lambda: edge.got)
    assert events(edge)[0]["postback"] == {"data": "why=1"}


async def test_a_failed_webhook_comes_again_with_the_same_content(
    client: Any, edge: Any, until: Any
) -> None:
    await client.script("PUT", "/sandbox/faults", {"redelivery_seconds": [0.02, 0.02]})
    edge.statuses = [500, 302]
    user = await client.user()
    await client.script("POST", f"/sandbox/users/{user}/say", {"text": "a"})
    await until(lambda: len(edge.got) == 3)
    first, second, third = events(edge)
    assert first["deliveryContext"] == {"isRedelivery": False}
    assert second == third == {**first, "deliveryContext": {"isRedelivery": True}}
    await outstanding_is(client, 0)
    stats = await client.script("GET", "/sandbox/stats")
    assert stats["webhook"] == {"500": 1}
    assert stats["webhook_redelivery"] == {"302": 1, "200": 1}


async def test_redelivery_ends(client: Any, edge: Any, until: Any) -> None:
    await client.script("PUT", "/sandbox/faults", {"redelivery_seconds": [0.01, 0.01]})
    edge.statuses = [500] * 3
    user = await client.user()
    await client.script("POST", f"/sandbox/users/{user}/say", {"text": "a"})
    await until(lambda: len(edge.got) == 3)
    await outstanding_is(client, 0)
    stats = await client.script("GET", "/sandbox/stats")
    assert stats["webhook_given_up"] == {"lost": 1}


async def test_duplicates_reordering_and_redelivery(client: Any, edge: Any, until: Any) -> None:
    user = await client.user()
    say = f"/sandbox/users/{user}/say"
    await client.script("PUT", "/sandbox/faults", {"reorder": 1})
    await client.script("POST", say, {"text": "1"})
    await client.script("PUT", "/sandbox/faults", {})
    await client.script("POST", say, {"text": "2"})
    await until(lambda: len(edge.got) == 2)
    assert [event["message"]["text"] for event in events(edge)] == ["2", "1"]
    await client.script("PUT", "/sandbox/faults", {"duplicate": 1})
    await client.script("POST", say, {"text": "3"})
    await until(lambda: len(edge.got) == 4)
    assert edge.got[2][1] == edge.got[3][1]
    await client.script("PUT", "/sandbox/faults", {"redeliver": 1})
    await client.script("POST", say, {"text": "4"})
    await until(lambda: len(edge.got) == 6)
    *_, once, again = events(edge)
    assert again == {**once, "deliveryContext": {"isRedelivery": True}}


async def test_many_users_follow_in_few_webhooks(client: Any, edge: Any, until: Any) -> None:
    made = await client.script("POST", "/sandbox/users/bulk", {"count": 120, "follow": True})
    await until(lambda: len(events(edge)) == 120)
    assert len(edge.got) == 3
    assert {event["source"]["userId"] for event in events(edge)} == set(made["user_ids"])


async def test_the_webhook_address_can_be_tested(client: Any, edge: Any) -> None:
    path = "/v2/bot/channel/webhook"
    status, content, _ = await client.line("POST", f"{path}/test", {})
    assert (status, content["success"], content["statusCode"]) == (200, True, 200)
    assert json.loads(edge.got[0][1])["events"] == []
    nowhere = {"endpoint": "http://127.0.0.1:9/"}
    content = (await client.line("POST", f"{path}/test", nowhere))[1]
    assert (content["success"], content["reason"]) == (False, "COULD_NOT_CONNECT")
    assert (await client.line("PUT", f"{path}/endpoint", nowhere))[0] == 200
    assert (await client.line("GET", f"{path}/endpoint"))[1]["endpoint"] == nowhere["endpoint"]


async def test_an_address_of_the_shop_is_told_as_it_is_and_reached_at_the_edge(edge: Any) -> None:
    async with open_sandbox(settings(edge.url, "https://shop.example.jp/"), clock.now) as sandbox:
        assert sandbox.platform.channel.webhook_url == "https://shop.example.jp/line/webhook"
        assert await sandbox.sender.probe("https://shop.example.jp/line/webhook") == (200, "OK")
        other = await sandbox.sender.probe("http://127.0.0.1:9/line/webhook")
        assert other == (0, "COULD_NOT_CONNECT"), "another's address is no address of the shop"
        sandbox.sender.submit([{"type": "test"}])
        while len(edge.got) < 2:
            await asyncio.sleep(0.01)
    assert [len(json.loads(body)["events"]) for _, body in edge.got] == [0, 1]


async def outstanding_is(client: Any, count: int) -> None:
    for _ in range(1000):
        stats = await client.script("GET", "/sandbox/stats")
        if stats["webhooks_outstanding"] == count:
            return
    raise AssertionError(f"webhooks are still outstanding: {stats}")
