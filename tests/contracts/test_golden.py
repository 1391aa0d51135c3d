"""What was once written can be read for ever: contracts only ever gain fields, with defaults."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared import envelope
from shared.events import CONTRACTS, Event

GOLDEN = Path(__file__).parent / "golden"
FILES = sorted(GOLDEN.glob("*.json"))


def missing_from(old: Any, new: Any, path: str = "$") -> list[str]:
    """Where `new` lacks or differs from what `old` says; more keys are welcome."""
    if isinstance(old, dict) and isinstance(new, dict):
        gone = [f"{path}.{key} is gone" for key in old if key not in new]
        return gone + [
            text
            for key in old
            if key in new
            for text in missing_from(old[key], new[key], f"{path}.{key}")
        ]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = enumerate(zip(old, new, strict=True))
        return [text for n, (a, b) in pairs for text in missing_from(a, b, f"{path}[{n}]")]
    return [] if old == new else [f"{path} is {new!r}, was {old!r}"]


def reread(event_type: str, body: bytes) -> tuple[list[Any], list[Any]]:
    events, broken = envelope.decode_group(event_type, body)
    assert not broken, broken
    return events, json.loads(envelope.encode_group(events))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_was_written_is_read_and_written_again_the_same(file: Path):
    body = file.read_bytes()
    _, written = reread(file.stem, body)
    assert missing_from(json.loads(body), written) == []
    _, again = reread(file.stem, json.dumps(written).encode())
    assert again == written


def test_every_contract_has_a_golden_file_and_every_file_its_contract():
    assert [file.stem for file in FILES] == sorted(CONTRACTS)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_field_that_nobody_knows_yet_does_no_harm(file: Path):
    members = json.loads(file.read_bytes())
    for member in members:
        member["from_the_future"] = {"a": [1]}
        member["data"]["from_the_future"] = "x"
    events, _ = reread(file.stem, json.dumps(members).encode())
    assert len(events) == len(members)


def moments(kind: Any, path: str) -> Iterator[tuple[str, bool]]:
    """Each moment in a type, and whether it must be aware."""
    if isinstance(kind, msgspec.inspect.DateTimeType):
        yield path, kind.tz is True
    for field in getattr(kind, "fields", ()):
        yield from moments(field.type, f"{path}.{field.name}")
    for inner in (*getattr(kind, "types", ()), getattr(kind, "item_type", None)):
        if inner is not None:
            yield from moments(inner, path)


@pytest.mark.parametrize("name", sorted(CONTRACTS))
def test_every_moment_has_an_offset(name: str):
    kind = msgspec.inspect.type_info(Event[CONTRACTS[name]])
    assert [path for path, aware in moments(kind, name) if not aware] == []


def test_a_moment_without_an_offset_is_refused_with_its_place():
    file = GOLDEN / "points.earned.v1.json"
    body = file.read_bytes().replace(b"59.123456Z", b"59.123456", 1)
    _, broken = envelope.decode_group(file.stem, body)
    reason = "Expected `datetime` with a timezone component - at `$.time`"
    assert [each.reason for each in broken] == [reason]


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, []),
        ({"a": 1}, {"b": 1}, ["$.a is gone"]),
        ({"a": [{"b": 1}]}, {"a": [{"b": "1"}]}, ["$.a[0].b is '1', was 1"]),
        ([1, 2], [1], ["$ is [1], was [1, 2]"]),
    ],
)
def test_the_comparison_itself(old: Any, new: Any, found: list[str]):
    assert missing_from(old, new) == found
