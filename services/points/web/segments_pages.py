"""`/console/segments`: all segments with their counts, and the builder of one."""

import asyncio
from typing import Any

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from services.points.rules.explain import Words
from services.points.rules.program import Program
from services.points.segments import definition as definitions
from services.points.segments import reading
from services.points.segments.conditions import Definition
from services.points.segments.definition import DefinitionInvalid
from services.points.segments.people import people
from services.points.segments.presets import PRESETS
from services.points.segments.words import words
from services.points.store import member_search, routes, stored_segments
from services.points.store import segments as store
from services.points.web.pages import PAGES
from services.points.web.program_pages import Setting, setting
from services.points.web.program_shown import embedded, may_edit
from shared.bus.handling import Connection
from shared.db import snapshot
from shared.problems import Problem
from shared.web.language import language_of
from shared.web.staff import Manager, Viewer

router = APIRouter(prefix="/console/segments", include_in_schema=False)
SAMPLE = 8
MOST_ROUTES = 100
COUNT_SECONDS = 30.0
_counting = asyncio.Semaphore(2)
"""A list of segments asks for many counts at once: no more than leaves room for the tills."""

_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August")
_MONTHS_EN = (*_MONTHS, "September", "October", "November", "December")


class Known(msgspec.Struct, frozen=True):
    """A segment, shipped (revision 0) or stored."""

    code: str
    name: Words
    document: dict[str, Any]
    revision: int


@router.get("")
async def listed(request: Request, staff: Viewer) -> HTMLResponse:
    """All segments, the shipped ones first."""
    async with request.app.state.process.pool.acquire() as connection:
        it = await setting(connection)
        every = await _every(connection)
    shown = [
        {"code": each.code, "name": each.name, "words": _said(each, it.program)} for each in every
    ]
    return PAGES.render(request, "segments/list.html", segments=shown, may_edit=may_edit(staff))


@router.get("/new")
async def new(
    request: Request, staff: Manager, start: str = Query("", alias="from")
) -> HTMLResponse:
    """The builder of a new one, empty or from a shipped one."""
    async with request.app.state.process.pool.acquire() as connection:
        it = await setting(connection)
        named = await _routes(connection)
    preset = PRESETS.get(start)
    english = language_of(request) == "en"
    name = "" if preset is None else preset.name.en if english else preset.name.ja
    document = preset.definition if preset else {"all": True}
    known = Known("", Words(name, name), document, 0)
    title = "New segment" if english else "新しいセグメント"
    return _page(request, it, known, named, edits=True, title=title)


@router.get("/sample")
async def sample(request: Request, staff: Viewer, definition: str) -> HTMLResponse:
    """The fragment with some members of a definition that is not stored."""
    try:
        wanted = definitions.read(definition)
    except DefinitionInvalid as problem:
        raise Problem(422, "invalid", str(problem)) from None
    return await _sampled(request, wanted)


@router.get("/{code}")
async def one(request: Request, staff: Viewer, code: str) -> HTMLResponse:
    """One segment."""
    async with request.app.state.process.pool.acquire() as connection:
        it = await setting(connection)
        known = await _found(connection, code)
        named = await _routes(connection)
    title = known.name.en if language_of(request) == "en" else known.name.ja
    return _page(request, it, known, named, edits=may_edit(staff), title=title)


@router.get("/{code}/count")
async def count(request: Request, staff: Viewer, code: str) -> HTMLResponse:
    """The fragment with how many members a segment has now."""
    counted: int | None = None
    async with _counting, snapshot(request.app.state.process.pool) as connection:
        known = await _found(connection, code)
        read = await _read(request, connection, definitions.parse(known.document))
        try:
            counted = (await store.count(connection, read.query, seconds=COUNT_SECONDS)).members
        except TimeoutError:
            counted = None
    return PAGES.render(request, "segments/count.html", count=counted)


@router.get("/{code}/sample")
async def sample_of(request: Request, staff: Viewer, code: str) -> HTMLResponse:
    """The fragment with some members of a segment."""
    async with request.app.state.process.pool.acquire() as connection:
        known = await _found(connection, code)
    return await _sampled(request, definitions.parse(known.document))


def _page(
    request: Request,
    it: Setting,
    known: Known,
    named: list[tuple[str, str]],
    *,
    edits: bool,
    title: str,
) -> HTMLResponse:
    levels = it.program.ranks.levels if it.program else ()
    shown = {"code": known.code, "definition": known.document, "revision": known.revision}
    english = language_of(request) == "en"
    months = [(n, m if english else f"{n}月") for n, m in enumerate(_MONTHS_EN, 1)]
    return PAGES.render(
        request,
        "segments/segment.html",
        title=title,
        code=known.code,
        name=known.name.en if english else known.name.ja,
        suggested="",
        words=_said(known, it.program),
        embedded=embedded(shown),
        stored=known.revision > 0,
        shipped=bool(known.code) and known.revision == 0,
        shipped_codes=PRESETS,
        presets=[*PRESETS.values()],
        ranks=[(level.code, level.name or level.code) for level in levels],
        stores=[*it.stores.items()],
        routes=named,
        months=months,
        currency=it.program.currency if it.program else "JPY",
        may_edit=edits,
    )


async def _sampled(request: Request, wanted: Definition) -> HTMLResponse:
    async with snapshot(request.app.state.process.pool) as connection:
        read = await _read(request, connection, wanted)
        ids: list[Any] = []
        async for page in reading.found(connection, read, SAMPLE):
            ids = page
            break
        told = await people(connection, read, ids)
        called = await member_search.shown(connection, ids)
    items = [
        {
            "id": each.member_id,
            "name": _name(called.get(each.member_id)),
            "card": each.card,
            "rank": each.rank_name,
            "points": each.points,
            "visits": each.visits,
            "line": each.line_user_id is not None,
        }
        for each in told
    ]
    return PAGES.render(request, "segments/sample.html", items=items)


def _name(shown: member_search.Shown | None) -> str:
    return (shown.name or shown.line_name or "") if shown else ""


async def _read(request: Request, connection: Connection, wanted: Definition) -> reading.Reading:
    return await reading.read(connection, request.app.state.rulebook, wanted)


async def _every(connection: Connection) -> list[Known]:
    """The shipped ones first, each as the shop has stored it if it has."""
    stored = {each.code: _stored(each) for each in await stored_segments.every(connection)}
    shipped = [stored.pop(code, _shipped(code)) for code in PRESETS]
    return [*shipped, *stored.values()]


async def _found(connection: Connection, code: str) -> Known:
    stored = await stored_segments.one(connection, code) if "\0" not in code else None
    if stored is not None:
        return _stored(stored)
    if code in PRESETS:
        return _shipped(code)
    raise Problem(404, "unknown-segment", "There is no segment of this code.")


def _stored(it: stored_segments.Stored) -> Known:
    document = msgspec.json.decode(it.definition)
    return Known(it.code, Words(it.name, it.name), document, it.revision)


def _shipped(code: str) -> Known:
    preset = PRESETS[code]
    return Known(code, preset.name, preset.definition, 0)


def _said(known: Known, program: Program | None) -> Words:
    return words(definitions.parse(known.document), program)


async def _routes(connection: Connection) -> list[tuple[str, str]]:
    return [(each.code, each.name) for each in await routes.page(connection, "", MOST_ROUTES)]
