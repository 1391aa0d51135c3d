"""Events as bytes, and how many of them go into one message for the broker."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from shared import envelope

MOST_EVENTS = 200
MOST_BYTES = 1_000_000
"""A message may be larger by one event; brokers take 16 MB and more."""


class Encoded(NamedTuple):
    """An event as it goes over the wire."""

    type: str
    body: bytes


class Message(NamedTuple):
    """Some neighbouring events of one type as one body; `events` of them."""

    type: str
    body: bytes
    events: int


def into_messages(events: Sequence[Encoded]) -> Iterator[Message]:
    """All of `events`, in order, in as few messages as order and size allow."""
    group: list[bytes] = []
    size = 0
    kind = ""
    for event in events:
        full = size >= MOST_BYTES or len(group) == MOST_EVENTS
        if group and (full or event.type != kind):
            yield Message(kind, envelope.join(group), len(group))
            group, size = [], 0
        kind = event.type
        group.append(event.body)
        size += len(event.body)
    if group:
        yield Message(kind, envelope.join(group), len(group))
