"""A message as data, made ready once: JSON text with slots, filled by joining strings.

Building a Flex message from models costs milliseconds; joining costs microseconds. What could break
LINE's limits is found when a template is made: literal text plus the most that its slots can hold
must fit, so a filled one always does. Pure.
"""

import json
import re
from collections.abc import Iterator, Mapping
from json.encoder import encode_basestring
from typing import Any

from services.notify.errors import BadWording

TEXT_UNITS = 5000
ALT_TEXT_UNITS = 1500
FLEX_BYTES = 30 * 1024
MOST_MESSAGES = 5
ESCAPED_UNIT_BYTES = 6
"""The most that one UTF-16 unit takes in JSON (a control character as \\u0000)."""

SLOTS: Mapping[str, int] = {
    "points": 24,
    "balance": 24,
    "n": 24,
    "when": 40,
    "card": 40,
    "rank": 100,
    "reason": 500,
    "missing": 400,
    "details": 900,
    "text": 700,
    "entries": 4500,
}
"""The slots that wording may use, and the most UTF-16 units that each may hold."""

_slot = re.compile(r"\{([a-z]+)\}")


def clip(text: str, units: int) -> str:
    """`text`, or as much of it as fits `units` UTF-16 units with an ellipsis."""
    if len(text) * 2 <= units or utf16_length(text) <= units:
        return text
    kept = text.encode("utf-16-le", "surrogatepass")[: (units - 1) * 2]
    return kept.decode("utf-16-le", "ignore") + "…"


def utf16_length(text: str) -> int:
    """Length as LINE counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


class Phrase:
    """A text with slots, not JSON: a part from which a slot of a message is made."""

    def __init__(self, name: str, text: str) -> None:
        self._parts = _split(name, text)

    def fill(self, **values: str) -> str:
        """The text with every slot filled, each clipped to its size."""
        return "".join(
            part if index % 2 == 0 else clip(values[part], SLOTS[part])
            for index, part in enumerate(self._parts)
        )


class Template:
    """One to five LINE messages with slots in their texts."""

    version: int | None = None
    """Of the shop's own words; None for those that the product ships."""

    def __init__(self, name: str, messages: list[dict[str, Any]]) -> None:
        _check(name, messages)
        text = json.dumps(messages, ensure_ascii=False, separators=(",", ":"))
        self._parts = _split(name, text)
        self.slots = frozenset(self._parts[1::2])

    def fill(self, values: Mapping[str, str]) -> str:
        """The JSON array with every slot filled, escaped and clipped. Raises KeyError for a slot
        without a value."""
        parts = self._parts.copy()
        for index in range(1, len(parts), 2):
            slot = parts[index]
            parts[index] = encode_basestring(clip(values[slot], SLOTS[slot]))[1:-1]
        return "".join(parts)


def _split(name: str, text: str) -> list[str]:
    """Literal, slot, literal, slot, …, literal."""
    parts = _slot.split(text)
    for slot in parts[1::2]:
        if slot not in SLOTS:
            raise BadWording(f"{name}: unknown slot {{{slot}}}; there are {', '.join(SLOTS)}")
    return parts


def _check(name: str, messages: list[dict[str, Any]]) -> None:
    if not 1 <= len(messages) <= MOST_MESSAGES:
        raise BadWording(f"{name}: {len(messages)} messages; LINE takes 1 to {MOST_MESSAGES}")
    for message in messages:
        for key, text in _texts(message):
            limit = ALT_TEXT_UNITS if key == "altText" else TEXT_UNITS
            if not 1 <= (most := _most_units(name, text)) <= limit:
                raise BadWording(f"{name}: {key} may take {most} units; LINE takes 1 to {limit}")
        if "contents" in message and (size := _most_bytes(name, message["contents"])) > FLEX_BYTES:
            raise BadWording(f"{name}: Flex may take {size} bytes; LINE takes {FLEX_BYTES}")


def _texts(value: Any) -> Iterator[tuple[str, str]]:
    """Every `text` and `altText` within, at any depth."""
    if isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key in ("text", "altText") and isinstance(each, str):
                yield key, each
            else:
                yield from _texts(each)


def _most_units(name: str, text: str) -> int:
    parts = _split(name, text)
    return sum(map(utf16_length, parts[0::2])) + sum(SLOTS[slot] for slot in parts[1::2])


def _most_bytes(name: str, contents: Any) -> int:
    parts = _split(name, json.dumps(contents, ensure_ascii=False, separators=(",", ":")))
    slots = sum(SLOTS[slot] for slot in parts[1::2])
    return sum(len(part.encode()) for part in parts[0::2]) + slots * ESCAPED_UNIT_BYTES
