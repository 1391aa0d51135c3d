"""Reply, push and multicast as LINE would take or refuse them."""

from typing import Any
from uuid import uuid4

import pytest

from deploy.sandbox.faults import FaultSettings
from deploy.sandbox.people import User
from deploy.sandbox.platform import Platform
from deploy.sandbox.send_api import multicast, push, reply
from deploy.sandbox.user_acts import follow, unfollow

HELLO = [{"type": "text", "text": "こんにちは"}]
STRANGER = "U" + "0" * 32


@pytest.fixture
def friend(platform: Platform) -> User:
    user = platform.people.add("はなこ")
    follow(platform, user)
    return user


def received(platform: Platform, user: User) -> int:
    return len(platform.deliveries.received(user.user_id))


def reply_token(platform: Platform, user: User) -> str:
    return platform.reply_tokens.issue(user.user_id, platform.seconds())


def test_a_push_arrives_and_counts(platform: Platform, friend: User, send: Any) -> None:
    status, content, _ = send(push, {"to": friend.user_id, "messages": HELLO * 5})
    assert status == 200
    assert len(content["sentMessages"]) == 5
    assert received(platform, friend) == 1
    assert platform.quota.used(platform.seconds()) == 1


def test_a_reply_arrives_and_is_free(platform: Platform, friend: User, send: Any) -> None:
    token = reply_token(platform, friend)
    assert send(reply, {"replyToken": token, "messages": HELLO})[0] == 200
    assert received(platform, friend) == 1
    assert platform.quota.used(platform.seconds()) == 0


def test_a_reply_token_is_good_once(platform: Platform, friend: User, send: Any) -> None:
    request = {"replyToken": reply_token(platform, friend), "messages": HELLO}
    assert send(reply, request)[0] == 200
    assert send(reply, request)[:2] == (400, {"message": "Invalid reply token"})


@pytest.mark.parametrize(("seconds", "status"), [(59.9, 200), (60, 400)])
def test_a_reply_token_lives_for_a_minute(
    *, platform: Platform, friend: User, send: Any, clock: Any, seconds: float, status: int
) -> None:
    token = reply_token(platform, friend)
    clock.forward(seconds=seconds)
    assert send(reply, {"replyToken": token, "messages": HELLO})[0] == status


def test_a_malformed_reply_does_not_use_up_its_token(
    platform: Platform, friend: User, send: Any
) -> None:
    token = reply_token(platform, friend)
    assert send(reply, {"replyToken": token, "messages": []})[0] == 400
    assert send(reply, {"replyToken": token, "messages": HELLO})[0] == 200


def test_a_reply_takes_no_retry_key(platform: Platform, friend: User, send: Any) -> None:
    token = reply_token(platform, friend)
    assert send(reply, {"replyToken": token, "messages": HELLO}, str(uuid4()))[0] == 400
    assert received(platform, friend) == 0


def test_the_same_retry_key_is_accepted_once(platform: Platform, friend: User, send: Any) -> None:
    key, request = str(uuid4()), {"to": friend.user_id, "messages": HELLO}
    _, first, _ = send(push, request, key)
    status, again, headers = send(push, request, key.upper())
    assert (status, again["message"]) == (409, "The retry key is already accepted")
    assert again["sentMessages"] == first["sentMessages"]
    assert headers[b"x-line-accepted-request-id"]
    assert received(platform, friend) == 1
    assert platform.quota.used(platform.seconds()) == 1


@pytest.mark.parametrize(("hours", "status"), [(23.99, 409), (24, 200)])
def test_a_retry_key_is_remembered_for_a_day(
    friend: User, send: Any, clock: Any, hours: float, status: int
) -> None:
    key, request = str(uuid4()), {"to": friend.user_id, "messages": HELLO}
    send(push, request, key)
    clock.forward(hours=hours)
    assert send(push, request, key)[0] == status


def test_a_push_that_failed_is_not_remembered(friend: User, send: Any) -> None:
    key = str(uuid4())
    assert send(push, {"to": friend.user_id, "messages": []}, key)[0] == 400
    assert send(push, {"to": friend.user_id, "messages": HELLO}, key)[0] == 200


@pytest.mark.parametrize(
    "key",
    [
        "",
        "1",
        "order-17",
        "{5f3a9c1e-7b42-4d0e-9a51-c0ffee123456}",
        "5f3a9c1e7b424d0e9a51c0ffee123456",
    ],
)
def test_a_retry_key_must_be_a_uuid(friend: User, send: Any, key: str) -> None:
    assert send(push, {"to": friend.user_id, "messages": HELLO}, key)[0] == 400


def test_a_push_to_one_who_blocks_is_accepted_and_arrives_nowhere(
    platform: Platform, friend: User, send: Any
) -> None:
    unfollow(platform, friend)
    assert send(push, {"to": friend.user_id, "messages": HELLO})[0] == 200
    assert received(platform, friend) == 0
    assert platform.quota.used(platform.seconds()) == 0


