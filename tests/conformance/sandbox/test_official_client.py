"""LINE's official client finds in the sandbox what it finds in LINE."""

from typing import Any
from uuid import uuid4

import pytest
from linebot.v3.messaging import (
    ApiException,
    FlexContainer,
    FlexMessage,
    MulticastRequest,
    PushMessageRequest,
    ReplyMessageRequest,
    SetWebhookEndpointRequest,
    ShowLoadingAnimationRequest,
    TextMessage,
)
from linebot.v3.messaging import TestWebhookEndpointRequest as WebhookTest  # not a test case
from linebot.v3.messaging.models import ErrorResponse

from deploy.sandbox.faults import FaultSettings

HELLO = [TextMessage(text="こんにちは")]
BUBBLE = {
    "type": "bubble",
    "body": {
        "type": "box",
        "layout": "vertical",
        "contents": [{"type": "text", "text": "+10", "size": "3xl", "weight": "bold"}],
    },
}


def request(to: str) -> PushMessageRequest:
    return PushMessageRequest(to=to, messages=HELLO)


async def test_push_and_its_repeat(line: Any, sandbox: Any, friend: Any) -> None:
    key = str(uuid4())
    first = await line.push_message_with_http_info(request(friend.user_id), x_line_retry_key=key)
    assert first.status_code == 200
    assert first.data.sent_messages[0].quote_token
    with pytest.raises(ApiException) as repeated:
        await line.push_message(request(friend.user_id), x_line_retry_key=key)
    assert repeated.value.status == 409
    headers = repeated.value.headers
    assert headers["x-line-accepted-request-id"] == first.headers["x-line-request-id"]
    error = ErrorResponse.from_json(repeated.value.body)
    assert error.sent_messages[0].id == first.data.sent_messages[0].id
    assert sandbox.platform.deliveries.total == 1


async def test_reply(line: Any, sandbox: Any, friend: Any) -> None:
    token = sandbox.platform.reply_tokens.issue(friend.user_id, sandbox.platform.seconds())
    flex = FlexMessage(alt_text="+10", contents=FlexContainer.from_dict(BUBBLE))
    asked = ReplyMessageRequest(reply_token=token, messages=[flex, *HELLO])
    answer = await line.reply_message(asked)
    assert len(answer.sent_messages) == 2
    with pytest.raises(ApiException) as used:
        await line.reply_message(asked)
    assert used.value.status == 400
    assert ErrorResponse.from_json(used.value.body).message == "Invalid reply token"


async def test_multicast(line: Any, sandbox: Any, friend: Any) -> None:
    await line.multicast(MulticastRequest(to=[friend.user_id], messages=HELLO))
    (delivery,) = sandbox.platform.deliveries.received(friend.user_id)
    assert delivery.kind == "multicast"


async def test_profile_quota_and_account(line: Any, sandbox: Any, friend: Any) -> None:
    assert (await line.get_profile(friend.user_id)).display_name == "はなこ"
    assert (await line.get_message_quota()).type == "none"
    sandbox.platform.set_faults(FaultSettings(monthly_limit=7))
    assert (await line.get_message_quota()).value == 7
    await line.push_message(request(friend.user_id))
    assert (await line.get_message_quota_consumption()).total_usage == 1
    assert (await line.get_bot_info()).user_id == sandbox.platform.channel.bot_user_id


async def test_the_two_refusals_of_too_many(line: Any, sandbox: Any, friend: Any) -> None:
    for settings, words in (
        (FaultSettings(monthly_limit=0), "You have reached your monthly limit."),
        (
            FaultSettings(status_429=1),
            "The API rate limit has been exceeded. Try again later.",
        ),
    ):
        sandbox.platform.set_faults(settings)
        with pytest.raises(ApiException) as refused:
            await line.push_message(request(friend.user_id))
        assert refused.value.status == 429
        assert ErrorResponse.from_json(refused.value.body).message == words


async def test_the_rest_of_what_we_use(line: Any, friend: Any) -> None:
    assert (await line.issue_link_token(friend.user_id)).link_token
    loading = ShowLoadingAnimationRequest(chat_id=friend.user_id, loading_seconds=5)
    await line.show_loading_animation(loading)
    await line.set_webhook_endpoint(SetWebhookEndpointRequest(endpoint="http://127.0.0.1:9/"))
    assert (await line.get_webhook_endpoint()).endpoint == "http://127.0.0.1:9/"
    tested = await line.test_webhook_endpoint(WebhookTest())
    assert tested.success is False
