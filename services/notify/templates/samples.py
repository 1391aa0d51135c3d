"""Values to look at a message with: examples, or what is known of a real member. Pure."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from services.notify.sending.link_offers import PLACEHOLDER
from services.notify.templates import people
from services.notify.templates.kinds import KINDS
from services.notify.templates.variables import NOTHING
from shared.events import SegmentPerson

_OF_PEOPLE = ("card", "rank", "next_rank", "missing")


def examples(kind: str, language: str) -> dict[str, str]:
    """An example for each variable of a kind."""
    return {
        name: slot.example.en if language == "en" else slot.example.ja
        for name, slot in KINDS[kind].slots.items()
    }


def of_person(kind: str, language: str, person: SegmentPerson, zone: ZoneInfo) -> Mapping[str, str]:
    """The examples, with what a member's data says in their place: the rest belongs to an event
    that did not happen, and to a rank that they do not have."""
    told = people.values(person, language, zone, None)
    known = {name: told[name] for name in _OF_PEOPLE if told[name] != NOTHING}
    known["balance"] = told["points"]
    return {name: known.get(name, value) for name, value in examples(kind, language).items()}


def sendable(values: Mapping[str, str]) -> dict[str, str]:
    """The values for a message that is really sent: a link is made when it goes."""
    return {name: PLACEHOLDER if name == "link" else value for name, value in values.items()}
