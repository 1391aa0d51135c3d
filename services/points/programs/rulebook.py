"""The versions of the program in memory, and which one is in force at a moment.

Each transaction asks for versions that it does not know yet, so a version is in force in every
process from the moment its publication was answered. Tills' clocks count in seconds: a version is
in force for all of the second in which it was published. Versions may be published before they
start, so the newest number says nothing about what is in force; the start does.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from services.points.rules.earn import CompiledProgram, compile_program
from services.points.rules.program import Program, SlidingExpiry, read
from services.points.store import programs as store
from services.points.store.programs import Version
from shared import clock
from shared.bus.handling import Connection


class Edition(msgspec.Struct, frozen=True):
    """A published version, ready for use."""

    version: int
    effective_from: datetime
    program: Program
    compiled: CompiledProgram


class Rulebook:
    """All published versions. `refresh` within the transaction that uses them."""

    def __init__(self) -> None:
        self._version = 0
        self._editions: dict[int, Edition] = {}
        self._withdrawn: set[int] = set()
        self._order: list[Edition] = []
        self._starts: list[datetime] = []

    async def refresh(self, connection: Connection) -> None:
        """Read what was published or withdrawn since."""
        self.learn(await store.after(connection, self._version))

    def learn(self, said: Sequence[Version]) -> None:
        """Take over versions and withdrawals, oldest first; those known already change nothing."""
        news = [each for each in said if each.version > self._version]
        if not news:
            return  # another transaction of this process read them meanwhile
        for each in news:
            if each.withdraws is None:
                self._editions[each.version] = _edition(each)
            else:
                self._withdrawn.add(each.withdraws)
        self._version = news[-1].version
        valid = [each for each in self._editions.values() if each.version not in self._withdrawn]
        self._order = by_start(valid)
        self._starts = [each.effective_from for each in self._order]

    @property
    def version(self) -> int:
        """The highest number that is known here, 0 for none. It may be a version that starts
        later, or a withdrawal: ask `current` for what is in force."""
        return self._version

    @property
    def sliding_months(self) -> set[int]:
        """After how many months without activity points expire, by any version."""
        expiries = [each.program.expiry for each in self._editions.values()]
        return {each.months for each in expiries if isinstance(each, SlidingExpiry)}

    @property
    def empty(self) -> bool:
        """Whether nothing was ever published."""
        return not self._order

    def current(self) -> Edition:
        """The version in force now. There must be one."""
        return self.in_force(clock.now())

    def in_force(self, at: datetime) -> Edition:
        """The version in force at `at`: the last one that has started by then; before the first
        one, the first."""
        return self._order[max(0, bisect_right(self._starts, at) - 1)]

    def edition(self, version: int) -> Edition:
        """The version with this number, wherever it is named, such as by an entry."""
        return self._editions[version]


def by_start(editions: Iterable[Edition]) -> list[Edition]:
    """In the order in which they take over; of two with the same start the later published one
    comes last and so wins."""
    return sorted(editions, key=lambda each: (each.effective_from, each.version))


def _edition(version: Version) -> Edition:
    program = read(version.document)
    return Edition(version.version, version.effective_from, program, compile_program(program))
