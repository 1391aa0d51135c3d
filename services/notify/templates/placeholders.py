"""Finding `{name}` in the texts of a message; `{{` and `}}` stand for the braces themselves. Pure.

Owns the notation. What a variable may hold stands in `variables`, what LINE takes in `shared.line`.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple, TypeAlias

Path: TypeAlias = tuple[str | int, ...]

URI_KEYS = frozenset(
    (
        "uri", "linkUri", "url", "desktop", "originalContentUrl", "previewImageUrl", "previewUrl",
        "imageUrl", "iconUrl", "thumbnailImageUrl", "baseUrl",
    )
)  # fmt: skip
"""Properties that hold an address: values are escaped there."""

_token = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


class Slot(NamedTuple):
    """A variable in its place."""

    name: str
    in_uri: bool


Part: TypeAlias = str | Slot


def parts_of(text: str, *, in_uri: bool = False) -> list[Part]:
    """Literal text and variables in their order; a brace without its other half stands as it is."""
    parts: list[Part] = []
    end = 0
    for found in _token.finditer(text):
        parts.append(text[end : found.start()])
        end = found.end()
        name = found.group(1)
        parts.append(found.group()[0] if name is None else Slot(name, in_uri))
    parts.append(text[end:])
    return [part for part in parts if part]


def faults(text: str, known: Iterable[str]) -> list[str]:
    """What is wrong with the notation of a text: unknown variables and lonely braces."""
    names = list(known)
    found = []
    for token in _token.finditer(text):
        name = token.group(1)
        if name is not None and name not in names:
            found.append(_unknown(name, names))
        elif token.group() in ("{", "}"):
            found.append(_LONELY[token.group()])
    return list(dict.fromkeys(found))


_LONELY = {
    "{": "This { is not closed. Write a variable as {name}, and {{ for the brace itself.",
    "}": "This } closes nothing. Write a variable as {name}, and }} for the brace itself.",
}


def _unknown(name: str, names: list[str]) -> str:
    near = get_close_matches(name[:40], names, 1)
    meant = f" Did you mean {{{near[0]}}}?" if near else ""
    listed = ", ".join(f"{{{each}}}" for each in names) or "none"
    shown = name if len(name) <= 40 else name[:39] + "…"
    return f"There is no variable {{{shown}}} here.{meant} There are: {listed}."


def filled(value: Any, fill: Callable[[Slot], str], key: str | None = None) -> Any:
    """A copy of a document with every variable replaced, at any depth; keys are left alone."""
    if isinstance(value, str):
        parts = parts_of(value, in_uri=key in URI_KEYS)
        return "".join(part if isinstance(part, str) else fill(part) for part in parts)
    if isinstance(value, list):
        return [filled(each, fill, key) for each in value]
    if isinstance(value, dict):
        return {name: filled(each, fill, name) for name, each in value.items()}
    return value


def replaced(value: Any, fixed: Mapping[str, str]) -> Any:
    """A copy with the names in `fixed` replaced by text that stays; all else as it was written."""
    if isinstance(value, str):
        return _token.sub(lambda found: _fixed(found, fixed), value)
    if isinstance(value, list):
        return [replaced(each, fixed) for each in value]
    if isinstance(value, dict):
        return {name: replaced(each, fixed) for name, each in value.items()}
    return value


def _fixed(found: "re.Match[str]", fixed: Mapping[str, str]) -> str:
    name = found.group(1)
    if name is None or name not in fixed:
        return found.group()
    return fixed[name].replace("{", "{{").replace("}", "}}")


def mentions(value: Any, name: str) -> bool:
    """Whether a variable stands anywhere in a document."""
    seen: list[str] = []

    def note(slot: Slot) -> str:
        seen.append(slot.name)
        return ""

    filled(value, note)
    return name in seen
