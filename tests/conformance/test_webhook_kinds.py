"""Our list of webhook kinds is LINE's: nothing missing, nothing that LINE would not send."""

from typing import Any

from tests import line_kinds
from tests.conformance.openapi import definition_problems, document


def types_of(base: str) -> set[str]:
    schemas = document("webhook.yml")["components"]["schemas"]
    return set(schemas[base]["discriminator"]["mapping"])


def test_every_kind_of_lines_file_is_in_the_list() -> None:
    events: list[Any] = line_kinds.known()
    assert {event["type"] for event in events} == types_of("Event")
    sources = {event["source"]["type"] for event in events if "source" in event}
    assert sources == types_of("Source")
    for field, base in (
        ("message", "MessageContent"),
        ("membership", "MembershipContent"),
        ("module", "ModuleContent"),
    ):
        assert {event[field]["type"] for event in events if field in event} == types_of(base)


def test_every_event_of_the_list_is_as_line_would_send_it() -> None:
    wrong = [
        f"{event['type']} {event.get('source')}: {problem}"
        for event in line_kinds.known()
        for problem in definition_problems("webhook.yml", "Event", event)
    ]
    assert wrong == []


def test_no_event_of_the_unknown_ones_is_known() -> None:
    for event in line_kinds.unknown():
        assert definition_problems("webhook.yml", "Event", event) != [], event
