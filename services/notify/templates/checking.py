"""Whether a message may be saved: all that is wrong with it at once, each with its place and what
to do. Pure.

A message with variables is tried with each at its shortest and at its longest. What LINE takes of
both, it takes whatever the variables hold; the rules are those that the sandbox refuses by.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from services.notify.templates.fixed import CARD_URL, FIXED, settled
from services.notify.templates.placeholders import Path, Slot, faults, filled, parts_of
from services.notify.templates.variables import NOTHING, Variable
from services.notify.templates.wrongs import in_words
from shared.line import message_rules
from shared.line.field_rules import by_type, each
from shared.line.text_length import utf16_units

MOST_DEPTH = 64
"""Levels of nesting; what people read has some ten."""

MOST_NUMBER = 2**53

_CONTROL = "This holds characters that cannot be sent (control characters). Take them out."
_TEXT_V2 = (
    "Write it as a message of type text: the braces of textV2 would clash with those of variables."
)
_EMOJI_MOVES = (
    "LINE's emoji stand at fixed positions, which a variable before them would move. Take out the "
    "variables, or write the emoji into the text itself."
)
_EMOJI_PLACE = "There must be a $ in the text at this position, which the emoji replaces."

_kinds = {name: rule for name, rule in message_rules.rules(closed=True).items() if name != "textV2"}
_messages = each(by_type(_kinds), 1, message_rules.MOST_MESSAGES)

Found = list[tuple[str, str]]


def check(
    messages: Any, variables: Mapping[str, Variable], fixed: Mapping[str, str] = FIXED
) -> Found:
    """What is wrong with messages as decoded from JSON, as (path, what and what to do); [] is fine.

    `fixed` are the names that stand for the same everywhere: colours and the card's address.
    """
    if deep := _too_deep(messages):
        return [(path_text(deep), f"This is nested deeper than {MOST_DEPTH} levels; make it flat.")]
    known = [*variables, *fixed]
    problems: dict[Path, list[str]] = {}
    for path, value in _leaves(messages):
        wrong = _unsendable(value)
        if isinstance(value, str):
            wrong += faults(value, known)
        if wrong:
            problems.setdefault(path, []).extend(wrong)
    for path, message in _line_says(messages, variables, fixed):
        problems.setdefault(path, []).append(message)
    for path, message in _emoji(messages):
        problems.setdefault(path, []).append(message)
    return [
        (path_text(path), _plain(message))
        for path, found in problems.items()
        for message in dict.fromkeys(found)
    ]


def path_text(path: Path) -> str:
    """A place as text: `messages[0].contents.body`."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step[:60]}" for step in path)
    return "messages" + _plain("".join(steps))


def _plain(text: str) -> str:
    """The text, whatever was quoted in it, as something that can be answered."""
    return text.encode("utf-8", "replace").decode().replace("\0", "?")


def _line_says(
    messages: Any, variables: Mapping[str, Variable], fixed: Mapping[str, str]
) -> Iterator[tuple[Path, str]]:
    """What LINE would refuse, with the longest values, and with the shortest and no card."""
    told: set[Path] = set()
    for longest in (True, False):
        standing = fixed if longest else {**fixed, CARD_URL: ""}
        tried = filled(settled(messages, standing), _filling(variables, longest))
        for path, message in _messages(tried):
            if path not in told:
                told.add(path)
                used = [slot.name for slot in _slots(messages, path)]
                yield path, in_words(path, message, tried, {n: variables.get(n) for n in used})


def _filling(variables: Mapping[str, Variable], longest: bool) -> Any:
    def fill(slot: Slot) -> str:
        variable = variables.get(slot.name)
        if variable is None:  # said elsewhere
            return NOTHING
        value = variable.longest if longest else variable.shortest
        return variable.in_uri(value) if slot.in_uri else value

    return fill


def _slots(messages: Any, path: Path) -> list[Slot]:
    """The variables in the text at a place."""
    value = _at(messages, path)
    if not isinstance(value, str):
        return []
    return [part for part in parts_of(value) if isinstance(part, Slot)]


def _at(value: Any, path: Path) -> Any:
    for step in path:
        try:
            value = value[step]
        except (LookupError, TypeError):
            return None
    return value


def _too_deep(value: Any) -> Path:
    """The path at which the nesting gets too deep; () if nowhere. Does not recurse."""
    waiting: list[tuple[Path, Any]] = [((), value)]
    while waiting:
        path, value = waiting.pop()
        if len(path) > MOST_DEPTH:
            return path
        waiting += [((*path, step), inner) for step, inner in _children(value)]
    return ()


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every text and number with its place, in order."""
    if isinstance(value, str | int | float):
        yield path, value
    for step, inner in _children(value):
        yield from _leaves(inner, (*path, step))


def _children(value: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(value, list):
        yield from enumerate(value)
    elif isinstance(value, dict):
        yield from value.items()


def _unsendable(value: str | float) -> list[str]:
    """What no JSON that LINE takes can hold, wherever it stands."""
    if isinstance(value, str):
        odd = any((c < " " and c not in "\n\r\t") or "\ud800" <= c <= "\udfff" for c in value)
        return [_CONTROL] if odd else []
    return [] if abs(value) <= MOST_NUMBER else ["This number is too large."]


def _emoji(messages: Any) -> Iterator[tuple[Path, str]]:
    """What the rules of single fields cannot see of LINE's own emoji, and of textV2."""
    for index, message in enumerate(messages if isinstance(messages, list) else ()):
        if not isinstance(message, dict):
            continue
        if message.get("type") == "textV2":
            yield (index, "type"), _TEXT_V2
        text, emojis = message.get("text"), message.get("emojis")
        if not isinstance(text, str) or not isinstance(emojis, list):
            continue
        if any(isinstance(part, Slot) for part in parts_of(text)):
            yield (index, "emojis"), _EMOJI_MOVES
            continue
        places = _dollars("".join(part for part in parts_of(text) if isinstance(part, str)))
        for number, emoji in enumerate(emojis):
            if isinstance(emoji, dict) and emoji.get("index") not in places:
                yield (index, "emojis", number, "index"), _EMOJI_PLACE


def _dollars(text: str) -> set[int]:
    """Where LINE counts the dollars of a text."""
    return {utf16_units(text[:place]) for place, c in enumerate(text) if c == "$"}
