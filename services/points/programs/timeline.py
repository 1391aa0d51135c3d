"""The versions of the program along time: past, in force, to come or withdrawn, and until when.

Owns that reckoning over what was published. Must not read stores or clocks.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Literal

import msgspec

from services.points.store.programs import Version

State = Literal["scheduled", "in_force", "past", "withdrawn"]


class Placed(msgspec.Struct, frozen=True):
    """A version in its place. `until` is when the next one takes over (None: nothing known), and
    `withdrawn` the word that took it back."""

    version: Version
    state: State
    until: datetime | None = None
    withdrawn: Version | None = None


def timeline(said: Sequence[Version], now: datetime) -> list[Placed]:
    """All versions in the order of their numbers, from all that was ever said."""
    words = {each.withdraws: each for each in said if each.withdraws is not None}
    versions = [each for each in said if each.withdraws is None]
    valid = [each for each in versions if each.version not in words]
    order = sorted(valid, key=lambda each: (each.effective_from, each.version))
    follows = {one.version: two for one, two in pairwise(order)}
    started = [each for each in order if each.effective_from <= now]
    current = (started or order)[-1 if started else 0].version if order else None
    placed = []
    for each in versions:
        if each.version in words:
            placed.append(Placed(each, "withdrawn", withdrawn=words[each.version]))
            continue
        following = follows.get(each.version)
        state: State = "scheduled" if each.effective_from > now else "past"
        if each.version == current:
            state = "in_force"
        placed.append(Placed(each, state, following.effective_from if following else None))
    return placed


def before(said: Sequence[Version], version: Version) -> Version | None:
    """The version that this one took over from, or is going to; None for the first."""
    words = {each.withdraws for each in said}
    place = version.effective_from, version.version
    earlier = [
        each
        for each in said
        if each.withdraws is None
        and each.version not in words
        and (each.effective_from, each.version) < place
    ]
    return max(earlier, key=lambda each: (each.effective_from, each.version), default=None)
