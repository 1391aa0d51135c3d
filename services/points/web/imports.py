"""`/v1/imports`: members and balances that a shop brings along, from a file to the ledger."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from services.points.errors import NotNow
from services.points.imports import intake, report, steps
from services.points.imports.choices import BadChoice, Choices
from services.points.store import import_effects, import_rows
from services.points.store import imports as store
from services.points.store.imports import Import
from services.points.web import imports_schemas as schemas
from services.points.web import imports_shown as shown
from services.points.web.requests import keyed
from shared import clock
from shared.api_keys import Key
from shared.bus.handling import Connection
from shared.problems import Problem
from shared.web import schemas as common
from shared.web.acting import IdempotencyKey, acting, audited
from shared.web.auth import OwnerOnly

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    404: {"model": common.Problem, "description": "No such import"},
    409: {"model": common.Problem, "description": "It is at another step, or the key was used"},
}
router = APIRouter(prefix="/v1/imports", tags=["imports"], responses=_PROBLEMS)
FILE: Any = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}}
            for kind in ("text/csv", "application/octet-stream")
        },
    }
}
_CSV: Any = {
    200: {
        "content": {"text/csv": {"schema": {"type": "string", "format": "binary"}}},
        "description": "The rows",
    }
}
_TOO_LARGE: Any = {413: {"model": common.Problem, "description": "More than 20 MB"}}
FileName = Annotated[str, Query(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f/\\]+$")]
PresetName = Annotated[
    Literal["line_shop_card", "paper_card", "other"],
    Query(description="What the shop had."),
]
Fates = Annotated[list[Literal["new", "matched", "skipped", "bad"]] | None, Query()]
After = Annotated[int, Query(ge=0, le=2**31 - 1, alias="cursor")]
Limit = Annotated[int, Query(ge=1, le=500)]


@router.post(
    "", status_code=202, response_model=schemas.Import, openapi_extra=FILE, responses=_TOO_LARGE
)
async def send(
    request: Request,
    key: OwnerOnly,
    idem: IdempotencyKey,
    file_name: FileName = "import.csv",
    preset: PresetName = "other",
) -> schemas.Import:
    """Send a CSV file (UTF-8, Shift_JIS or UTF-16; comma, tab or semicolon) as the body. It is read
    in the background; GET it, choose the columns, then check it."""
    pool = request.app.state.process.pool
    try:
        sent = await intake.take(pool, request.stream())
    except intake.TooLarge:
        words = "ファイルは20MBまでです。分けて送ってください。 A file has at most 20 MB."
        raise Problem(413, "too-large", words) from None
    if not sent.size:
        words = "ファイルが空です。 The file is empty."
        raise Problem(422, "empty-file", words)
    named = {"file_name": file_name, "preset": preset, "sha256": sent.sha256}
    new = False
    try:
        async with keyed(request, key, idem, "import", named) as act:
            if act.known is None:
                await store.add(
                    act.batch.connection,
                    act.id,
                    upload=sent.upload,
                    size=sent.size,
                    sha256=sent.sha256,
                    file_name=file_name,
                    preset=preset,
                    by=key.actor,
                    now=clock.now(),
                )
                new = True
                told = {"preset": preset, "size": sent.size}
                audited(request, f"import:{act.id}", before=None, after=told)
            return await _shown(request, act.batch.connection, act.id)
    finally:
        if not new:
            await store.drop_chunks(pool, sent.upload)


@router.get("", response_model=schemas.ImportPage)
async def listed(
    request: Request, key: OwnerOnly, cursor: UUID | None = None, limit: Limit = 50
) -> schemas.ImportPage:
    """Imports, newest first; `cursor` is the `next` of the page before."""
    async with request.app.state.process.pool.acquire() as connection:
        before = (datetime.max.replace(tzinfo=UTC), UUID(int=0))
        if cursor is not None:
            last = await _found(connection, cursor)
            before = (last.asked_at, last.id)
        page = await store.latest(connection, before, limit)
        items = [await shown.shown(connection, request.app.state.rulebook, each) for each in page]
    return schemas.ImportPage(items=items, next=str(page[-1].id) if len(page) == limit else None)


@router.get("/{id}", response_model=schemas.Import)
async def one(request: Request, key: OwnerOnly, id: UUID) -> schemas.Import:
    """An import, however far it is."""
    async with request.app.state.process.pool.acquire() as connection:
        return await _shown(request, connection, id)


@router.post("/{id}/check", status_code=202, response_model=schemas.Import)
async def check(
    request: Request, key: OwnerOnly, id: UUID, body: schemas.ImportChoices, idem: IdempotencyKey
) -> schemas.Import:
    """The dry run with these choices: what would become of each row. Writes nothing else."""
    async with _step(request, key, idem, "check", id, body.model_dump()) as (connection, found):
        if found is not None:
            await steps.check(connection, found, msgspec.convert(body.model_dump(), Choices))
        return await _shown(request, connection, id)


@router.post("/{id}/run", status_code=202, response_model=schemas.Import)
async def run(request: Request, key: OwnerOnly, id: UUID, idem: IdempotencyKey) -> schemas.Import:
    """Run it as the dry run showed it; one that stopped goes on where it was. Each row has its
    effect once. Customers are not told."""
    async with _step(request, key, idem, "run", id, {}) as (connection, found):
        if found is not None:
            await steps.run(connection, found)
        return await _shown(request, connection, id)


@router.post("/{id}/pause", status_code=202, response_model=schemas.Import)
async def pause(request: Request, key: OwnerOnly, id: UUID, idem: IdempotencyKey) -> schemas.Import:
    """Stop it where it is. What is done stays (`/effects` says which rows); run it to go on."""
    async with _step(request, key, idem, "pause", id, {}) as (connection, found):
        if found is not None:
            await steps.pause(connection, found)
        return await _shown(request, connection, id)


@router.post("/{id}/undo", status_code=202, response_model=schemas.Import)
async def undo(
    request: Request, key: OwnerOnly, id: UUID, body: schemas.Undoing, idem: IdempotencyKey
) -> schemas.Import:
    """Undo what it did. Where points of it were spent: 409, unless those rows may be kept."""
    async with _step(request, key, idem, "undo", id, body.model_dump()) as (connection, found):
        if found is not None:
            await steps.undo(connection, found, body.spent)
        return await _shown(request, connection, id)


@router.delete("/{id}/contents", status_code=204, response_class=Response)
async def discard(request: Request, key: OwnerOnly, id: UUID) -> None:
    """Delete what the rows hold; else it goes 30 days after the last step. What was done stays."""
    async with acting(request) as batch, _refusals():
        await steps.discard(batch.connection, await _locked(batch.connection, id))
        before, after = {"contents": "kept"}, {"contents": "deleted"}
        audited(request, f"import:{id}", before=before, after=after)


@router.get("/{id}/rows", response_model=schemas.ImportVerdictPage)
async def verdicts(
    request: Request,
    key: OwnerOnly,
    id: UUID,
    fate: Fates = None,
    noted: bool = False,
    after: After = 0,
    limit: Limit = 100,
) -> schemas.ImportVerdictPage:
    """What the dry run says row by row; `noted`: only what was read otherwise than it stands."""
    async with request.app.state.process.pool.acquire() as connection:
        await _found(connection, id)
        page = await import_rows.shown(connection, id, after, limit, fates=fate, noted=noted)
    return schemas.ImportVerdictPage(
        items=[shown.verdict(each) for each in page], next=_next(page, limit)
    )


@router.get("/{id}/effects", response_model=schemas.ImportEffectPage)
async def done(
    request: Request,
    key: OwnerOnly,
    id: UUID,
    fate: Fates = None,
    after: After = 0,
    limit: Limit = 100,
) -> schemas.ImportEffectPage:
    """What was done row by row."""
    async with request.app.state.process.pool.acquire() as connection:
        await _found(connection, id)
        page = await import_effects.shown(connection, id, after, limit, fates=fate)
    return schemas.ImportEffectPage(
        items=[shown.effect(each) for each in page], next=_next(page, limit)
    )


@router.get("/{id}/errors.csv", response_class=StreamingResponse, responses=_CSV)
async def errors(request: Request, key: OwnerOnly, id: UUID) -> StreamingResponse:
    """The rows that cannot be taken in, as they were sent, each with what is wrong: to correct and
    to send again."""
    pool = request.app.state.process.pool
    async with pool.acquire() as connection:
        found = await _found(connection, id)
    return StreamingResponse(
        report.errors(pool, found),
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": 'attachment; filename="errors.csv"',
            "Cache-Control": "no-store",
        },
    )


@asynccontextmanager
async def _step(
    request: Request, key: Key, idem: str, kind: str, id: UUID, body: dict[str, Any]
) -> AsyncIterator[tuple[Connection, Import | None]]:
    """The transaction of a step, with the import locked; None when the key named this before."""
    named = {"import": str(id), **body}
    async with keyed(request, key, idem, f"import-{kind}", named) as act, _refusals():
        found = await _locked(act.batch.connection, id)
        yield act.batch.connection, found if act.known is None else None
        told = {"state": found.state}, {"state": (await _found(act.batch.connection, id)).state}
        audited(request, f"import:{id}", before=told[0], after=told[1])


@asynccontextmanager
async def _refusals() -> AsyncIterator[None]:
    try:
        yield
    except NotNow as refused:
        raise Problem(409, refused.kind, str(refused)) from None
    except BadChoice as refused:
        text = str(refused)
        raise Problem(422, "invalid", text, errors=[(refused.path, text)]) from None


async def _shown(request: Request, connection: Connection, id: UUID) -> schemas.Import:
    found = await _found(connection, id)
    return await shown.shown(connection, request.app.state.rulebook, found)


async def _found(connection: Connection, id: UUID) -> Import:
    found = await store.one(connection, id)
    if found is None:
        raise _unknown()
    return found


async def _locked(connection: Connection, id: UUID) -> Import:
    found = await store.lock(connection, id)
    if found is None:
        raise _unknown()
    return found


def _unknown() -> Problem:
    words = "There is no such import. GET /v1/imports lists them."
    return Problem(404, "unknown-import", words)


def _next(page: Sequence[Any], limit: int) -> str | None:
    return str(page[-1].number) if len(page) == limit else None
