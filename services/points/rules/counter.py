"""What the counter decides without looking anything up. Pure.

Owns how a scanned or typed text is read, how long an act can be undone, and how little of a name is
shown where others can see it.
"""

import unicodedata
from datetime import datetime, timedelta

from services.points.rules import cards, phones
from services.points.rules.program import Counter

KEPT = timedelta(hours=24)
"""An act that the counter did while the network was away counts if it is sent within this."""

AHEAD = timedelta(minutes=2)
"""A device's clock may be this much fast."""

SHORT = 6
"""Characters of a name that the day's list shows."""


class Misread(ValueError):
    """A number that begins as our cards do and has a wrong digit."""


def reading(text: str) -> tuple[str, str]:
    """How a scanned or typed text names a member, and the name: a rotating code, a card, a phone
    number, or else the shop's own number. Raises Misread."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if plain.upper().startswith("T1."):
        return "qr", plain.upper()
    digits = plain.replace(" ", "").replace("-", "")
    if cards.is_valid(digits):
        return "card", digits
    if len(digits) == 13 and digits.isascii() and digits.isdigit():
        if digits.startswith(cards.PREFIX):
            raise Misread(digits)
        return "external_id", plain
    return ("phone", plain) if phones.normal(plain) else ("external_id", plain)


def can_be_undone_until(terms: Counter, acted_at: datetime, *, manager: bool) -> datetime:
    """The end of the time in which an act can be undone."""
    minutes = max(terms.undo_minutes, terms.manager_undo_minutes) if manager else terms.undo_minutes
    return acted_at + timedelta(minutes=minutes)


def in_time(at: datetime, now: datetime) -> bool:
    """Whether an act that a device says it did at a moment is taken now."""
    return now - KEPT <= at <= now + AHEAD


def short_name(name: str | None) -> str | None:
    """A family name, or what fits: enough for staff to know whom, little for who looks over."""
    words = (name or "").split()
    if not words:
        return None
    return words[0] if len(words[0]) <= SHORT else words[0][:SHORT] + "…"
