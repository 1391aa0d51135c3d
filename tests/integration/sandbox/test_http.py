"""The sandbox over HTTP: tokens, limits, faults on the way back, LIFF, the till and the page."""

import asyncio
import io
import json
from datetime import datetime
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from deploy.sandbox.quota import JAPAN
from deploy.sandbox.webhook_events import signature

PUSH = "/v2/bot/message/push"
SECRET = "channel-secret"


@pytest.mark.parametrize("header", [{}, {"authorization": "Bearer x"}, {"authorization": ""}])
async def test_a_call_without_the_token_is_refused(client: Any, header: dict[str, str]) -> None:
    async with client.http.post(client.base + PUSH, json={}, headers=header) as answer:
        assert answer.status == 401
        assert answer.headers["x-line-request-id"]
        assert "message" in await answer.json()


async def test_other_paths_and_media_types_are_refused(client: Any) -> None:
    for path in ("message/markAsRead", "nothing", "profile/", "profile", "richmenu/a/b"):
        status, content, headers = await client.line("POST", f"/v2/bot/{path}", {})
        assert (status, content) == (404, {"message": "Not found"})
        assert headers["x-line-request-id"]
    token = {"authorization": "Bearer channel-access-token"}
    async with client.http.post(client.base + PUSH, data=b"{}", headers=token) as answer:
        assert answer.status == 415
    token["content-type"] = "application/json"
    big = io.BytesIO(b'"%b"' % (b"a" * 2 * 1024 * 1024))
    async with client.http.post(client.base + PUSH, data=big, headers=token) as answer:
        assert answer.status == 413


async def test_a_repeated_push_names_the_accepted_one(client: Any) -> None:
    user, key = await client.user(follow=True), str(uuid4())
    _, first, headers = await client.push(user, x_line_retry_key=key)
    status, again, repeated = await client.push(user, x_line_retry_key=key)
    assert status == 409
    assert again["sentMessages"] == first["sentMessages"]
    assert repeated["x-line-accepted-request-id"] == headers["x-line-request-id"]
    assert repeated["x-line-request-id"] != headers["x-line-request-id"]
    (item,) = await client.received(user)
    assert (item["kind"], item["retry_key"], item["to"]) == ("push", key, user)


async def test_a_lost_response_took_effect(client: Any) -> None:
    user, key = await client.user(follow=True), str(uuid4())
    await client.script("PUT", "/sandbox/faults", {"lost_response": 1})
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.push(user, x_line_retry_key=key)
    await client.script("PUT", "/sandbox/faults", {})
    assert (await client.push(user, x_line_retry_key=key))[0] == 409
    assert len(await client.received(user)) == 1
    assert (await client.script("GET", "/sandbox/stats"))["push"] == {
        "lost_response": 1,
        "409": 1,
    }


async def test_a_slow_answer_is_the_right_one(client: Any) -> None:
    user = await client.user(follow=True)
    await client.script("PUT", "/sandbox/faults", {"slow": 1, "slow_seconds": 0.01})
    assert (await client.push(user))[0] == 200
    assert len(await client.received(user)) == 1
    assert (await client.script("GET", "/sandbox/stats"))["push"] == {"slow": 1}


async def test_a_time_out_took_effect_for_some(client: Any) -> None:
    user = await client.user(follow=True)
    faults = {"timeout": 1, "timeout_seconds": 0.01, "seed": 5}
    await client.script("PUT", "/sandbox/faults", faults)
    for _ in range(20):
        with pytest.raises(aiohttp.ClientConnectionError):
            await client.push(user)
    assert 2 < len(await client.received(user)) < 18


@pytest.mark.parametrize(
    ("faults", "status", "words"),
    [
        ({"status_500": 1}, 500, "Internal server error"),
        ({"status_429": 1}, 429, "The API rate limit has been exceeded. Try again later."),
        ({"monthly_limit": 0}, 429, "You have reached your monthly limit."),
    ],
)
async def test_refusals_take_no_effect(
    client: Any, faults: dict[str, Any], status: int, words: str
) -> None:
    user, key = await client.user(follow=True), str(uuid4())
    await client.script("PUT", "/sandbox/faults", faults)
    got, content, _ = await client.push(user, x_line_retry_key=key)
    assert (got, content) == (status, {"message": words})
    assert await client.received(user) == []
    await client.script("PUT", "/sandbox/faults", {})
    assert (await client.push(user, x_line_retry_key=key))[0] == 200


async def test_a_rate_limit_is_told_apart_from_the_monthly_one(client: Any) -> None:
    user = await client.user(follow=True)
    await client.script("PUT", "/sandbox/faults", {"rate_limit": 1})
    answers = [await client.push(user) for _ in range(3)]
    assert answers[-1][:2] == (
        429,
        {"message": "The API rate limit has been exceeded. Try again later."},
    )
    await client.script("PUT", "/sandbox/faults", {"monthly_limit": 0})
    await client.push(user)
    counts = (await client.script("GET", "/sandbox/stats"))["push"]
    assert counts["429_monthly"] == 1
    assert counts["429_rate"] >= 1


