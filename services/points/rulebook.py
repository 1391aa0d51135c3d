"""The versions of the program in memory, and which one is in force at a moment.

Each transaction asks for versions that it does not know yet, so a version is in force in every
process from the moment its publication was answered. Tills' clocks count in seconds: a version is
in force for all of the second in which it was published.
"""

from bisect import bisect_right
from datetime import datetime

import msgspec

from services.points.earn import CompiledProgram, compile_program
from services.points.program import Program, parse
from services.points.store import programs as store
from shared.bus.handling import Connection


class Edition(msgspec.Struct, frozen=True):
    """A published version, ready for use."""

    version: int
    effective_from: datetime
    program: Program
    compiled: CompiledProgram


class Rulebook:
    """All published versions, oldest first. `refresh` within the transaction that uses them."""

    def __init__(self) -> None:
        self._editions: list[Edition] = []
        self._starts: list[datetime] = []

    async def refresh(self, connection: Connection) -> None:
        """Read versions that were published since."""
        for version in await store.after(connection, self.version):
            if version.version <= self.version:
                continue  # another transaction of this process read it meanwhile
            program = parse(version.document)
            edition = Edition(
                version.version, version.effective_from, program, compile_program(program)
            )
            self._editions.append(edition)
            self._starts.append(edition.effective_from)

    @property
    def version(self) -> int:
        """The newest version that is known here, 0 for none."""
        return self._editions[-1].version if self._editions else 0

    @property
    def empty(self) -> bool:
        """Whether nothing was ever published."""
        return not self._editions

    def newest(self) -> Edition:
        """The latest version. There must be one."""
        return self._editions[-1]

    def in_force(self, at: datetime) -> Edition:
        """The version in force at `at`; before the first one, the first."""
        return self._editions[max(0, bisect_right(self._starts, at) - 1)]
