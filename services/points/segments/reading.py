"""A segment as of one moment: what the shop's rules are at it, and the query that follows.

Within a transaction that reads one snapshot (`repeatable_read`).
"""

from collections.abc import AsyncIterator
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct

from services.points.accounts import standing
from services.points.accounts.standing import Standing
from services.points.programs.rulebook import Rulebook
from services.points.rules import ranks
from services.points.rules.program import Program
from services.points.segments.conditions import Definition
from services.points.store import lots as lot_store
from services.points.store import segments as store
from services.points.store.segment_conditions import Query, compiled
from services.points.store.segment_facts import AsOf, Odd
from shared import clock
from shared.bus.handling import Connection

_ALL_DATES = 100_000
LEAST_SCAN, MOST_SCAN = 1_000, 32_000
"""How many members are looked through at once: more where few are found."""


class Reading(Struct, frozen=True):
    """The moment, the program in force at it (None: none was ever published), and the query."""

    as_of: AsOf
    program: Program | None
    query: Query


async def read(connection: Connection, rulebook: Rulebook, definition: Definition) -> Reading:
    """The definition, ready to be asked about, as of now."""
    await store.plan_for_many(connection)
    await rulebook.refresh(connection)
    now = clock.now()
    program = None if rulebook.empty else rulebook.in_force(now).program
    as_of = AsOf(
        now=now,
        zone=program.zone if program else ZoneInfo("UTC"),
        levels=program.ranks.levels if program else (),
        since=ranks.window_start(program, now) if program else None,
        sliding=bool(rulebook.sliding_months),
    )
    found = await _indebted(connection, as_of)
    odd = Odd(
        {id: each.balance for id, each in found.items()},
        {id: each.expiring for id, each in found.items()},
    )
    return Reading(as_of, program, compiled(definition, as_of, odd))


async def _indebted(connection: Connection, as_of: AsOf) -> dict[UUID, Standing]:
    """In what order debts are paid and points expire matters: these few are worked out one by one,
    as `standing` does."""
    members = await store.indebted(connection, as_of.now)
    found = await lot_store.holdings(connection, members) if members else {}
    return {
        member: standing.standing(holding, as_of.zone, as_of.now, dates=_ALL_DATES)
        for member, holding in found.items()
    }


async def found(
    connection: Connection, read: Reading, page: int, *, after: UUID = store.NOBODY
) -> AsyncIterator[list[UUID]]:
    """The members after one in pages, in id order; the last page may be short, or none comes."""
    kept, scan = list[UUID](), LEAST_SCAN
    while after != store.LAST:
        end = await store.page_end(connection, after, scan)
        members = await store.chosen(connection, read.query, after, end)
        kept += members
        while len(kept) > page:
            yield kept[:page]
            kept = kept[page:]
        if len(members) < page:
            scan = min(2 * scan, MOST_SCAN)
        after = end
    if kept:
        yield kept
