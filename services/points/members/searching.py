"""Members found as somebody types: exact first, then by how they begin, then the most recent visit.

What matches is read in blocks of its own order, and sorted within a block: whatever is typed costs
a few blocks at most. A page may therefore be short, or even empty, before the last one: who is
sought may be behind many who are not wanted (`Filter`, `admit`). Nobody comes twice or is missed.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from services.points.nights import pacing
from services.points.programs.rulebook import Rulebook
from services.points.rules import typed
from services.points.rules.typed import Cursor, Place, Range
from services.points.segments import reading
from services.points.segments.reading import Reading
from services.points.store import member_search as store
from services.points.store import phones, segments
from services.points.store.member_search import Candidate, Filter
from shared.bus.handling import Connection
from shared.db import Pool
from shared.outbox import Relay

BLOCK = 100
MOST_BLOCKS = 6
MOST_ASKED = 150
"""How many members `admit` is asked about for one page."""

FILLED_AT_ONCE = 500

Admit = Callable[[UUID], Awaitable[bool]]
_NEVER = datetime(1, 1, 1, tzinfo=UTC)


class Page(msgspec.Struct, frozen=True):
    """Members in their order, and where the next page begins (None: there is none)."""

    members: list[UUID]
    next: Cursor | None


class _Block(msgspec.Struct, frozen=True):
    """Members of one stretch, sorted, and where the next one begins."""

    members: list[UUID]
    next: Place | None


async def ranges_of(connection: Connection, text: str) -> tuple[list[Range], bool]:
    """Where to look for what was typed (nowhere if nothing is left of it), and whether everybody
    can be found there."""
    form, ready = await store.form(connection, text)
    if not form:
        return [], ready
    number = typed.digits(text)
    marks = await phones.sought(connection, number) if number else None
    named = (marks.whole, marks.end, marks.also) if marks else ()
    return typed.ranges(form, number, *named), ready


async def search(
    connection: Connection,
    ranges: Sequence[Range],
    cursor: Cursor | None,
    limit: int,
    *,
    wanted: Filter,
    admit: Admit | None = None,
) -> Page:
    """A page of the members who match, from a cursor on."""
    at = cursor or typed.first(ranges)
    members: list[UUID] = []
    asked = 0
    for _ in range(MOST_BLOCKS):
        block = await _block(connection, ranges, at.place, wanted, repeats=cursor is None)
        for place, member in enumerate(block.members[at.skip :], at.skip):
            if len(members) == limit or asked == MOST_ASKED:
                return Page(members, Cursor(at.place, place))
            asked += admit is not None
            if admit is None or await admit(member):
                members.append(member)
        if block.next is None:
            return Page(members, None)
        at = cursor = Cursor(block.next)
    return Page(members, at)


async def _block(
    connection: Connection, ranges: Sequence[Range], after: Place, wanted: Filter, *, repeats: bool
) -> _Block:
    """The next stretch. `repeats`: nothing comes before it, so that nobody in it was there yet."""
    hits, following = await _hits(connection, ranges, after)
    found = await store.found(connection, list({hit.owner for hit in hits}), wanted)
    members: dict[UUID, tuple[Place, Candidate]] = {}
    for hit in hits:
        if candidate := found.get(hit.owner):
            members.setdefault(candidate.id, (hit, candidate))
    if not repeats and members:
        first = await store.first_places(connection, list(members), ranges)
        members = {id: each for id, each in members.items() if first.get(id) == each[0]}
    order = sorted(members.values(), key=lambda each: _rank(ranges, *each))
    return _Block([candidate.id for _, candidate in order], following)


async def _hits(
    connection: Connection, ranges: Sequence[Range], after: Place
) -> tuple[list[Place], Place | None]:
    """Terms from a place on, range after range, and the last one's place if there may be more."""
    hits: list[Place] = []
    for phase in range(after.phase, len(ranges)):
        start = after if phase == after.phase else Place(phase, ranges[phase].low, typed.START)
        hits += await store.hits(connection, ranges[phase], start, BLOCK - len(hits))
        if len(hits) == BLOCK:
            return hits, hits[-1]
    return hits, None


def _rank(ranges: Sequence[Range], hit: Place, candidate: Candidate) -> tuple[bool, int, float]:
    exact = ranges[hit.phase].kind in ("b", "w") and hit.term == ranges[hit.phase].low
    seen = candidate.last_visit_at or _NEVER
    return not exact, hit.phase, -seen.timestamp()


async def browse(
    connection: Connection, after: UUID, limit: int, *, wanted: Filter, segment: Reading | None
) -> tuple[list[UUID], UUID | None]:
    """Members in the order of joining after one, and after whom to go on (None: that is all). With
    a segment a page may be short, as a search's may."""
    if segment is None:
        listed = await store.listed(connection, after, wanted, limit)
        return listed, listed[-1] if len(listed) == limit else None
    members: list[UUID] = []
    looked = 0
    async for page in reading.found(connection, segment, BLOCK, after=after):
        fit = await store.found(connection, page, wanted) if wanted != Filter() else page
        for id in page:
            if len(members) == limit:
                return members, after
            members += [id] * (id in fit)
            after = id
        looked += 1
        if looked == MOST_BLOCKS:
            return members, after
    return members, None


def belonging(connection: Connection, segment: Reading) -> Admit:
    """Whether a member is in a segment, asked one by one."""

    async def belongs(member: UUID) -> bool:
        before = UUID(int=member.int - 1)
        return bool(await segments.chosen(connection, segment.query, before, member))

    return belongs


async def sweep(pool: Pool, _: Relay, __: Rulebook) -> None:
    """Take in the members that were there before search was, a little at a time."""
    while await pacing.paced(take_in(pool)):
        pass


async def take_in(pool: Pool) -> bool:
    """Take in some of them; true when there are more."""
    async with pool.acquire() as connection, connection.transaction():
        return await store.fill(connection, FILLED_AT_ONCE)
