"""Events on the wire: one AMQP message is a CloudEvents batch (a JSON array) of one event type.

Encoding an event happens once; a group is the joined bytes. Decoding tries the whole group with its
contract and, only when that fails, takes it apart so that one bad event leaves its mates unharmed.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import msgspec

from shared.events import CONTRACTS, Event

CONTENT_TYPE = "application/cloudevents-batch+json"
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding may raise over bytes from outside (text that is no UTF-8, nesting without end)."""

_encoder = msgspec.json.Encoder()


class Undecodable(Exception):
    """These bytes are no event that we know; the text says what is wrong."""


class Broken(msgspec.Struct, frozen=True):
    """A member of a group that did not decode, with the bytes as they came."""

    raw: bytes
    reason: str


def encode(event: Event[Any]) -> bytes:
    """One event as JSON bytes."""
    return _encoder.encode(event)


def join(encoded: Iterable[bytes]) -> bytes:
    """Encoded events as one message body."""
    return b"[" + b",".join(encoded) + b"]"


def encode_group(events: Sequence[Event[Any]]) -> bytes:
    """Events of one type as one message body."""
    return _encoder.encode(events)


def decode_group(event_type: str, body: bytes) -> tuple[list[Event[Any]], list[Broken]]:
    """The events in a message body, and those that could not be read.

    Raises Undecodable when the type is unknown or the body is no JSON array.
    """
    if event_type not in CONTRACTS:
        raise Undecodable(f"unknown event type {event_type!r}")
    try:
        events = _group_decoder(event_type).decode(body)
    except UNREADABLE:
        return _decode_apart(event_type, body)
    if all(event.type == event_type for event in events):
        return events, []
    return _decode_apart(event_type, body)


def _decode_apart(event_type: str, body: bytes) -> tuple[list[Event[Any]], list[Broken]]:
    try:
        raws = msgspec.json.decode(body, type=list[msgspec.Raw])
    except UNREADABLE as problem:
        raise Undecodable(f"not a JSON array of events: {problem}") from problem
    good: list[Event[Any]] = []
    broken: list[Broken] = []
    for raw in raws:
        try:
            good.append(_decode_one(event_type, raw))
        except UNREADABLE as problem:
            broken.append(Broken(bytes(raw), str(problem)))
    return good, broken


def _decode_one(event_type: str, raw: msgspec.Raw) -> Event[Any]:
    event = _decoder(event_type).decode(raw)
    if event.type != event_type:
        raise msgspec.ValidationError(f"it says that it is {event.type!r}")
    return event


def _typed(event_type: str) -> Any:
    data: Any = CONTRACTS[event_type]
    return Event[data]


@cache
def _decoder(event_type: str) -> msgspec.json.Decoder[Event[Any]]:
    return msgspec.json.Decoder(_typed(event_type))


@cache
def _group_decoder(event_type: str) -> msgspec.json.Decoder[list[Event[Any]]]:
    return msgspec.json.Decoder(list[_typed(event_type)])  # type: ignore[misc]
