"""From people to calls: who is left out and why, and which recipients share a call. Pure.

The same people give the same chunks under the same ids: an id is the retry key of its call.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from shared import ids

MOST_RECIPIENTS = 500
"""LINE's limit of one multicast."""

MOST_UNITS = 1000
"""Names for statistics that LINE takes in a month."""

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class Candidate(NamedTuple):
    """Somebody in the segment who has LINE. `left_out` says why nothing is sent, or is None.
    `person` is what the message may say of them (JSON); None where it says nothing of anybody.
    `name` is theirs in LINE."""

    language: str
    line_user_id: str
    left_out: str | None
    person: str | None = None
    name: str | None = None


class Chunk(NamedTuple):
    """One multicast: `id` is its retry key."""

    id: UUID
    number: int
    language: str
    line_user_ids: list[str]


def chunks(
    broadcast_id: UUID, first_number: int, candidates: Iterable[Candidate], spoken: Sequence[str]
) -> list[Chunk]:
    """The calls for those who are not left out, numbered from `first_number`.

    `spoken` are the languages that the message exists in; the first one is everybody else's.
    """
    by_language: dict[str, list[str]] = {language: [] for language in spoken}
    for each in candidates:
        if each.left_out is None:
            by_language[spoken_to(each.language, spoken)].append(each.line_user_id)
    found: list[Chunk] = []
    for language, users in by_language.items():
        for some in _pieces(users):
            number = first_number + len(found)
            id = ids.derived_id("multicast", str(broadcast_id), str(number))
            found.append(Chunk(id, number, language, some))
    return found


def spoken_to(language: str, spoken: Sequence[str]) -> str:
    """The language that somebody is written to in."""
    return language if language in spoken else spoken[0]


def calls_needed(recipients: dict[str, int], spoken: Sequence[str], *, personal: bool) -> int:
    """Calls to LINE for so many recipients by their language."""
    if personal:
        return sum(recipients.values())
    by_spoken = dict.fromkeys(spoken, 0)
    for language, count in recipients.items():
        by_spoken[spoken_to(language, spoken)] += count
    return sum(math.ceil(count / MOST_RECIPIENTS) for count in by_spoken.values())


def seconds_needed(calls: int, calls_a_second: float) -> int:
    """How long so many calls take at the pace, in whole seconds."""
    return math.ceil(calls / calls_a_second)


def delivery_id(broadcast_id: UUID, line_user_id: str) -> UUID:
    """The id of somebody's delivery: for a push it is the retry key."""
    return ids.derived_id("delivery", str(broadcast_id), line_user_id)


def unit_of(broadcast_id: UUID) -> str:
    """The broadcast's name in LINE's statistics: at most 30 letters, digits and underscores."""
    number, digits = broadcast_id.int, ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return f"b_{digits}"


def _pieces(users: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(users), MOST_RECIPIENTS):
        yield users[start : start + MOST_RECIPIENTS]
