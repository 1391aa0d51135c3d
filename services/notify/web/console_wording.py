"""`/console/messages/templates`: what the engine says, in the owner's own words where wanted."""

from itertools import groupby
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from services.notify import categories
from services.notify.categories import CATEGORIES
from services.notify.quota import situation
from services.notify.store import templates as store
from services.notify.templates.kinds import KINDS
from services.notify.web import templates
from services.notify.web.pages import PAGES
from services.notify.web.templates_schemas import Language
from shared.web.staff import Viewer

VERSIONS = 30

router = APIRouter(prefix="/console/messages/templates", include_in_schema=False)


@router.get("")
async def listed(request: Request, staff: Viewer) -> HTMLResponse:
    """All kinds of message by category, and which are in the owner's own words."""
    async with request.app.state.process.pool.acquire() as connection:
        newest = {(each.kind, each.language): each for each in await store.in_force(connection)}
    of = categories.of_kind
    names = sorted(KINDS, key=lambda kind: list(CATEGORIES).index(of(kind)))
    groups = [(CATEGORIES[name], list(kinds)) for name, kinds in groupby(names, key=of)]

    def state(kind: str, language: str) -> Any:
        return templates.state(newest.get((kind, language)))

    return PAGES.render(request, "wordings.html", groups=groups, kinds=KINDS, state=state)


@router.get("/{kind}")
async def one(
    request: Request, staff: Viewer, kind: str, language: Language = "ja"
) -> HTMLResponse:
    """The editor of one kind in one language, with how it looks on a phone."""
    async with request.app.state.process.pool.acquire() as connection:
        newest = await templates.in_force(connection, kind, language)
        past = await store.page(connection, kind, language, limit=VERSIONS)
        zone = await situation.zone_of(connection)
    return PAGES.render(
        request,
        "wording.html",
        kind=kind,
        about=KINDS[kind],
        category=CATEGORIES[categories.of_kind(kind)],
        language=language,
        shown=templates.shown(kind, language, newest),
        saved=newest.version if newest else 0,
        past=past,
        zone=zone,
    )
