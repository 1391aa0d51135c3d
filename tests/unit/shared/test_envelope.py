"""Events to bytes and back; one broken member leaves its mates unharmed."""

import re
from uuid import UUID

import msgspec
import pytest

from shared import envelope
from shared.events import (
    LineEventReceived,
    ScheduleCancelled,
    ScheduleTicked,
    name_of,
    new_event,
)

TYPE = "schedule.cancelled.v1"


def encoded(key: str) -> bytes:
    return envelope.encode(new_event("/test", ScheduleCancelled(key=key)))


def test_a_group_is_read_as_it_was_written():
    events = [new_event("/test", ScheduleCancelled(key=key), subject="m") for key in "abc"]
    read, broken = envelope.decode_group(TYPE, envelope.encode_group(events))
    assert (read, broken) == (events, [])


def test_joined_events_are_a_group():
    body = envelope.join([encoded("a"), encoded("b")])
    assert [event.data.key for event in envelope.decode_group(TYPE, body)[0]] == ["a", "b"]
    assert envelope.decode_group(TYPE, envelope.join([])) == ([], [])


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"null", "Expected `object`"),
        (b"7", "Expected `object`"),
        (b"{}", "missing required field"),
        (encoded("x").replace(b'"x"', b"7"), r"\$\.data\.key"),
        (encoded("x").replace(b'"x"', b'"\xff"'), "utf-8"),
        (encoded("x").replace(b'"id":"', b'"id":"no-'), "UUID"),
        (encoded("x").replace(b"cancelled", b"requested"), "schedule.requested.v1"),
    ],
)
def test_a_broken_member_is_told_apart(bad: bytes, reason: str):
    body = envelope.join([encoded("a"), bad, encoded("b"), bad])
    events, broken = envelope.decode_group(TYPE, body)
    assert [event.data.key for event in events] == ["a", "b"]
    assert [each.raw for each in broken] == [bad, bad]
    assert all(re.search(reason, each.reason) for each in broken)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"null", b"[", b"\x00", b"[1,]", b"[" * 100_000, b"\xff"]
)
def test_a_body_that_is_no_array_is_undecodable(body: bytes):
    with pytest.raises(envelope.Undecodable, match="not a JSON array"):
        envelope.decode_group(TYPE, body)


def test_an_unknown_type_is_undecodable():
    with pytest.raises(envelope.Undecodable, match=r"unheard\.of"):
        envelope.decode_group("unheard.of.v1", b"[]")


def test_a_raw_value_comes_through_byte_for_byte():
    raw = b'{ "b" :1,  "a":[1.50, "\\u0041"] }'
    event = new_event(
        "/test", LineEventReceived(kind="x", event=msgspec.Raw(raw), received_at=EVENT_TIME)
    )
    (read,), _ = envelope.decode_group("line.event_received.v1", envelope.encode_group([event]))
    assert bytes(read.data.event) == raw


EVENT_TIME = new_event("/test", ScheduleCancelled(key="")).time


def test_an_event_joins_the_chain_of_its_cause():
    first = new_event("/a", ScheduleCancelled(key="1"), subject="member")
    first.traceparent = "trace"
    second = new_event("/b", ScheduleCancelled(key="2"), cause=first)
    third = new_event("/c", ScheduleCancelled(key="3"), cause=second, subject="other")
    assert (second.correlationid, second.causationid) == (str(first.id), str(first.id))
    assert (third.correlationid, third.causationid) == (str(first.id), str(second.id))
    assert (second.subject, third.subject, third.traceparent) == ("member", "other", "trace")


def test_an_event_says_what_it_is():
    event = new_event("/a", ScheduleCancelled(key="1"), id=UUID(int=1))
    assert (event.type, event.specversion, event.id.int) == (TYPE, "1.0", 1)
    assert name_of(ScheduleTicked) == "schedule.ticked.v1"
    with pytest.raises(KeyError):
        new_event("/a", "no contract")
