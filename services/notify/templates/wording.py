"""What notify says, in each language, read once from `messages/<language>.json`.

Owns the loading and checking of message files. Which message an event asks for stands in
`announcements`.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from services.notify.errors import BadWording
from services.notify.templates.fixed import fixed as fixed_names
from services.notify.templates.kinds import KINDS
from services.notify.templates.template import Phrase, Template
from services.notify.templates.variables import Variable

PLAIN = fixed_names()
"""Colours as shipped, and nobody knows where the card is."""

LANGUAGES = ("ja", "en")
DEFAULT_LANGUAGE = "ja"

LINK_REASONS = (
    "wrong_code",
    "too_many_tries",
    "already_yours",
    "card_has_line",
    "line_has_card",
    "suspended",
    "points_held",
    "not_linked",
    "not_member",
    "expired",
)
"""Of `chat.link_refused`."""

PHRASES = (
    "refund_taken",
    "refund_returned",
    "pending",
    "rank",
    "entry",
    "expiring",
    "suspended",
    "balance_alone",
    "rank_brings_nothing",
    *(f"link_{reason}" for reason in LINK_REASONS),
)

PHRASE_SLOTS = {
    "n": Variable(24),
    "points": Variable(24),
    "when": Variable(40),
    "rank": Variable(100),
    "text": Variable(700),
}
"""What phrases may use."""


class Wording:
    """One language's messages and phrases. Raises BadWording when a file is not complete.

    `templates` holds a template for each kind: a shipped one here, or what an owner put in its
    place (`in_force`).
    """

    def __init__(
        self, language: str, document: Mapping[str, Any], fixed: Mapping[str, str] = PLAIN
    ) -> None:
        self.language = language
        self.templates: dict[str, Template] = {
            kind: Template(
                f"{language}.{kind}",
                _part(document, "messages", kind),
                each.variables,
                fixed=fixed,
            )
            for kind, each in KINDS.items()
        }
        self._phrases = {
            name: Phrase(f"{language}.{name}", _part(document, "phrases", name), PHRASE_SLOTS)
            for name in PHRASES
        }

    def phrase(self, name: str, **values: str) -> str:
        """A phrase with its slots filled."""
        return self._phrases[name].fill(**values)


Wordings = Mapping[str, Wording]


def load(fixed: Mapping[str, str] = PLAIN) -> dict[str, Wording]:
    """Every language's wording as shipped. Raises BadWording."""
    return {language: Wording(language, document(language), fixed) for language in LANGUAGES}


@cache
def document(language: str) -> Mapping[str, Any]:
    """A language's file as it is shipped; not to be changed."""
    folder = resources.files("services.notify.templates") / "messages"
    read: dict[str, Any] = json.loads((folder / f"{language}.json").read_text("utf-8"))
    return read


def _part(document: Mapping[str, Any], section: str, name: str) -> Any:
    try:
        return document[section][name]
    except KeyError:
        raise BadWording(f"{section}.{name} is missing") from None
