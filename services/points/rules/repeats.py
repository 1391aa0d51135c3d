"""Names that a JSON text gives twice in one object: decoders keep the last and drop the others.

In a file edited by hand that is a rule lost in silence, so it is a problem like any other.
"""

import json
from collections.abc import Iterator
from typing import Any

from services.points.rules.terms import Problem


class _Object(dict[str, Any]):
    """An object with the names that it had more than once."""

    twice: tuple[str, ...] = ()


def repeats(text: bytes | str) -> list[Problem]:
    """Every name given twice, with its path; [] for a text that is no JSON."""
    try:
        return list(_walk(json.loads(text, object_pairs_hook=_noted), ""))
    except (ValueError, RecursionError):
        return []


def _noted(pairs: list[tuple[str, Any]]) -> _Object:
    noted = _Object(pairs)
    if len(noted) < len(pairs):
        names = [name for name, _ in pairs]
        noted.twice = tuple(name for name in noted if names.count(name) > 1)
    return noted


def _walk(value: Any, path: str) -> Iterator[Problem]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _walk(item, f"{path}[{index}]")
    elif isinstance(value, _Object):
        dot = "." if path else ""
        for name in value.twice:
            yield Problem(f"{path}{dot}{name}", "is given twice; keep one")
        for name, item in value.items():
            yield from _walk(item, f"{path}{dot}{name}")
