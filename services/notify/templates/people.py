"""What a message to many may say of each of them. Pure.

Names, lengths and values of the variables; broadcasts fills them, and owners are told of them.
"""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from services.notify.templates.moments import day, last_day
from services.notify.templates.variables import NOTHING, Variable
from shared.events import SegmentPerson

VARIABLES: Mapping[str, Variable] = {
    "name": Variable(100),
    "card": Variable(40),
    "points": Variable(24),
    "rank": Variable(100),
    "next_rank": Variable(100),
    "missing": Variable(400),
    "expiring_points": Variable(24),
    "expiring_at": Variable(40),
    "visits": Variable(24),
    "last_visit": Variable(40),
}

NAMELESS = {"ja": "お客", "en": "there"}
"""Goes before さま and さん, and after "Hi", of whom LINE has told no name."""


def values(
    person: SegmentPerson, language: str, zone: ZoneInfo, name: str | None
) -> dict[str, str]:
    """What each variable holds for somebody, in their language and the shop's time zone; `name` is
    the one they go by in LINE. What is not known, or is none, is a dash."""
    return {
        "name": (name or "").strip() or NAMELESS[language],
        "card": person.card,
        "points": f"{person.points:,}",
        "rank": person.rank_name or NOTHING,
        "next_rank": person.next_rank_name or NOTHING,
        "missing": (person.missing_en if language == "en" else person.missing_ja) or NOTHING,
        "expiring_points": f"{person.expiring_points:,}",
        "expiring_at": last_day(person.expiring_at, zone) if person.expiring_at else NOTHING,
        "visits": f"{person.visits:,}",
        "last_visit": day(person.last_visit_at, zone) if person.last_visit_at else NOTHING,
    }