async def test_a_profile_is_shown_of_friends_only(client: Any) -> None:
    user = await client.user()
    assert (await client.line("GET", f"/v2/bot/profile/{user}"))[0] == 404
    await client.script("POST", f"/sandbox/users/{user}/follow")
    profile = (await client.line("GET", f"/v2/bot/profile/{user}"))[1]
    assert (profile["userId"], profile["displayName"]) == (user, "はなこ")


async def test_a_profile_tells_what_its_owner_wants(client: Any) -> None:
    user = await client.user(follow=True)
    path, about = f"/v2/bot/profile/{user}", {"language": "en", "status_message": "Hi"}
    changed = await client.script("PATCH", f"/sandbox/users/{user}", about)
    assert (changed["language"], changed["name"]) == ("en", "はなこ")
    profile = (await client.line("GET", path))[1]
    assert (profile["language"], profile["statusMessage"]) == ("en", "Hi")
    assert "pictureUrl" not in profile
    await client.script("PATCH", f"/sandbox/users/{user}", {"language": None})
    assert "language" not in (await client.line("GET", path))[1]


async def test_followers_are_listed_in_pages(client: Any) -> None:
    await client.script("POST", "/sandbox/users/bulk", {"count": 5, "follow": True})
    blocker = (await client.script("GET", "/sandbox/users"))["items"][2]["user_id"]
    await client.script("POST", f"/sandbox/users/{blocker}/unfollow")
    found, query = [], "limit=2"
    while query:
        page = (await client.line("GET", f"/v2/bot/followers/ids?{query}"))[1]
        found += page["userIds"]
        query = f"limit=2&start={page['next']}" if "next" in page else ""
    assert (len(found), blocker in found) == (4, False)


async def test_the_plan_and_what_is_used_of_it_are_settable(client: Any) -> None:
    user = await client.user(follow=True)
    await client.script("PUT", "/sandbox/quota", {"plan": 200, "used": 199})
    quota = await client.line("GET", "/v2/bot/message/quota")
    assert quota[1] == {"type": "limited", "value": 200}
    assert (await client.push(user))[0] == 200
    assert (await client.push(user))[1] == {"message": "You have reached your monthly limit."}
    assert (await client.line("GET", "/v2/bot/message/quota/consumption"))[1]["totalUsage"] == 200
    await client.script("PUT", "/sandbox/faults", {"monthly_limit": 1000})
    assert (await client.push(user))[0] == 200
    await client.script("PUT", "/sandbox/faults", {})
    shown = await client.script("GET", "/sandbox/quota")
    assert shown == {"plan": 200, "limit": 200, "used": 201}


async def test_opened_and_clicked_messages_are_counted(client: Any) -> None:
    await client.script("POST", "/sandbox/users/bulk", {"count": 20, "follow": True})
    users = [user["user_id"] for user in (await client.script("GET", "/sandbox/users"))["items"]]
    request = {
        "to": users,
        "messages": [{"type": "text", "text": "Sale"}],
        "customAggregationUnits": ["sale"],
    }
    await client.line("POST", "/v2/bot/message/multicast", request)
    looks = {"user_ids": users, "url": "https://shop.example/"}
    assert await client.script("POST", "/sandbox/looks", looks) == {"opened": 20}
    today = datetime.now(JAPAN).strftime("%Y%m%d")
    query = f"customAggregationUnit=sale&from={today}&to={today}"
    path = f"/v2/bot/insight/message/event/aggregation?{query}"
    figures = (await client.line("GET", path))[1]
    assert figures["overview"]["uniqueImpression"] == 20
    assert figures["clicks"][0]["uniqueClick"] == 20


async def test_the_log_names_each_violation_and_what_line_passes_over(client: Any) -> None:
    user = await client.user(follow=True)
    typo = {"type": "text", "text": "Hi", "sendr": {"name": "x"}}
    empty = {"type": "text", "text": ""}
    for messages in ([typo], [typo, empty]):
        await client.line("POST", PUSH, {"to": user, "messages": messages})
    log = await client.script("GET", "/sandbox/log")
    passed, refused = (entry for entry in log["items"] if entry["name"] == "push")
    assert (passed["method"], passed["path"], passed["outcome"]) == ("POST", PUSH, "200")
    assert passed["body"]["messages"] == [typo]
    assert passed["answer"]["sentMessages"]
    (warning,) = passed["findings"]
    assert (warning["property"], warning["level"]) == ("messages[0].sendr", "warning")
    assert (refused["outcome"], refused["errors"], refused["warnings"]) == ("400", 1, 1)
    assert refused["findings"][0]["property"] == "messages[1].text"
    rest = await client.script("GET", f"/sandbox/log?after={passed['number']}")
    assert all(entry["number"] > passed["number"] for entry in rest["items"])
    one = await client.script("GET", f"/sandbox/log/{passed['number']}")
    assert one == passed


