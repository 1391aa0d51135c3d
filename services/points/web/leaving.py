"""Leaving, copies of all that is known of a member, and erasure; owner keys only."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, StringConstraints

from services.points.errors import NotConfirmed
from services.points.members import erasing, exporting, leaving
from services.points.staff import audit
from services.points.store import exports as store
from services.points.store.exports import Export
from services.points.web import naming, schemas, summary
from services.points.web.profiles import actor_of, refusals
from services.points.web.requests import keyed
from shared import clock
from shared.bus.handling import Connection
from shared.problems import Problem
from shared.web import schemas as common
from shared.web.acting import IdempotencyKey, audited
from shared.web.auth import Owner

router = APIRouter(prefix="/v1/members", tags=["members"])

Reason = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00]*$")]
_REFUSED: Any = {
    404: {"model": common.Problem, "description": "No such member, or no such export"},
    409: {
        "model": common.Problem,
        "description": "The member has left, was merged or erased",
    },
}


class Leave(BaseModel):
    """Why; for the shop's records only."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason | None = None


class Left(BaseModel):
    """A member who left; `points_lost` were those that could be spent or were pending."""

    member_id: UUID
    status: str
    points_lost: int
    left_at: datetime


class Erase(BaseModel):
    """`confirm` is the member's card number: what this does cannot be undone."""

    model_config = ConfigDict(extra="forbid")

    confirm: schemas.Text


class Erased(BaseModel):
    """A member of whom nothing personal is kept any more. A backup that is older than `erased_at`
    brings them back; `tamaru restore` erases them again."""

    member_id: UUID
    status: str
    points_lost: int
    erased_at: datetime


class ExportState(BaseModel):
    """How far a copy is: assembling, complete, or partial when a service (in `missing`) did not
    answer in time. It is kept for seven days."""

    id: UUID
    member_id: UUID
    status: str
    missing: list[str]
    asked_at: datetime


class ExportCopy(ExportState):
    """The copy: what each service knows, by its name; points' part has profile, entries with
    explanations, purchases, refunds, redemptions, ranks and merges, notify's messages and what the
    customer sent."""

    data: dict[str, Any]


@router.post("/{member_id}/leave", status_code=201, response_model=Left, responses=_REFUSED)
async def leave(
    request: Request, key: Owner, member_id: str, idem: IdempotencyKey, body: Leave | None = None
) -> Left:
    """Let a member leave for good: their points are lost, their card is refused from now on."""
    id, reason = naming.id_of(member_id), body.reason if body else None
    named = {"member": str(id), "reason": reason}
    async with keyed(request, key, idem, "leave", named) as act, refusals():
        if act.known is None:
            act.member_id = id
            rulebook = request.app.state.rulebook
            was = await _status(request, act.batch.connection, id)
            left = await leaving.leave(act.batch, rulebook, id, reason=reason, actor=actor_of(key))
            act.result = _noted(left.points_lost, left.left_at)
            _audit(request, id, was, "left", left.points_lost)
        points, at = _read(act.result)
    return Left(member_id=id, status="left", points_lost=points, left_at=at)


@router.post("/{member_id}/erasure", status_code=201, response_model=Erased, responses=_REFUSED)
async def erase(
    request: Request, key: Owner, member_id: str, body: Erase, idem: IdempotencyKey
) -> Erased:
    """Erase all that is personal of a member, who leaves first if they have not; it cannot be
    undone. The ledger's amounts stay, under an id that leads to nobody."""
    id = naming.id_of(member_id)
    named = {"member": str(id), "confirm": body.confirm}
    async with keyed(request, key, idem, "erasure", named) as act, refusals():
        if act.known is None:
            act.member_id = id
            rulebook = request.app.state.rulebook
            try:
                erased = await erasing.erase(
                    act.batch, rulebook, id, confirm=body.confirm, actor=actor_of(key)
                )
            except NotConfirmed:
                raise _not_confirmed() from None
            act.result = _noted(erased.points_lost, erased.erased_at)
            _audit(request, id, erased.was, "erased", erased.points_lost)
        points, at = _read(act.result)
    return Erased(member_id=id, status="left", points_lost=points, erased_at=at)


@router.post("/{member_id}/export", status_code=202, response_model=ExportState, responses=_REFUSED)
async def export(request: Request, key: Owner, member_id: str, idem: IdempotencyKey) -> ExportState:
    """Ask for a copy of all that is known of a member; fetch it under `exports/{id}`."""
    id = naming.id_of(member_id)
    async with keyed(request, key, idem, "export", {"member": str(id)}) as act:
        connection = act.batch.connection
        if act.known is None:
            if not await store.lineage(connection, id):
                raise naming.nobody()
            act.member_id, act.result = id, str(act.id)
            audited(request, f"member:{id}", before=None, after={"copy": "asked for"})
            await exporting.ask(act.batch, act.id, id, actor_of(key))
        return state_of(await found(connection, id, act.id))


@router.get("/{member_id}/exports/{export_id}", response_model=ExportCopy, responses=_REFUSED)
async def download(request: Request, key: Owner, member_id: str, export_id: str) -> JSONResponse:
    """The copy as far as it is; `data` stays empty while it is assembling."""
    async with request.app.state.process.pool.acquire() as connection:
        return copy_of(await found(connection, naming.id_of(member_id), _export_id(export_id)))


async def _status(request: Request, connection: Connection, id: UUID) -> str | None:
    there = await summary.members(connection, request.app.state.rulebook, [id])
    return there[0].status if there else None


def _audit(request: Request, id: UUID, was: str | None, status: str, lost: int) -> None:
    before, after = audit.of_gone(was, status, lost)
    audited(request, f"member:{id}", before=before, after=after)


async def found(connection: Connection, member: UUID, id: UUID) -> Export:
    """A member's export. Raises Problem 404."""
    export = await store.find(connection, member, id)
    if export is None:
        raise _no_export()
    return export


def state_of(export: Export) -> ExportState:
    """How far it is."""
    how = exporting.state(export, clock.now())
    return ExportState(
        id=export.id,
        member_id=export.member_id,
        status=how.status,
        missing=how.missing,
        asked_at=export.asked_at,
    )


def copy_of(export: Export) -> JSONResponse:
    """The copy as a file."""
    how = state_of(export)
    data = {} if how.status == "assembling" else export.parts
    name = f"tamaru-{export.member_id}.json"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
    }
    return JSONResponse({**how.model_dump(mode="json"), "data": data}, headers=headers)


def _noted(points: int, at: datetime) -> str:
    return f"{points} {at.isoformat()}"


def _read(noted: str | None) -> tuple[int, datetime]:
    points, _, at = (noted or "").partition(" ")
    return int(points), datetime.fromisoformat(at)


def _export_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise _no_export() from None


def _no_export() -> Problem:
    return Problem(
        404, "unknown-export", "There is no such export, or its seven days are over. Ask again."
    )


def _not_confirmed() -> Problem:
    return Problem(
        422,
        "not-confirmed",
        "消去は取り消せません。confirm に会員のカード番号を送ってください。 This cannot be undone: "
        'send {"confirm": "<the member\'s card number>"}.',
        errors=[("confirm", "is not the member's card number")],
    )
