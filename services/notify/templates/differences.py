"""What changed between two messages, place by place. Pure."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from services.notify.templates.checking import path_text
from services.notify.templates.placeholders import Path

MOST = 200
"""Places that are told; whoever changed more reads the whole."""

_NOWHERE = object()


class Difference(NamedTuple):
    """A place where two documents differ; None where one of them has nothing there."""

    path: str
    before: Any
    after: Any


def between(before: Any, after: Any) -> list[Difference]:
    """The places that differ, in order, as deep as it goes."""
    found: list[Difference] = []
    for path, old, new in _walk((), before, after):
        if len(found) == MOST:
            break
        found.append(Difference(path_text(path), _told(old), _told(new)))
    return found


def _walk(path: Path, before: Any, after: Any) -> Iterator[tuple[Path, Any, Any]]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys((*before, *after)):
            step = (*path, key)
            yield from _walk(step, before.get(key, _NOWHERE), after.get(key, _NOWHERE))
    elif isinstance(before, list) and isinstance(after, list):
        for index in range(max(len(before), len(after))):
            old = before[index] if index < len(before) else _NOWHERE
            new = after[index] if index < len(after) else _NOWHERE
            yield from _walk((*path, index), old, new)
    elif before != after or type(before) is not type(after):
        yield path, before, after


def _told(value: Any) -> Any:
    return None if value is _NOWHERE else value
