"""Who moves under a draft of the program, before it is published. Changes nothing, locks nothing.

All members are read in one snapshot, page by page, and judged by the very rules that publishing
would use: who goes up at once, and who goes down at the evaluation after their keep period unless
they do more until then.
"""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from itertools import islice, zip_longest
from typing import Literal
from uuid import UUID

import msgspec
from msgspec.structs import replace

from services.points.rankings import rank_moves
from services.points.rules import ranks
from services.points.rules.program import Program
from services.points.rules.ranks import Held, Metrics
from services.points.store import ranks as store
from services.points.store.rank_runs import FROM_THE_START
from services.points.store.ranks import Given, Standing
from shared import clock
from shared.bus.handling import Connection

PAGE = 1000
EXAMPLES = 100

When = Literal["at_once", "by_evaluation"]
Way = tuple[str | None, str | None, When]


class Progress(msgspec.Struct, frozen=True):
    """How many members have been looked at, of how many."""

    members: int
    of: int


class Moving(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """How many members go from one rank to another (None: no rank), and when."""

    from_: str | None
    to: str | None
    when: When
    members: int


class Example(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """One member who moves."""

    id: UUID
    card: str
    from_: str | None
    to: str | None
    when: When


class Preview(msgspec.Struct, frozen=True):
    """What publishing would do. `points` are what it gives at once for levels that are reached."""

    members: int
    staying: int
    points: int
    moves: list[Moving]
    examples: list[Example]


async def preview(connection: Connection, program: Program) -> AsyncIterator[Progress | Preview]:
    """Say how far it has come after each page of members, and last what was found."""
    now = clock.now()
    tally = Tally(program, now)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        of, after = await store.members(connection), FROM_THE_START
        yield Progress(0, of)
        while page := await store.members_after(connection, after, PAGE):
            await _look(connection, tally, page)
            after = page[-1]
            yield Progress(tally.members, of)
        cards = await store.cards(connection, tally.named())
    yield tally.preview(cards)


async def _look(connection: Connection, tally: "Tally", page: Sequence[UUID]) -> None:
    standings = await store.read(connection, page, tally.now)
    since = ranks.window_start(tally.program, tally.now)
    measured = await store.measure(connection, page, since)
    rising = [standing for id, standing in standings.items() if tally.count(standing, measured[id])]
    if rising:
        given = await store.given(connection, [each.member_id for each in rising])
        for standing in rising:
            tally.give(standing, measured[standing.member_id], given)


class Tally:
    """What was found so far."""

    def __init__(self, program: Program, now: datetime) -> None:
        self.program = program
        self.now = now
        self.members = 0
        self._points = 0
        self._counts: Counter[Way] = Counter()
        self._examples: dict[Way, list[UUID]] = {}
        self._gives = any(level.points for level in program.ranks.levels)

    def count(self, standing: Standing, metrics: Metrics) -> bool:
        """Count a member; true when points for reaching a level are to be looked at."""
        self.members += 1
        found = way(self.program, standing.held, metrics, self.now)
        if found is None:
            return False
        self._counts[found] += 1
        named = self._examples.setdefault(found, [])
        if len(named) < EXAMPLES:
            named.append(standing.member_id)
        return self._gives and found[2] == "at_once"

    def give(self, standing: Standing, metrics: Metrics, given: Given) -> None:
        """Count the points that a member's rise gives."""
        held = standing.held
        after = _after(self.program, held, metrics, self.now)
        levels = self.program.ranks.levels
        gifts = rank_moves.gifts(levels, standing.member_id, held, after, given)
        self._points += sum(level.points for level, _ in gifts)

    def named(self) -> list[UUID]:
        """The members that are named, some of each way."""
        return [id for _, id in self._chosen()]

    def preview(self, cards: dict[UUID, str]) -> Preview:
        """The whole, with the cards of the members that are named."""
        moves = [Moving(*way, count) for way, count in self._counts.most_common()]
        return Preview(
            members=self.members,
            staying=self.members - self._counts.total(),
            points=self._points,
            moves=moves,
            examples=[Example(id, cards[id], *way) for way, id in self._chosen()],
        )

    def _chosen(self) -> list[tuple[Way, UUID]]:
        """The first of each way, the second of each, and so on."""
        columns = [[(way, id) for id in ids] for way, ids in self._examples.items()]
        rows = (each for row in zip_longest(*columns) for each in row if each is not None)
        return list(islice(rows, EXAMPLES))


def way(program: Program, held: Held, metrics: Metrics, now: datetime) -> Way | None:
    """Where a member goes under the program; None for one who stays."""
    after = _after(program, held, metrics, now)
    if after.code != held.code:
        return held.code, after.code, "at_once"
    lasting = replace(after, keep_until=None)
    later = ranks.evaluate(program, metrics, lasting, now, evaluation=True)
    return None if later.code == held.code else (held.code, later.code, "by_evaluation")


def _after(program: Program, held: Held, metrics: Metrics, now: datetime) -> Held:
    new = ranks.evaluate(program, metrics, held, now)
    return Held(code=new.code, own=new.own, keep_until=new.keep_until, floor=held.floor)
