"""`/console/ranks`: the ladder of ranks, how many stand where, and its editor."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from services.points.rules import rank_words
from services.points.rules.program import Program
from services.points.rules.sentences import sentences
from services.points.store import rank_runs
from services.points.store import ranks as store
from services.points.web.pages import PAGES
from services.points.web.program_pages import editor, setting
from services.points.web.program_shown import may_edit
from shared.web.staff import Manager, Viewer

router = APIRouter(prefix="/console/ranks", include_in_schema=False)


@router.get("")
async def ladder(request: Request, staff: Viewer) -> HTMLResponse:
    """The levels, the highest on top."""
    async with request.app.state.process.pool.acquire() as connection:
        it = await setting(connection)
        counts = await store.counts(connection)
        runs = await rank_runs.latest(connection)
    program = it.program
    levels = _levels(program, counts) if program else []
    known = {each["code"] for each in levels}
    gone = {code: n for code, n in counts.items() if code and code not in known}
    said = sentences(program) if program else []
    return PAGES.render(
        request,
        "ranks/ladder.html",
        levels=[*reversed(levels)],
        nobody=counts.get(None, 0),
        gone=gone,
        members=max(sum(counts.values()), 1),
        rule=next((each.words for each in said if each.path == "ranks"), None),
        runs=runs,
        zone=it.zone,
        may_edit=may_edit(staff),
        has_draft=it.draft is not None,
    )


@router.get("/edit")
async def edit(request: Request, staff: Manager) -> HTMLResponse:
    """The ranks in the editor: the same draft as that of the whole program."""
    return await editor(request, "ranks")


def _levels(program: Program, counts: dict[str | None, int]) -> list[dict[str, Any]]:
    return [
        {
            "code": level.code,
            "name": level.name or level.code,
            "asks": rank_words.asked(level, program.currency),
            "gives": rank_words.perks(level),
            "members": counts.get(level.code, 0),
        }
        for level in program.ranks.levels
    ]
