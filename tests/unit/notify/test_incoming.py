"""Reading LINE's events leniently."""

import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.incoming import read
from shared.events import LineEventReceived

RECEIVED = datetime(2026, 1, 5, tzinfo=UTC)
AT = 1_767_571_200_000  # the same moment
USER = "U1"


def reading(event, kind="message", user=USER):
    raw = event if isinstance(event, bytes) else json.dumps(event).encode()
    return read(LineEventReceived(kind, msgspec.Raw(raw), RECEIVED, user_id=user))


def message(**changes):
    event = {
        "type": "message",
        "mode": "active",
        "timestamp": AT + 5_000,
        "source": {"type": "user", "userId": USER},
        "replyToken": "t1",
        "message": {"id": "7", "type": "text", "text": "残高"},
    }
    return {**event, **changes}


def test_a_question_is_read():
    found = reading(message())
    assert found.asks
    assert (found.topic, found.message_id, found.reply_token) == ("balance", "7", "t1")
    assert found.reply_until == RECEIVED + timedelta(seconds=55)


@pytest.mark.parametrize(
    "changes",
    [
        {"mode": "standby"},
        {"source": {"type": "group", "userId": USER}},
        {"source": None},
        {"message": {"id": "7", "type": "sticker", "text": "残高"}},
        {"message": {"id": "7", "type": "text", "text": ["残高"]}},
    ],
)
def test_what_must_not_be_answered_asks_nothing(changes):
    assert not reading(message(**changes)).asks


def test_a_missing_mode_is_active_and_a_missing_time_is_that_of_receipt():
    event = message()
    del event["mode"], event["timestamp"]
    found = reading(event)
    assert found.asks
    assert found.at == RECEIVED


def test_an_unsend_names_its_message():
    assert reading({"unsend": {"messageId": "7"}}, "unsend").message_id == "7"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
FIELDS = ("type", "mode", "timestamp", "source", "message", "replyToken", "unsend", "postback")


@given(st.dictionaries(st.sampled_from(FIELDS), json_values) | json_values, st.text())
def test_no_event_is_too_odd_to_read(event, kind):
    found = reading(event, kind)
    assert found.at.tzinfo is not None


@given(st.binary())
def test_not_even_what_is_no_json(raw):
    assert not reading(raw).asks
