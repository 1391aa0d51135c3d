"""What a change changed, field by field, from what was told before and after. Pure."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

LONGEST = 300


class Difference(NamedTuple):
    """A field (`caps.0.points`) and its value before and after, as text; None where there was
    none."""

    field: str
    before: str | None
    after: str | None


def differences(before: Any, after: Any) -> list[Difference]:
    """The fields that differ. Where nothing is told of before, all that is told of after."""
    old, new = dict(_fields(before)), dict(_fields(after))
    return [
        Difference(name, old.get(name), new.get(name))
        for name in [*old, *(each for each in new if each not in old)]
        if old.get(name) != new.get(name)
    ]


def _fields(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and (value or not path):
        for name, each in value.items():
            yield from _fields(each, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list) and any(isinstance(each, dict | list) for each in value):
        for at, each in enumerate(value):
            yield from _fields(each, f"{path}.{_name_of(each, at)}" if path else str(at))
    elif value is not None:
        yield path, _text(value)


def _name_of(value: Any, at: int) -> str:
    """What an element is told apart by: its own id or code, so that another order is no change."""
    if isinstance(value, dict):
        for name in ("id", "code"):
            if isinstance(value.get(name), str):
                return str(value[name])
    return str(at)


def _text(value: Any) -> str:
    if isinstance(value, list) and not any(isinstance(each, dict | list) for each in value):
        text = ", ".join(_text(each) for each in value)
    elif isinstance(value, str):
        text = value
    else:
        text = msgspec.json.encode(value).decode()
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
