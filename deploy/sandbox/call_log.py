"""Every call to the API and every webhook, as the page and scripts look back on them.

Owns the keeping, bounded in number and in bytes. What LINE's rules say of a body is worked out when
somebody looks, not when the call is made: load goes through here.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import msgspec
from msgspec import Struct

from deploy.sandbox.request_rules import REQUESTS
from shared.line.field_rules import Path, Unknown, naming_unknown_fields

LENGTH = 500
MOST_BYTES = 16 * 1024 * 1024
LONGEST_BODY = 256 * 1024


class Entry(Struct):
    """One API call (`in`: from the services) or webhook (`out`: to them), with its bodies."""

    number: int
    at: float
    direction: str
    name: str
    outcome: str
    brief: str
    method: str = ""
    path: str = ""
    body: bytes = b""
    answer: bytes = b""

    @property
    def size(self) -> int:
        return len(self.body) + len(self.answer)


class Finding(Struct):
    """What the rules say of one property: an `error` is refused, a `warning` LINE passes over."""

    property: str
    message: str
    level: str


class CallLog:
    """The latest entries; numbers go on rising when it is cleared."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque()
        self._bytes = 0
        self._last = 0

    def add(self, entry: Entry) -> None:
        """Keep an entry; its number is set here, and a body that is too long is not kept."""
        self._last += 1
        entry.number = self._last
        if len(entry.body) > LONGEST_BODY:
            entry.body = b""
        if len(entry.answer) > LONGEST_BODY:
            entry.answer = b""
        self._entries.append(entry)
        self._bytes += entry.size
        while len(self._entries) > LENGTH or self._bytes > MOST_BYTES:
            self._bytes -= self._entries.popleft().size

    def since(self, after: int) -> list[Entry]:
        """What came after the number, oldest first."""
        found: list[Entry] = []
        for entry in reversed(self._entries):
            if entry.number <= after:
                break
            found.append(entry)
        return found[::-1]

    def find(self, number: int) -> Entry | None:
        return next((entry for entry in self._entries if entry.number == number), None)

    def clear(self) -> None:
        self._entries.clear()
        self._bytes = 0


def findings(entry: Entry) -> list[Finding]:
    """What LINE's rules say of a call's body, property by property."""
    rule = REQUESTS.get(entry.name) if entry.direction == "in" else None
    content = decoded(entry.body)
    if rule is None or not isinstance(content, dict):
        return []
    try:
        errors = [Finding(_told(path), words, "error") for path, words in rule(content)]
        with naming_unknown_fields():
            passed_over = [
                Finding(_told(path), "LINE does not know this field and passes over it", "warning")
                for path, words in rule(content)
                if isinstance(words, Unknown)
            ]
    except RecursionError:
        return [Finding("", "nested too deeply", "error")]
    return errors + passed_over


def line(entry: Entry) -> dict[str, Any]:
    """An entry in one line, as lists of entries have it."""
    found = findings(entry)
    return {
        "number": entry.number,
        "at": entry.at,
        "direction": entry.direction,
        "name": entry.name,
        "method": entry.method,
        "path": entry.path,
        "outcome": entry.outcome,
        "brief": entry.brief,
        "errors": sum(one.level == "error" for one in found),
        "warnings": sum(one.level == "warning" for one in found),
    }


def whole(entry: Entry) -> dict[str, Any]:
    """An entry with its bodies and what the rules say of them."""
    return {
        **line(entry),
        "findings": findings(entry),
        "body": decoded(entry.body),
        "answer": decoded(entry.answer),
    }


def decoded(body: bytes) -> Any:
    """JSON as it is; None when there is none, or what it is when it is something else."""
    if not body:
        return None
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return f"({len(body)} bytes)"


def _told(path: Path) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).removeprefix(".")
