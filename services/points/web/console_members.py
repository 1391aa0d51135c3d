"""`/console/members`: members found as somebody types, narrowed by filters, page by page."""

import asyncio
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from services.points.segments import reading
from services.points.segments.conditions import All, Bought, Definition, Everybody, Rank, Tags
from services.points.segments.named import named
from services.points.segments.presets import PRESETS
from services.points.store import segments as segment_store
from services.points.store import stored_segments, stories
from services.points.store.member_search import Filter
from services.points.web import member_search
from services.points.web.member_search import Cursor
from services.points.web.pages import PAGES
from shared.bus.handling import Connection
from shared.db import snapshot
from shared.problems import Problem
from shared.web.staff import Viewer

router = APIRouter(prefix="/console/members", include_in_schema=False)

AT_ONCE = 30
COUNT_SECONDS = 20.0
MOST_TAGS = 50
STATUSES = {
    "active": ("利用中", "Active"),
    "suspended": ("停止中", "Suspended"),
    "left": ("退会", "Left"),
    "merged": ("統合済み", "Merged"),
}
_counting = asyncio.Semaphore(1)
"""Counts over everybody are work: one at a time leaves room for the tills."""


class Asked(msgspec.Struct, frozen=True):
    """What the list is asked for; empty: anything."""

    q: str = ""
    status: str = ""
    tag: str = ""
    rank: str = ""
    store: str = ""
    segment: str = ""

    @property
    def filters(self) -> dict[str, str]:
        """What narrows the list besides what is typed."""
        given = msgspec.structs.asdict(self)
        return {name: value for name, value in given.items() if value and name != "q"}

    @property
    def filter(self) -> Filter:
        """The same for the search, which takes the segment apart."""
        given = self.filters
        given.pop("segment", None)
        return Filter(**given)

    def query(self, **more: str) -> str:
        """As the query of an address."""
        given = {"q": self.q, **self.filters, **more}
        return urlencode({name: value for name, value in given.items() if value})


Text = Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")]
Status = Annotated[str, Query(pattern="^(|active|suspended|left|merged)$")]


async def _asked(
    q: Text = "",
    status: Status = "",
    tag: Text = "",
    rank: Text = "",
    store: Text = "",
    segment: Text = "",
) -> Asked:
    return Asked(q.strip(), status, tag.strip(), rank, store, segment)


Wanted = Annotated[Asked, Depends(_asked)]
After = Annotated[Cursor | None, Query()]


@router.get("")
async def page(request: Request, staff: Viewer, asked: Wanted, after: After = None) -> HTMLResponse:
    """The search box, the filters, and the first members."""
    found = await _found(request, asked, after)
    rulebook = request.app.state.rulebook
    async with request.app.state.process.pool.acquire() as connection:
        await rulebook.refresh(connection)
        choices = await _choices(connection)
    levels = () if rulebook.empty else rulebook.current().program.ranks.levels
    return PAGES.render(
        request,
        "members.html",
        asked=asked,
        after=after,
        levels=levels,
        statuses=STATUSES,
        **choices,
        **found,
    )


@router.get("/found")
async def found(
    request: Request, staff: Viewer, asked: Wanted, after: After = None
) -> HTMLResponse:
    """The members alone, for the page as somebody types."""
    told = await _found(request, asked, after)
    return PAGES.render(
        request, "members_found.html", asked=asked, after=after, statuses=STATUSES, **told
    )


@router.get("/count")
async def count(request: Request, staff: Viewer, asked: Wanted) -> HTMLResponse:
    """How many members the filters leave, exactly; what is typed is not counted."""
    counted = None
    if not asked.q and asked.status in ("", "active"):
        counted = await _counted(request, asked)
    return PAGES.render(request, "members_count.html", counted=counted)


async def _found(request: Request, asked: Asked, after: str | None) -> dict[str, Any]:
    """A page of members; without anything asked for, those who joined last are not looked for: the
    order of joining is the only one that is quick over everybody."""
    try:
        told = await member_search.find(
            request,
            asked.filter,
            q=asked.q or None,
            segment=asked.segment or None,
            after=after,
            limit=AT_ONCE,
        )
    except Problem as problem:
        if problem.status not in (404, 422):
            raise
        told = member_search.FoundPage(items=[], next=None)
    return {"members": told.items, "next": told.next, "everybody": asked == Asked()}


async def _choices(connection: Connection) -> dict[str, Any]:
    stored = await stored_segments.every(connection)
    names = {code: (preset.name.ja, preset.name.en) for code, preset in PRESETS.items()}
    names |= {each.code: (each.name, each.name) for each in stored}
    return {
        "segments": names,
        "stores": await stories.stores(connection),
        "tags": await stories.tags(connection, MOST_TAGS),
    }


async def _counted(request: Request, asked: Asked) -> int | None:
    """How many there are; None where that takes too long to wait for."""
    pool, rulebook = request.app.state.process.pool, request.app.state.rulebook
    async with _counting, snapshot(pool) as connection:
        definition = await _definition(connection, asked)
        if definition is None:
            return None
        read = await reading.read(connection, rulebook, definition)
        try:
            return (
                await segment_store.count(connection, read.query, seconds=COUNT_SECONDS)
            ).members
        except TimeoutError:
            return None


async def _definition(connection: Connection, asked: Asked) -> Definition | None:
    parts: list[Definition] = []
    if asked.segment:
        segment = await named(connection, asked.segment)
        if segment is None:
            return None
        parts.append(segment)
    if asked.tag:
        parts.append(Tags(all=(asked.tag,)))
    if asked.rank:
        parts.append(Rank(in_=(asked.rank,)))
    if asked.store:
        parts.append(Bought(stores=(asked.store,)))
    if asked.status:
        return None
    return All(tuple(parts)) if parts else Everybody()
