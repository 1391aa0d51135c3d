"""`/console/import`: a file is chosen, its columns named, tried out, taken in, undone."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from services.points.rules.importing.columns import ATTRIBUTES, PRESETS
from services.points.rules.importing.words import FATES, FIELDS
from services.points.store import import_effects, import_rows
from services.points.store import imports as store
from services.points.web import imports_schemas as schemas
from services.points.web import imports_shown as shown
from services.points.web.pages import PAGES
from shared.problems import Problem
from shared.web.staff import OwnerOnly

router = APIRouter(prefix="/console/import", include_in_schema=False)

SHOWN = 20
ROWS = 25
SAMPLES = 3
WORKING = store.WORKING
STATES: dict[str, tuple[str, str, str]] = {
    "reading": ("読み取り中", "Being read", "plain"),
    "mapping": ("列の確認待ち", "Columns to confirm", "warn"),
    "checking": ("試し取り込み中", "Being tried out", "plain"),
    "checked": ("確定待ち", "To be confirmed", "warn"),
    "running": ("取り込み中", "Running", "plain"),
    "paused": ("途中で停止", "Stopped half-way", "warn"),
    "done": ("取り込み済み", "Done", "good"),
    "undoing": ("取り消し中", "Being undone", "plain"),
    "undone": ("取り消し済み", "Undone", "plain"),
    "failed": ("取り込みなし", "Not taken in", "bad"),
}
KEPT = {
    "spent": ("使われたか失効", "spent or expired"),
    "gone": ("退会済み", "has left"),
    "merged": ("ほかの会員に統合", "merged into another member"),
}
STEPS = (
    ("ファイル", "File", ("reading", "failed")),
    ("列の確認", "Columns", ("mapping", "checking")),
    ("試し取り込み", "Dry run", ("checked",)),
    ("取り込み", "Import", ("running", "paused", "done", "undoing", "undone")),
)
Kind = Annotated[Literal["bad", "noted", "new", "matched", "skipped"], Query()]
After = Annotated[int, Query(ge=0, le=2**31 - 1)]


@router.get("")
async def start(request: Request, staff: OwnerOnly) -> HTMLResponse:
    """What a shop may come from, a place for its file, and earlier imports."""
    async with request.app.state.process.pool.acquire() as connection:
        before = (datetime.max.replace(tzinfo=UTC), UUID(int=0))
        latest = await store.latest(connection, before, SHOWN)
        zone, _ = await terms(request, connection)
    return PAGES.render(
        request, "import.html", presets=PRESETS, latest=latest, states=STATES, zone=zone
    )


@router.get("/{id}")
async def one(request: Request, staff: OwnerOnly, id: UUID, columns: bool = False) -> HTMLResponse:
    """An import at its step; `columns`: back to choosing these."""
    return PAGES.render(request, "import_one.html", **await _values(request, id, columns))


@router.get("/{id}/state")
async def state(request: Request, staff: OwnerOnly, id: UUID) -> HTMLResponse:
    """The part that changes while it is worked on."""
    return PAGES.render(request, "import_state.html", **await _values(request, id, False))


@router.get("/{id}/rows")
async def rows(
    request: Request, staff: OwnerOnly, id: UUID, kind: Kind = "bad", after: After = 0
) -> HTMLResponse:
    """A page of rows with what the dry run says."""
    async with request.app.state.process.pool.acquire() as connection:
        found = await _found(request, connection, id)
        noted = kind == "noted"
        page = await import_rows.shown(
            connection, id, after, ROWS, fates=None if noted else [kind], noted=noted
        )
    return PAGES.render(
        request,
        "import_rows.html",
        it=found,
        rows=[shown.verdict(row) for row in page],
        kind=kind,
        following=page[-1].number if len(page) == ROWS else None,
        first=not after,
        fates=FATES,
        places=_places(found),
        fields=FIELDS,
    )


async def _values(request: Request, id: UUID, columns: bool) -> dict[str, Any]:
    async with request.app.state.process.pool.acquire() as connection:
        found = await _found(request, connection, id)
        zone, currency = await terms(request, connection)
        kept = []
        if found.done and found.done.kept:
            effects = await import_effects.shown(connection, id, 0, ROWS, kept=True)
            kept = [shown.effect(each) for each in effects]
    choosing = found.state == "mapping" or (columns and found.state == "checked")
    return {
        "it": found,
        "zone": zone,
        "currency": currency,
        "choosing": choosing,
        "moving": found.state in WORKING,
        "state": STATES[found.state],
        "steps": STEPS,
        "fields": FIELDS,
        "attributes": ATTRIBUTES,
        "preset": PRESETS[found.preset],
        "places": _places(found),
        "samples": _samples(found),
        "kept": kept,
        "kept_words": KEPT,
    }


async def _found(request: Request, connection: Any, id: UUID) -> schemas.Import:
    found = await store.one(connection, id)
    if found is None:
        words = "取り込みが見つかりません。 There is no such import."
        raise Problem(404, "unknown-import", words)
    return await shown.shown(connection, request.app.state.rulebook, found)


def _places(found: schemas.Import) -> dict[int, str]:
    """What each column holds, by its place."""
    return {int(place): field for place, field in (found.choices or _NOTHING).columns.items()}


def _samples(found: schemas.Import) -> list[schemas.ImportRow]:
    """The first rows that are no headings."""
    headings = found.choices is not None and found.choices.has_headings
    return [row for row in found.first_rows if not (headings and row.number == 1)][:SAMPLES]


_NOTHING = schemas.ImportChoices(columns={})


async def terms(request: Request, connection: Any) -> tuple[ZoneInfo, str]:
    """The shop's time zone and currency."""
    rulebook = request.app.state.rulebook
    await rulebook.refresh(connection)
    if rulebook.empty:
        return ZoneInfo("Asia/Tokyo"), "JPY"
    program = rulebook.current().program
    return program.zone, program.currency
