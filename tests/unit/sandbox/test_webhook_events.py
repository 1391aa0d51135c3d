import base64
import hashlib
import hmac
from typing import Any

import pytest

from deploy.sandbox import user_acts, webhook_events
from deploy.sandbox.platform import Platform


def test_a_first_follow_and_an_unblocking_are_told_apart(platform: Platform) -> None:
    user = platform.people.add("はなこ")
    first = user_acts.follow(platform, user)
    assert first
    assert first["follow"] == {"isUnblocked": False}
    assert user_acts.follow(platform, user) is None
    gone = user_acts.unfollow(platform, user)
    assert gone
    assert "replyToken" not in gone
    again = user_acts.follow(platform, user)
    assert again
    assert again["follow"] == {"isUnblocked": True}


def test_one_who_blocks_cannot_speak(platform: Platform) -> None:
    user = platform.people.add("はなこ")
    assert user_acts.say(platform, user, "はじめまして")["message"]["text"] == "はじめまして"
    user_acts.follow(platform, user)
    user_acts.unfollow(platform, user)
    with pytest.raises(user_acts.Impossible):
        user_acts.say(platform, user, "もしもし")
    with pytest.raises(user_acts.Impossible):
        user_acts.tap(platform, user, "why")


@pytest.mark.parametrize(
    ("act", "limit"),
    [(user_acts.say, 5000), (user_acts.tap, 300), (user_acts.scan, 4096)],
)
def test_what_a_user_does_has_limits(platform: Platform, act: Any, limit: int) -> None:
    user = platform.people.add("はなこ")
    act(platform, user, "a" * limit)
    with pytest.raises(user_acts.Impossible):
        act(platform, user, "a" * (limit + 1))


def test_a_ulid_sorts_by_time_and_has_its_alphabet() -> None:
    early, late = webhook_events.new_ulid(1), webhook_events.new_ulid(1_700_000_000_000)
    assert early < late
    assert len(late) == 26
    assert set(late) <= set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
    assert webhook_events.new_ulid(1469918176385, lambda _: 0)[:10] == "01ARYZ6S41"


def test_the_signature_is_over_the_raw_bytes() -> None:
    body = webhook_events.webhook_body("U1", [{"text": "ポイント"}])
    expected = base64.b64encode(hmac.new(b"secret", body, hashlib.sha256).digest()).decode()
    assert webhook_events.signature("secret", body) == expected


def test_a_redelivered_event_differs_in_nothing_else(platform: Platform) -> None:
    event = user_acts.say(platform, platform.people.add("はなこ"), "ポイント")
    (again,) = webhook_events.redelivered([event])
    assert again["deliveryContext"] == {"isRedelivery": True}
    assert {**again, "deliveryContext": 0} == {**event, "deliveryContext": 0}