@pytest.mark.parametrize("to", [STRANGER, "hanako", "", None, 7, ["U"], STRANGER.upper()])
def test_a_push_to_nobody_is_refused(send: Any, to: Any) -> None:
    assert send(push, {"to": to, "messages": HELLO})[0] == 400


def test_a_multicast_reaches_each_once(platform: Platform, friend: User, send: Any) -> None:
    other = platform.people.add("たろう")
    follow(platform, other)
    to = [friend.user_id, other.user_id, friend.user_id]
    assert send(multicast, {"to": to, "messages": HELLO})[:2] == (200, {})
    assert (received(platform, friend), received(platform, other)) == (1, 1)
    assert platform.quota.used(platform.seconds()) == 2


def test_a_multicast_with_one_unknown_id_reaches_nobody(
    platform: Platform, friend: User, send: Any
) -> None:
    assert send(multicast, {"to": [friend.user_id, STRANGER], "messages": HELLO})[0] == 400
    assert received(platform, friend) == 0


def test_a_multicast_goes_to_500(platform: Platform, send: Any) -> None:
    users = [platform.people.add(str(number)).user_id for number in range(501)]
    assert send(multicast, {"to": users[:500], "messages": HELLO})[0] == 200
    assert send(multicast, {"to": users, "messages": HELLO})[0] == 400
    assert send(multicast, {"to": [], "messages": HELLO})[0] == 400


def test_the_month_has_a_limit_and_a_retry_within_it_is_still_a_repeat(
    platform: Platform, friend: User, send: Any, clock: Any
) -> None:
    platform.set_faults(FaultSettings(monthly_limit=1))
    key, request = str(uuid4()), {"to": friend.user_id, "messages": HELLO}
    assert send(push, request, key)[0] == 200
    assert send(push, request)[:2] == (429, {"message": "You have reached your monthly limit."})
    assert send(push, request, key)[0] == 409
    token = reply_token(platform, friend)
    assert send(reply, {"replyToken": token, "messages": HELLO})[0] == 200
    clock.forward(days=21)
    assert send(push, request)[0] == 200


def test_the_month_turns_in_japan(platform: Platform, clock: Any) -> None:
    platform.quota.spend(1, platform.seconds())
    clock.moment = clock.moment.replace(day=30, hour=14, minute=59)
    assert platform.quota.used(platform.seconds()) == 1
    clock.forward(minutes=1)
    assert platform.quota.used(platform.seconds()) == 0


def test_a_multicast_beyond_the_month_sends_to_nobody(
    platform: Platform, friend: User, send: Any
) -> None:
    other = platform.people.add("たろう")
    follow(platform, other)
    platform.set_faults(FaultSettings(monthly_limit=1))
    request = {"to": [friend.user_id, other.user_id], "messages": HELLO}
    assert send(multicast, request)[0] == 429
    assert received(platform, friend) == 0


@pytest.mark.parametrize(
    ("units", "status"),
    [
        (["a" * 30], 200),
        ([], 200),
        (["a" * 31], 400),
        ([""], 400),
        (["sale-1"], 400),
        (["a", "b"], 400),
        ("a", 400),
    ],
)
def test_aggregation_units(friend: User, send: Any, units: Any, status: int) -> None:
    request = {"to": friend.user_id, "messages": HELLO, "customAggregationUnits": units}
    assert send(push, request)[0] == status


def test_there_are_a_thousand_aggregation_units_a_month(
    platform: Platform, friend: User, send: Any
) -> None:
    month = platform.quota.month(platform.seconds())
    platform.aggregation_units[month] = {f"unit_{number}" for number in range(999)}
    for unit, status in (("last", 200), ("beyond", 400), ("last", 200)):
        request = {"to": friend.user_id, "messages": HELLO, "customAggregationUnits": [unit]}
        assert send(push, request)[0] == status


def test_notices_can_be_silent(friend: User, send: Any) -> None:
    request = {"to": friend.user_id, "messages": HELLO, "notificationDisabled": True}
    assert send(push, request)[0] == 200
    assert send(push, {**request, "notificationDisabled": "yes"})[0] == 400


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b"[" * 100_000])
def test_what_is_no_object_is_refused_and_does_not_crash(send: Any, body: bytes) -> None:
    for handler in (push, reply, multicast):
        assert send(handler, body)[0] == 400


def test_faults_in_a_message_are_told_as_line_tells_them(friend: User, send: Any) -> None:
    request = {"to": friend.user_id, "messages": [{"type": "text", "text": ""}]}
    assert send(push, request)[1] == {
        "message": "The request body has 1 error(s)",
        "details": [{"message": "May not be empty", "property": "messages[0].text"}],
    }
    bad = {"type": "bubble", "body": {"type": "box", "layout": "vertical", "contents": [{}]}}
    flex = {"type": "flex", "altText": "a", "contents": bad}
    assert send(push, {"to": friend.user_id, "messages": [*HELLO, flex]})[1] == {
        "message": "A message (messages[1]) in the request body is invalid",
        "details": [{"message": "invalid property", "property": "/body/contents/0"}],
    }
