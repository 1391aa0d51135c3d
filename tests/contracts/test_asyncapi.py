"""The AsyncAPI document is current, whole, and true of the golden events."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from shared import asyncapi
from shared.bus.topology import SUBSCRIPTIONS
from shared.events import CONTRACTS

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden"


def test_the_committed_document_is_current():
    committed = (ROOT / "docs" / "asyncapi.json").read_bytes()
    assert committed == asyncapi.encoded(), "run `tamaru asyncapi --output docs/asyncapi.json`"


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [text for each in value.values() for text in references(each)]
    return [text for each in value for text in references(each)] if isinstance(value, list) else []


def test_every_reference_leads_somewhere():
    document = asyncapi.document()
    found = references(document)
    assert len(found) > 4 * len(CONTRACTS)
    for reference in found:
        target: Any = document
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]


def test_every_subscription_is_an_operation():
    operations = asyncapi.document()["operations"]
    expected = {f"{queue}:{name}" for queue, names in SUBSCRIPTIONS.items() for name in names}
    assert set(operations) == expected
    assert set(asyncapi.document()["channels"]) == set(CONTRACTS)


@pytest.mark.parametrize("name", sorted(CONTRACTS))
def test_the_golden_events_are_what_the_document_says(name: str):
    document = asyncapi.document()
    payload = document["components"]["messages"][name]["payload"]
    schema = {**payload, "components": document["components"]}
    events = json.loads((GOLDEN / f"{name}.json").read_bytes())
    jsonschema.validate(events, schema)
    events[0]["type"] = "another.type.v1"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(events, schema)
