"""The small vocabulary in which LINE's limits are written down.

A rule takes a decoded JSON value and gives the problems in it, each with the path from that value
to the fault. Rules collect every problem, as LINE does, and never raise. They know no limit
themselves: the numbers stand in `action_rules`, `flex_rules` and `message_rules`.
"""

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, TypeAlias

from shared.line.text_length import utf16_units

Path: TypeAlias = tuple[str | int, ...]
Problem: TypeAlias = tuple[Path, str]
Problems: TypeAlias = Sequence[Problem]
Rule: TypeAlias = Callable[[Any], Problems]

FINE: Problems = ()

_naming_unknown: ContextVar[bool] = ContextVar("naming_unknown", default=False)


class Unknown(str):
    """The message about a field that LINE passes over in silence: most often a typo."""

    __slots__ = ()


@contextlib.contextmanager
def naming_unknown_fields() -> Iterator[None]:
    """Within, rules also name the fields that LINE would pass over, as `Unknown`."""
    before = _naming_unknown.set(True)
    try:
        yield
    finally:
        _naming_unknown.reset(before)


def problem(message: str) -> Problems:
    """One problem with the value itself."""
    return (((), message),)


def anything(_: Any) -> Problems:
    return FINE


def text(low: int, high: int, measure: Callable[[str], int] = utf16_units) -> Rule:
    """A string whose measured length lies between the bounds, inclusive; `low` is 0 or 1."""

    def check(value: Any) -> Problems:
        if not isinstance(value, str):
            return problem("must be a string")
        if low and not value:
            return problem("May not be empty")
        # A string has at most twice as many units as code points: measure only when near.
        if len(value) * 2 <= high or measure(value) <= high:
            return FINE
        return problem(f"Length must be between {low} and {high}")

    return check


def matching(pattern: str, message: str = "invalid property") -> Rule:
    """A string that matches the whole pattern."""
    match = re.compile(pattern).fullmatch

    def check(value: Any) -> Problems:
        return FINE if isinstance(value, str) and match(value) else problem(message)

    return check


def choice(*values: str) -> Rule:
    allowed = frozenset(values)

    def check(value: Any) -> Problems:
        if isinstance(value, str) and value in allowed:
            return FINE
        return problem(f"Must be one of the following values: [{', '.join(values)}]")

    return check


def url(high: int, *schemes: str) -> Rule:
    """A URI of at most `high` UTF-16 units with one of the schemes."""
    starts = tuple(f"{scheme}:" for scheme in schemes)

    def check(value: Any) -> Problems:
        if not isinstance(value, str) or not value:
            return problem("May not be empty")
        if utf16_units(value) > high:
            return problem(f"Length must be between 1 and {high}")
        if not value.lower().startswith(starts):
            return problem("invalid uri scheme")
        return problem("invalid uri") if any(c <= " " for c in value) else FINE

    return check


def boolean(value: Any) -> Problems:
    return FINE if isinstance(value, bool) else problem("must be a boolean")


def integer(low: int, high: int) -> Rule:
    def check(value: Any) -> Problems:
        if isinstance(value, bool) or not isinstance(value, int):
            return problem("must be an integer")
        return FINE if low <= value <= high else problem(f"must be between {low} and {high}")

    return check


def number(low: float, high: float) -> Rule:
    def check(value: Any) -> Problems:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return problem("must be a number")
        return FINE if low <= value <= high else problem(f"must be between {low} and {high}")

    return check


def each(rule: Rule, low: int, high: int) -> Rule:
    """A list of `low` to `high` elements that each obey the rule."""

    def check(value: Any) -> Problems:
        if not isinstance(value, list):
            return problem("must be an array")
        if not low <= len(value) <= high:
            return problem(f"Size must be between {low} and {high}")
        found: list[Problem] = []
        for index, element in enumerate(value):
            inner = rule(element)
            if inner:
                found.extend(beneath(index, inner))
        return found or FINE

    return check


def beneath(step: str | int, problems: Problems) -> Iterable[Problem]:
    """The problems as seen from one level further out."""
    return [((step, *path), message) for path, message in problems]


def shape(
    required: Mapping[str, Rule], optional: Mapping[str, Rule], *, closed: bool = False
) -> Rule:
    """An object. Null counts as absent. A closed shape refuses names that it does not list."""
    rules = {**required, **optional}
    names = tuple(required)

    def check(value: Any) -> Problems:
        if not isinstance(value, dict):
            return problem("must be an object")
        found: list[Problem] = []
        for name, item in value.items():
            rule = rules.get(name)
            if rule is None:
                if closed:
                    found.append(((name,), "unknown field"))
                elif _naming_unknown.get():
                    found.append(((name,), Unknown("unknown field")))
            elif item is not None:
                inner = rule(item)
                if inner:
                    found.extend(beneath(name, inner))
        for name in names:
            if value.get(name) is None:
                found.append(((name,), "May not be empty"))
        return found or FINE

    return check


def mapping(rule: Rule, most: int) -> Rule:
    """An object of at most `most` names of any kind, whose values each obey the rule."""

    def check(value: Any) -> Problems:
        if not isinstance(value, dict):
            return problem("must be an object")
        if len(value) > most:
            return problem(f"Size must be between 0 and {most}")
        return [found for name, item in value.items() for found in beneath(name, rule(item))]

    return check


def by_type(rules: Mapping[str, Rule], unknown: str | None = None) -> Rule:
    """An object whose `type` chooses the rule for the whole of it.

    Without `unknown` the refusal lists the known types under `type`; with it, the object itself
    is refused in those words.
    """
    listing = f"Must be one of the following values: [{', '.join(rules)}]"

    def check(value: Any) -> Problems:
        if not isinstance(value, dict):
            return problem("must be an object")
        kind = value.get("type")
        rule = rules.get(kind) if isinstance(kind, str) else None
        if rule is not None:
            return rule(value)
        return problem(unknown) if unknown else ((("type",), listing),)

    return check


def both(first: Rule, second: Rule) -> Rule:
    """The first rule, and where it finds nothing, the second."""

    def check(value: Any) -> Problems:
        return first(value) or second(value)

    return check
