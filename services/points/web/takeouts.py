"""`/v1/exports`: everything that the shop's points service keeps, as a ZIP."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from services.points.nights.retention import TAKEOUTS_KEPT
from services.points.store import takeouts as store
from services.points.store.takeouts import Takeout
from services.points.web import imports_schemas as schemas
from services.points.web.requests import keyed
from shared import clock
from shared.bus.handling import Connection
from shared.problems import Problem
from shared.web import schemas as common
from shared.web.acting import IdempotencyKey, acting, audited
from shared.web.auth import OwnerOnly

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    404: {"model": common.Problem, "description": "No such export"},
    409: {"model": common.Problem, "description": "It is not finished, or the key was used"},
}
router = APIRouter(prefix="/v1/exports", tags=["exports"], responses=_PROBLEMS)
SHOWN = 50
ZIP: Any = {
    200: {
        "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
        "description": "The file",
    }
}


@router.post("", status_code=202, response_model=schemas.Takeout)
async def ask(request: Request, key: OwnerOnly, idem: IdempotencyKey) -> schemas.Takeout:
    """Ask for a copy of everything, of one moment. It is written in the background and kept for 7
    days."""
    async with keyed(request, key, idem, "takeout", {}) as act:
        if act.known is None:
            await store.add(act.batch.connection, act.id, key.actor, clock.now())
            audited(request, f"export:{act.id}", before=None, after={"status": "asked for"})
        return shown(await _found(act.batch.connection, act.id))


@router.get("", response_model=schemas.TakeoutPage)
async def listed(request: Request, key: OwnerOnly) -> schemas.TakeoutPage:
    """The last copies, newest first."""
    async with request.app.state.process.pool.acquire() as connection:
        items = [shown(each) for each in await store.latest(connection, SHOWN)]
    return schemas.TakeoutPage(items=items)


@router.get("/{id}", response_model=schemas.Takeout)
async def one(request: Request, key: OwnerOnly, id: UUID) -> schemas.Takeout:
    """A copy, however far it is."""
    async with request.app.state.process.pool.acquire() as connection:
        return shown(await _found(connection, id))


@router.get("/{id}/file", response_class=StreamingResponse, responses=ZIP)
async def file(request: Request, key: OwnerOnly, id: UUID) -> StreamingResponse:
    """The ZIP: CSV for spreadsheets, JSON lines for machines."""
    async with acting(request) as batch:
        found = await _found(batch.connection, id)
        if found.status != "done":
            words = "まだ準備中です。 It is not finished. GET it until its status is done."
            raise Problem(409, "not-finished", words)
        audited(request, f"export:{id}", before=None, after={"status": "downloaded"})
    pool = request.app.state.process.pool
    name = f"tamaru-{found.taken_at or found.asked_at:%Y%m%d-%H%M}.zip"
    return StreamingResponse(
        store.parts(pool, id),
        media_type="application/zip",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Length": str(found.size),
            "Cache-Control": "no-store",
        },
    )


@router.delete("/{id}", response_model=schemas.Takeout)
async def cancel(request: Request, key: OwnerOnly, id: UUID) -> schemas.Takeout:
    """Take a copy back, or delete the file of one that is done."""
    async with acting(request) as batch:
        before = await _found(batch.connection, id)
        await store.cancel(batch.connection, id, clock.now())
        audited(
            request,
            f"export:{id}",
            before={"status": before.status},
            after={"status": "cancelled"},
        )
        return shown(await _found(batch.connection, id))


async def _found(connection: Connection, id: UUID) -> Takeout:
    found = await store.one(connection, id)
    if found is None:
        words = "There is no such export. GET /v1/exports lists them."
        raise Problem(404, "unknown-export", words)
    return found


def shown(found: Takeout) -> schemas.Takeout:
    """A copy as the API shows it."""
    return schemas.Takeout(
        id=found.id,
        status=found.status,
        section=found.section,
        rows=found.rows,
        size=found.size,
        taken_at=found.taken_at,
        asked_by=found.asked_by,
        asked_at=found.asked_at,
        finished_at=found.finished_at,
        kept_until=found.asked_at + TAKEOUTS_KEPT,
    )
