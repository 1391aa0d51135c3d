"""Webhooks taken apart: whatever an element is, it becomes one event and harms no other."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from services.webhook import line_events
from services.webhook.errors import NotAWebhook
from shared import envelope
from shared.events import Event, LineEventReceived
from shared.ids import derived_id

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FOLLOW = {
    "type": "follow",
    "webhookEventId": "01HZX",
    "timestamp": 1,
    "mode": "active",
    "replyToken": "token",
    "source": {"type": "user", "userId": "U1"},
    "deliveryContext": {"isRedelivery": True},
}


def split(body: Any) -> list[Event[LineEventReceived]]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return line_events.split(raw, NOW)


def after_the_wire(events: list[Event[LineEventReceived]]) -> list[Event[Any]]:
    decoded, broken = envelope.decode_group("line.event_received.v1", envelope.encode_group(events))
    assert not broken
    return decoded


def test_an_event_is_kept_as_it_came_with_its_names_beside_it() -> None:
    [event] = after_the_wire(split({"destination": "Ubot", "events": [FOLLOW]}))
    assert event.id == derived_id("line", "01HZX")
    assert event.data.kind == "follow"
    assert event.data.user_id == "U1"
    assert event.data.destination == "Ubot"
    assert event.data.redelivered
    assert event.data.received_at == NOW
    assert json.loads(bytes(event.data.event)) == FOLLOW


def test_a_redelivery_has_the_same_id() -> None:
    again = {**FOLLOW, "deliveryContext": {"isRedelivery": False}}
    [first], [second] = split({"events": [FOLLOW]}), split({"events": [again]})
    assert first.id == second.id


def test_without_an_id_the_same_bytes_for_the_same_account_have_the_same_id() -> None:
    old = {"type": "message", "timestamp": 5}
    [first], [second] = split({"events": [old]}), split({"events": [old]})
    [other] = split({"events": [{**old, "timestamp": 6}]})
    [elsewhere] = split({"destination": "Uother", "events": [old]})
    assert first.id == second.id
    assert len({first.id, other.id, elsewhere.id}) == 3


def test_a_byte_order_mark_does_no_harm() -> None:
    assert len(split(b"\xef\xbb\xbf" + b'{"events":[{}]}')) == 1


def test_no_events_is_no_event() -> None:
    assert split({"destination": "Ubot", "events": []}) == []


@pytest.mark.parametrize(
    ("element", "kind", "user_id"),
    [
        (b"null", "", None),
        (b"true", "", None),
        (b"7", "", None),
        (b"-0.0e-0", "", None),
        (b"1e999999", "", None),
        (b"9" * 5000, "", None),
        (b'"text"', "", None),
        (b"[]", "", None),
        (b"{}", "", None),
        (b'{"type":null}', "", None),
        (b'{"type":5,"source":{"userId":"U1"}}', "", "U1"),
        (b'{"type":{"a":1},"source":7}', "", None),
        (b'{"type":"message","source":{"userId":9}}', "message", None),
        (b'{"type":"message","source":null,"deliveryContext":[]}', "message", None),
        (b'{"type":"message","webhookEventId":{}}', "message", None),
        (b'{"type":"a","type":"b"}', "b", None),
        (b'{"type":"message","timestamp":1e400,"source":{"userId":"U1"}}', "message", "U1"),
        (b'{"type":"message","x":' + b"9" * 400 + b"}", "message", None),
        (b'{"type":"\\u0000drop"}', "", None),
        (b'{"type":"' + b"t" * 5000 + b'"}', "", None),
        (b'{"type":"message","text":"\\ud83d"}', "message", None),
        (b'{"type":"message","text":"\\udc00\\ud800"}', "message", None),
        (b'{"\\ud800":1,"type":"message"}', "message", None),
        (b'{"type":"message","x":' + b"[" * 900 + b"]" * 900 + b"}", "message", None),
        (b'{"type":"message","x":' + b"[" * 50_000 + b"]" * 50_000 + b"}", "message", None),
        (b'{"a":' * 20_000 + b"1" + b"}" * 20_000, "", None),
        ('{"type":"message","text":"日本語🎉"}'.encode(), "message", None),
        (b'{"type":"message","text":"[[[[{{{{\\"]]]]"}', "message", None),
    ],
)
def test_a_strange_element_is_kept_and_its_mates_are_unharmed(
    element: bytes, kind: str, user_id: str | None
) -> None:
    mate = json.dumps(FOLLOW).encode()
    events = split(b'{"events":[' + mate + b"," + element + b"," + mate + b"]}")
    first, strange, last = after_the_wire(events)
    assert first.data.kind == last.data.kind == "follow"
    assert (strange.data.kind, strange.data.user_id) == (kind, user_id)
    msgspec.json.decode(strange.data.event)


@pytest.mark.parametrize("destination", [b"7", b"{}", b"[1]", b'"\\u0000"', b"null"])
def test_the_destination_may_be_anything(destination: bytes) -> None:
    [event] = split(b'{"destination":' + destination + b',"events":[{}]}')
    assert event.data.destination is None


def test_half_a_surrogate_pair_is_replaced_and_the_rest_stays() -> None:
    [event] = split(b'{"events":[{"type":"message","text":"a\\ud83db","n":12345678901234567890}]}')
    kept = json.loads(bytes(event.data.event))
    assert kept == {"type": "message", "text": "a\ufffdb", "n": 12345678901234567890}


def test_what_is_nested_too_deep_is_kept_as_text() -> None:
    deep = "[" * 100 + "]" * 100
    [event] = split(('{"events":[{"type":"message","x":' + deep + "}]}").encode())
    inner = json.loads(bytes(event.data.event))["x"]
    while isinstance(inner, list):
        [inner] = inner
    assert inner == "[" * 37 + "]" * 37


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "events"),
        (b"null", "events"),
        (b"7", "events"),
        (b"[]", "events"),
        (b'"events"', "events"),
        (b"{}", "events"),
        (b'{"events":null}', "events"),
        (b'{"events":{}}', "events"),
        (b'{"events":"x"}', "events"),
        (b'{"event":[]}', "events"),
        (b'{"events":[', "events"),
        (b'{"events":[1,]}', "events"),
        (b'{"events":[NaN]}', "NaN"),
        (b'{"events":[-Infinity]}', "Infinity"),
        (b'{"events":[01]}', "events"),
        (b'{"events":[]} x', "events"),
        (b'{"events":["\xff"]}', "UTF-8"),
        (b'{"events":["\xed\xa0\x80"]}', "UTF-8"),
        (b"[" * 100_000, "events"),
        (b'{"events":' + b"[" * 100_000, "events"),
        (b"events=%5B%5D", "events"),
    ],
)
def test_a_body_without_an_events_list_is_no_webhook(body: bytes, says: str) -> None:
    with pytest.raises(NotAWebhook, match=says):
        line_events.split(body, NOW)
