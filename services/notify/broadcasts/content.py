"""What a broadcast says: a template's name, or messages in each language; checked when saved, fixed
when confirmed. Pure, but for what a template's name stands for.

Messages with variables are filled for each; without any they are the same for all of a language.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from services.notify.templates.fixed import FIXED, settled
from services.notify.templates.people import VARIABLES, values
from services.notify.templates.template import Template
from services.notify.templates.wording import LANGUAGES
from shared.events import SegmentPerson

INLINE = "broadcast"
"""The kind of what no template stands behind."""

Texts = Mapping[str, Sequence[dict[str, Any]]]
"""Messages as LINE takes them, but for their variables, by language."""

_person = msgspec.json.Decoder(SegmentPerson).decode


class Content(NamedTuple):
    """`kind` is what its deliveries are called; `version` the template's."""

    texts: Texts
    kind: str
    version: int | None
    personal: bool

    @property
    def spoken(self) -> list[str]:
        """Its languages; the first one is that of everybody who speaks none of them."""
        return [language for language in LANGUAGES if language in self.texts]


def is_personal(texts: Texts, fixed: Mapping[str, str]) -> bool:
    """Whether they say something of each recipient. Raises BadWording."""
    return any(_template(language, each, fixed).slots for language, each in texts.items())


def final(texts: Texts, fixed: Mapping[str, str], *, personal: bool) -> dict[str, str]:
    """Each language's messages as stored once it is confirmed, with the colours and the card's
    address of that moment: as LINE takes them, or, where they are personal, with variables."""
    if personal:
        return {language: _json(settled(each, fixed)) for language, each in texts.items()}
    return {language: _template(language, each, fixed).fill({}) for language, each in texts.items()}


class Filler:
    """Fills personal messages, from what is stored."""

    def __init__(self, stored: Mapping[str, str], zone: ZoneInfo) -> None:
        self._zone = zone
        self._templates = {
            language: _template(language, json.loads(text)) for language, text in stored.items()
        }

    def fill(self, language: str, person: str, name: str | None) -> str:
        """What is sent to a person (a SegmentPerson as JSON) who goes by this name in LINE."""
        return self._templates[language].fill(values(_person(person), language, self._zone, name))


def sample(texts: Texts, language: str, fixed: Mapping[str, str]) -> str:
    """The messages of a language with made-up values, for a look at them."""
    template = _template(language, texts[language], fixed)
    return template.fill({name: SAMPLES[language].get(name, "-") for name in VARIABLES})


SAMPLES: Mapping[str, Mapping[str, str]] = {
    "ja": {
        "name": "見本",
        "card": "2900000000016",
        "points": "1,234",
        "rank": "シルバー",
        "next_rank": "ゴールド",
        "missing": "あと500ポイント",
        "expiring_points": "100",
        "expiring_at": "2026/12/31",
        "visits": "12",
        "last_visit": "2026/11/01",
    },
    "en": {
        "name": "Sample",
        "card": "2900000000016",
        "points": "1,234",
        "rank": "Silver",
        "next_rank": "Gold",
        "missing": "500 points more",
        "expiring_points": "100",
        "expiring_at": "2026/12/31",
        "visits": "12",
        "last_visit": "2026/11/01",
    },
}


def _template(language: str, messages: Any, fixed: Mapping[str, str] = FIXED) -> Template:
    return Template(f"broadcast.{language}", messages, VARIABLES, fixed=fixed)


def _json(messages: Any) -> str:
    return json.dumps(messages, ensure_ascii=False, separators=(",", ":"))
