"""Which rich menu a person should have. Pure."""

from collections.abc import Iterable
from typing import NamedTuple

from services.notify.menus.definition import Applies, State

DEFAULT = ""
"""Nothing of one's own: LINE shows the account's default menu."""


class Person(NamedTuple):
    """What is known of somebody that decides on their menu. Without a card, a rank or a wish they
    are what everybody is at first."""

    language: str = "ja"
    rank: str | None = None
    has_card: bool = False
    suspended: bool = False
    left: bool = False

    def states(self) -> set[State]:
        """What they are; who left is nothing else."""
        if self.left:
            return {"left"}
        card: State = "linked" if self.has_card else "unlinked"
        return {card, "suspended"} if self.suspended else {card}


def wanted(person: Person, menus: Iterable[tuple[str, Applies]]) -> str:
    """The name of the menu that fits best, or DEFAULT. A state says more than a rank, a rank more
    than a language; of two that say as much, the first by name."""
    states = person.states()
    rank = None if person.left else person.rank
    fitting = [
        (-_weight(applies), name)
        for name, applies in menus
        if not applies.default and _fits(applies, states, rank, person.language)
    ]
    return min(fitting)[1] if fitting else DEFAULT


def _fits(applies: Applies, states: set[State], rank: str | None, language: str) -> bool:
    return (
        (not applies.states or not states.isdisjoint(applies.states))
        and (not applies.ranks or rank in applies.ranks)
        and (not applies.languages or language in applies.languages)
    )


def _weight(applies: Applies) -> int:
    return 4 * bool(applies.states) + 2 * bool(applies.ranks) + bool(applies.languages)