async def test_any_event_is_sent_signed_and_word_for_word(
    client: Any, edge: Any, until: Any
) -> None:
    odd = {"type": "teleport", "where": {"planet": "moon"}, "n": [1.5, None]}
    await client.script("POST", "/sandbox/events", {"events": [odd, {"type": ["x"]}, {}]})
    await until(lambda: edge.got)
    headers, body = edge.got[0]
    assert json.loads(body)["events"] == [odd, {"type": ["x"]}, {}]
    assert headers["x-line-signature"] == signature(SECRET, body)
    user = await client.user()
    sticker = {
        "type": "message",
        "source": {"type": "user", "userId": user},
        "message": {"type": "sticker", "id": "1", "packageId": "1", "stickerId": "2"},
    }
    await client.script("POST", "/sandbox/events?complete=1", sticker)
    await until(lambda: len(edge.got) == 2)
    (event,) = json.loads(edge.got[1][1])["events"]
    assert {**sticker, **event} == event
    reply = {"replyToken": event["replyToken"], "messages": [{"type": "text", "text": "Hi"}]}
    assert (await client.line("POST", "/v2/bot/message/reply", reply))[0] == 200
    assert (event["mode"], len(event["webhookEventId"])) == ("active", 26)


async def test_the_loading_animation_takes_steps_of_five(client: Any) -> None:
    user = await client.user(follow=True)
    for seconds, status in ((5, 202), (60, 202), (4, 400), (7, 400), (65, 400), ("5", 400)):
        request = {"chatId": user, "loadingSeconds": seconds}
        assert (await client.line("POST", "/v2/bot/chat/loading/start", request))[0] == status


async def test_an_id_token_is_verified(client: Any) -> None:
    user = await client.user()
    given = await client.script("GET", f"/sandbox/users/{user}/id-token")
    for channel, status in (("1234567890", 200), ("1", 400), ("", 400)):
        form = {"id_token": given["id_token"], "client_id": channel}
        async with client.http.post(client.base + "/oauth2/v2.1/verify", data=form) as answer:
            assert answer.status == status
            content = await answer.json()
    assert content["error"] == "invalid_request"
    form = {"id_token": given["id_token"], "client_id": "1234567890", "user_id": user}
    async with client.http.post(client.base + "/oauth2/v2.1/verify", data=form) as answer:
        claims = await answer.json()
    assert (claims["sub"], claims["name"]) == (user, "はなこ")


async def test_a_scanned_code_is_taken_once(client: Any) -> None:
    user = await client.user()
    await client.script("POST", f"/sandbox/users/{user}/scan", {"code": "store:main"})
    for value in ("store:main", None):
        taken = await client.script("POST", f"/sandbox/users/{user}/scan/take")
        assert taken == {"value": value}


async def test_deliveries_are_listed_by_cursor(client: Any) -> None:
    user = await client.user(follow=True)
    for text in ("1", "2", "3"):
        await client.push(user, text)
    first = await client.script("GET", "/sandbox/deliveries?limit=2")
    assert [item["brief"] for item in first["items"]] == ["1", "2"]
    rest = await client.script("GET", f"/sandbox/deliveries?after={first['next']}")
    assert [item["brief"] for item in rest["items"]] == ["3"]
    assert rest["items"][0]["user"] == user
    empty = await client.script("GET", f"/sandbox/deliveries?after={rest['next']}")
    assert empty == {"items": [], "next": rest["next"]}


