"""Events into messages: order kept, one type each, bounded."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from services.webhook.messages import MOST_BYTES, MOST_EVENTS, Encoded, into_messages

EVENTS = st.lists(st.builds(Encoded, st.sampled_from("ab"), st.sampled_from([b"1", b"22", b"[]"])))


@given(EVENTS)
def test_nothing_is_lost_or_moved(events: list[Encoded]) -> None:
    taken_apart = [
        (message.type, bytes(raw))
        for message in into_messages(events)
        for raw in msgspec.json.decode(message.body, type=list[msgspec.Raw])
    ]
    assert taken_apart == [tuple(event) for event in events]
    assert sum(message.events for message in into_messages(events)) == len(events)


def test_a_message_has_a_most_of_events() -> None:
    counts = [message.events for message in into_messages([Encoded("a", b"1")] * 450)]
    assert counts == [MOST_EVENTS, MOST_EVENTS, 50]


def test_large_events_do_not_pile_up() -> None:
    large = Encoded("a", b'"' + b"x" * (MOST_BYTES // 2) + b'"')
    assert [message.events for message in into_messages([large] * 5)] == [2, 2, 1]
