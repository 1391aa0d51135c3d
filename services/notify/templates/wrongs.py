"""LINE's refusals in words that say what to do. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from services.notify.templates.placeholders import Path
from services.notify.templates.variables import Variable
from shared.line.text_length import graphemes, utf16_units

_WORDS = {
    "unknown field": "LINE knows no property of this name here. Remove it or correct its name.",
    "May not be empty": "LINE needs this: it is missing or empty. Write something here.",
    "must be specified": "LINE needs text or contents here. Write one of them.",
    "invalid property": "LINE does not take this value here. Its reference lists what it takes.",
    "invalid color": "Write a colour as #RRGGBB, or as one of the {color_…} names.",
    "invalid uri scheme": "An address must begin with https://, http://, line:// or tel:; "
    "one of a picture with https://.",
    "invalid uri": "An address holds no spaces or line breaks. Escape them as %20.",
    "must be a string": "Write this as text, in quotes.",
    "must be an object": "This must be an object, in { }.",
    "must be an array": "This must be a list, in [ ].",
    "must be a boolean": "This must be true or false.",
    "must be an integer": "This must be a whole number, without quotes.",
    "At least one block must be specified": "Give the bubble a header, hero, body or footer.",
    "The number of actions must be the same": "Give every column the same number of actions.",
}
_SIZES = {
    "messages": "LINE takes 1 to 5 messages at once.",
    "items": "LINE takes 1 to 13 quick replies.",
}
_GRAPHEMES = ("label", "name")


def in_words(path: Path, message: str, whole: Any, used: Mapping[str, Variable | None]) -> str:
    """A rule's message about the value at `path` in the document as tried; `used` are the variables
    in that place."""
    value = _value(whole, path)
    if message.startswith("Length must be") and isinstance(value, str):
        return _too_long(path, message, value, used)
    if message.startswith("The ") and "too large" in message:
        size = len(msgspec.json.encode(value)) / 1024
        return (
            f"{message}: with its variables at their longest it takes {size:.1f} KB. Shorten texts "
            "or take out parts."
        )
    if message.startswith("Size must be"):
        name = next((step for step in reversed(path) if isinstance(step, str)), "messages")
        count = len(value) if isinstance(value, list) else 0
        told = _SIZES.get(name, f"{message}.")
        return f"{told} There are {count}."
    words = _WORDS.get(message, f"{message}.")
    return f"{words}{_filled_with(used)}" if message != "unknown field" else words


def _too_long(path: Path, message: str, value: str, used: Mapping[str, Variable | None]) -> str:
    most = message.rpartition(" ")[2]
    in_graphemes = bool(path) and path[-1] in _GRAPHEMES
    count = graphemes(value) if in_graphemes else utf16_units(value)
    unit = "characters" if in_graphemes else "UTF-16 units (an emoji counts 2)"
    return (
        f"This may take {count:,} {unit}; LINE takes {int(most):,}. Shorten it"
        f"{' or take out a variable.' if used else '.'}{_filled_with(used)}"
    )


def _filled_with(used: Mapping[str, Variable | None]) -> str:
    """How far the variables may go, where there are any."""
    known = {name: variable for name, variable in used.items() if variable is not None}
    if not known:
        return ""
    spans = ", ".join(f"{{{name}}} up to {each.most:,}" for name, each in known.items())
    return f" Its variables may hold: {spans}."


def _value(whole: Any, path: Path) -> Any:
    for step in path:
        try:
            whole = whole[step]
        except (LookupError, TypeError):
            return None
    return whole