async def test_reset_forgets_everything(client: Any) -> None:
    user = await client.user(follow=True)
    await client.push(user)
    await client.script("PUT", "/sandbox/faults", {"monthly_limit": 0})
    await client.script("POST", "/sandbox/reset")
    stats = await client.script("GET", "/sandbox/stats")
    assert (stats["users"], stats["messages_delivered"], stats["quota_used"]) == (0, 0, 0)
    assert (await client.script("GET", "/sandbox/faults"))["monthly_limit"] is None
    assert (await client.push(user))[0] == 400


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/sandbox/users", b"{", 400),
        ("POST", "/sandbox/users", b'{"name": ""}', 422),
        ("POST", "/sandbox/users", b'{"user_id": "hanako"}', 422),
        ("POST", "/sandbox/users/bulk", b'{"count": 0}', 422),
        ("POST", "/sandbox/users/Unobody/follow", b"", 404),
        ("PUT", "/sandbox/faults", b'{"duplicates": 0.1}', 422),
        ("PUT", "/sandbox/faults", b"\xff", 400),
        ("PUT", "/sandbox/quota", b'{"plan": -1}', 422),
        ("POST", "/sandbox/events", b"{", 400),
        ("POST", "/sandbox/events", b"[]", 422),
        ("POST", "/sandbox/events", b'{"events": [1]}', 422),
        ("POST", "/sandbox/events", b'{"events": []}', 422),
        ("GET", "/sandbox/log/1000000", b"", 404),
        ("GET", "/sandbox/richmenus/x/image", b"", 404),
        ("PATCH", "/sandbox/users/Unobody", b"{}", 404),
        ("GET", "/sandbox/deliveries?after=-1", b"", 422),
        ("GET", "/sandbox/deliveries?after=" + "9" * 5000, b"", 422),
        ("POST", "/sandbox/till", b'{"card": "1", "amount": 1}', 422),
        ("DELETE", "/sandbox/users", b"", 405),
        ("GET", "/static/../settings.py", b"", 404),
    ],
)
async def test_a_wrong_request_is_told_what_is_wrong(
    client: Any, method: str, path: str, body: bytes, status: int
) -> None:
    async with client.http.request(method, client.base + path, data=body) as answer:
        assert answer.status == status
        assert answer.content_type == "application/problem+json"
        assert (await answer.json())["detail"]


async def test_another_sites_page_can_change_nothing(client: Any, edge: Any) -> None:
    url = client.base + "/sandbox/users"
    async with client.http.post(url, json={}, headers={"origin": "https://evil.example"}) as answer:
        assert answer.status == 403
    for origin in (client.base, edge.url):
        async with client.http.post(url, json={}, headers={"origin": origin}) as answer:
            assert answer.status == 201


async def test_only_the_cards_origin_may_read_an_id_token(client: Any, edge: Any) -> None:
    url = f"{client.base}/sandbox/users/{await client.user()}/id-token"
    for origin, allowed in ((edge.url, edge.url), ("https://evil.example", None)):
        async with client.http.get(url, headers={"origin": origin}) as answer:
            assert answer.headers.get("access-control-allow-origin") == allowed


async def test_the_till_posts_a_purchase_and_waits_for_its_points(client: Any, edge: Any) -> None:
    edge.purchase = (201, {"status": "awarded", "points": {"earned": 10}})
    sale = {"card": "2900000000018", "amount": 1100}
    result = await client.script("POST", "/sandbox/till", sale)
    assert result == {"status": 201, "content": edge.purchase[1]}
    headers, purchase = edge.till[0]
    assert headers["authorization"] == "Bearer pos-key"
    assert headers["prefer"] == "wait=5"
    assert (purchase["store"], purchase["total"], purchase["tax"]) == ("main", 1100, 100)
    assert purchase["member"] == {"card": "2900000000018"}
    await client.script("POST", "/sandbox/till", sale)
    assert edge.till[1][0]["idempotency-key"] != headers["idempotency-key"]
    card = await client.script("GET", f"/sandbox/users/{await client.user()}/card")
    assert card == {"card": "2900000000018"}


async def test_the_page_allows_nothing_inline_and_frames_only_the_card_and_itself(
    client: Any, edge: Any
) -> None:
    async with client.http.get(client.base + "/") as answer:
        policy = answer.headers["content-security-policy"]
        page = await answer.text()
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert f"frame-src 'self' {edge.url};" in policy
    assert "<script>" not in page
    assert "style=" not in page
    async with client.http.get(client.base + "/liff/sdk.js") as answer:
        assert answer.content_type == "text/javascript"


async def test_the_stream_brings_what_happens(client: Any) -> None:
    user = await client.user(follow=True)
    url = f"{client.base}/sandbox/users/{user}/live"
    async with client.http.get(url) as answer, asyncio.timeout(10):
        first = await event_of(answer)
        assert first["user"]["following"]
        assert [item["kind"] for item in first["timeline"]] == ["follow"]
        await client.push(user, "とどいた")
        items: list[Any] = []
        while not items:
            items = (await event_of(answer))["timeline"]
        assert items[0]["messages"] == [{"type": "text", "text": "とどいた"}]


async def event_of(answer: aiohttp.ClientResponse) -> Any:
    while True:
        line = await answer.content.readline()
        if line.startswith(b"data: "):
            return json.loads(line[6:])


async def test_the_account_is_offered_as_a_friend_and_no_other(client: Any) -> None:
    async with client.http.get(f"{client.base}/R/ti/p/%40tamaru-sandbox") as answer:
        assert (answer.status, "追加" in await answer.text()) == (200, True)
        assert "unsafe" not in answer.headers["content-security-policy"]
    async with client.http.get(f"{client.base}/R/ti/p/%40other") as answer:
        assert answer.status == 404
