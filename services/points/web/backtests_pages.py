"""`/console/program/backtests`: begin a run, see how far it is, read what it found."""

from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from services.points.rules import differences
from services.points.rules import program as programs
from services.points.rules.program import Program
from services.points.store import backtests as store
from services.points.store import ranks as rank_store
from services.points.store.backtests import Run
from services.points.web.backtests import BacktestOfMember, BacktestResult
from services.points.web.pages import PAGES
from services.points.web.program_pages import Setting, setting
from services.points.web.program_shown import may_edit, told
from shared import clock
from shared.bus.handling import Connection
from shared.problems import Problem
from shared.web import formats
from shared.web.language import language_of
from shared.web.staff import Viewer

router = APIRouter(prefix="/console/program/backtests", include_in_schema=False)
SHOWN = 50
NAMED = 10


@router.get("")
async def listed(request: Request, staff: Viewer, of: str = "") -> HTMLResponse:
    """The runs so far, and the form of a new one."""
    async with request.app.state.process.pool.acquire() as connection:
        it = await setting(connection)
        runs = await store.latest(connection, SHOWN)
    shown = [
        {"run": run, "span": _span(request, run, it.zone), "result": _result(run)} for run in runs
    ]
    return PAGES.render(
        request,
        "program/backtests.html",
        runs=shown,
        may_edit=may_edit(staff),
        draft=it.draft,
        version=it.number,
        of=of,
        zone=it.zone,
        today=clock.now().astimezone(it.zone).date().isoformat(),
    )


@router.get("/{id}")
async def one(request: Request, staff: Viewer, id: UUID) -> HTMLResponse:
    """A run; a fragment while it is fetched again and again."""
    async with request.app.state.process.pool.acquire() as connection:
        run = await store.one(connection, id)
        if run is None:
            raise Problem(404, "unknown-backtest", "There is no such backtest.")
        it = await setting(connection)
        result = _result(run)
        known = await _known(connection, result)
    fragment = "hx-request" in request.headers
    return PAGES.render(
        request,
        "program/run.html" if fragment else "program/backtest.html",
        run=run,
        span=_span(request, run, it.zone),
        zone=it.zone,
        may_edit=may_edit(staff),
        **(_shown(request, it, run, result, known) if result else {"found": None}),
    )


def _shown(
    request: Request, it: Setting, run: Run, result: BacktestResult, cards: dict[UUID, str]
) -> dict[str, Any]:
    """What a finished run shows."""
    tried = programs.read(run.document)
    english = language_of(request) == "en"
    names = _names(tried, it.program)
    nobody = "No rank" if english else "ランクなし"
    changes = differences.between(it.program, tried) if it.program else []
    return {
        **told(request, changes),
        "changes": told(request, changes)["found"],
        "result": result,
        "currency": tried.currency,
        "headline": _headline(result, english),
        "by_rank": [
            (names.get(each.rank or "", each.rank) or nobody, each.given.points, each.draft.points)
            for each in result.by_rank
            if each.purchases
        ],
        "by_store": [
            (it.stores.get(each.store, each.store), each.given.points, each.draft.points)
            for each in result.by_store
        ],
        "gained": _people(result.most_gained, cards),
        "lost": _people(result.most_lost, cards),
    }


def _headline(result: BacktestResult, english: bool) -> str:
    """The result in one sentence."""
    more, less = formats.number(result.winners), formats.number(result.losers)
    given, change = result.given.points, result.difference.points
    share = f"{abs(change) * 100 // given}%" if given else ""
    if english:
        way = "more points" if change > 0 else "fewer points"
        said = f"{share} {way} in all" if share and change else "The same points in all"
        return f"{said}: {more} members get more, {less} get fewer"
    way = "増え" if change > 0 else "減り"
    said = f"ポイントは全体で{share}{way}ます" if share and change else "ポイントの総数は同じです"
    return f"{said}。増える会員{more}人、減る会員{less}人"


def _people(found: list[BacktestOfMember], cards: dict[UUID, str]) -> list[dict[str, Any]]:
    return [
        {**each.model_dump(), "card": cards.get(each.member, "–")}
        for each in found[:NAMED]
        if each.given != each.draft
    ]


def _names(*known: Program | None) -> dict[str, str]:
    return {level.code: level.name for each in known if each for level in each.ranks.levels}


async def _known(connection: Connection, result: BacktestResult | None) -> dict[UUID, str]:
    """The cards of the members whom the page names."""
    if result is None:
        return {}
    named = [*result.most_gained[:NAMED], *result.most_lost[:NAMED]]
    return await rank_store.cards(connection, [each.member for each in named])


def _result(run: Run) -> BacktestResult | None:
    return BacktestResult(**msgspec.json.decode(run.result)) if run.result else None


def _span(request: Request, run: Run, zone: ZoneInfo) -> str:
    """The period in words, its last day included."""
    lang = language_of(request)
    start = formats.day(run.from_at.astimezone(zone).date(), lang) if run.from_at else ""
    end = ""
    if run.until_at:
        last = run.until_at.astimezone(zone) - timedelta(microseconds=1)
        end = formats.day(last.date(), lang)
    if not start and not end:
        return "All purchases" if lang == "en" else "すべてのお買い上げ"
    return f"{start} – {end}" if lang == "en" else f"{start}〜{end}"
