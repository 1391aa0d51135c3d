"""`/v1/members`: look-ups, members without LINE, ledger rows, adjustments by the owner."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request

from services.points.accounts import adjusting
from services.points.members import joining
from services.points.store import views
from services.points.web import naming, schemas, summary
from services.points.web.requests import keyed
from shared.problems import Problem
from shared.web.acting import IdempotencyKey, audited
from shared.web.auth import Caller, Owner, Writer

router = APIRouter(prefix="/v1/members", tags=["members"])

Limit = Annotated[int, Query(ge=1, le=200)]


@router.get("/lookup", response_model=schemas.Member)
async def lookup(
    request: Request,
    key: Caller,
    card: schemas.Text | None = None,
    qr: schemas.Text | None = None,
    phone: schemas.Text | None = None,
    external_id: schemas.Text | None = None,
    line_user_id: schemas.Text | None = None,
) -> schemas.Member:
    """The member that exactly one of the parameters names (line_user_id: owner keys only)."""
    given = {
        "card": card,
        "qr": qr,
        "phone": phone,
        "external_id": external_id,
        "line_user_id": line_user_id,
    }
    named = {name: value for name, value in given.items() if value is not None}
    if len(named) != 1:
        raise Problem(400, "one-reference", f"Give exactly one of {', '.join(given)}.")
    if line_user_id is not None and key.kind != "owner":
        raise Problem(403, "owner-only", "Only an owner key may look up by line_user_id.")
    async with request.app.state.process.pool.acquire() as connection:
        member = await naming.member(request, connection, key, naming.MemberName(**named))
        return await _one(request, connection, member)


@router.post("", status_code=201, response_model=schemas.Member)
async def create(
    request: Request, key: Writer, body: schemas.NewMember, idem: IdempotencyKey
) -> schemas.Member:
    """A member without LINE yet, to be linked later. 409 when the name is somebody's already."""
    if body.external_id is None and body.phone is None:
        raise Problem(422, "no-name", "Give external_id, phone or both.")
    async with keyed(request, key, idem, "member", body) as act:
        if act.known is None:
            act.member_id = await joining.join(
                act.batch, request.app.state.awards, request.app.state.enrolment, body
            )
            given = {"given": sorted(body.model_dump(exclude_none=True))}
            audited(request, f"member:{act.member_id}", before=None, after=given)
        return await _one(request, act.batch.connection, act.subject)


@router.get("/{member_id}", response_model=schemas.Member)
async def one(request: Request, key: Caller, member_id: str) -> schemas.Member:
    """A member."""
    async with request.app.state.process.pool.acquire() as connection:
        return await _one(request, connection, naming.id_of(member_id))


@router.get("/{member_id}/entries", response_model=schemas.EntryPage)
async def entries(
    request: Request,
    key: Caller,
    member_id: str,
    before: Annotated[UUID | None, Query(alias="cursor")] = None,
    limit: Limit = 50,
) -> schemas.EntryPage:
    """Ledger rows, newest first; `cursor` is the `next` of the page before."""
    async with request.app.state.process.pool.acquire() as connection:
        member = await _one(request, connection, naming.id_of(member_id))
        rows = await views.entries(connection, member.id, before or views.NEWEST, limit)
    following = str(rows[-1]["id"]) if len(rows) == limit else None
    return schemas.EntryPage(items=[_entry(row) for row in rows], next=following)


@router.post("/{member_id}/adjustments", status_code=201, response_model=schemas.Adjusted)
async def adjust(
    request: Request, key: Owner, member_id: str, body: schemas.Adjustment, idem: IdempotencyKey
) -> schemas.Adjusted:
    """Add or take points by hand, with a reason; done when answered. Never below zero."""
    id = naming.id_of(member_id)
    if body.points == 0:
        raise Problem(422, "no-points", "Give points above or below zero.")
    named = {"member": str(id), **body.model_dump()}
    async with keyed(request, key, idem, "adjustment", named) as act:
        if act.known is None:
            await _one(request, act.batch.connection, id)
            act.member_id = id
            act.result = await adjusting.adjust(
                act.batch,
                request.app.state.rulebook,
                member_id=id,
                points=body.points,
                reason=body.reason,
                cause=act.id,
                actor=key.actor,
            )
        member = await _one(request, act.batch.connection, id)
        balance = member.points.balance
        before, after = {"balance": balance - body.points}, {"balance": balance}
        audited(request, f"member:{id}", before=before, after=after)
    return schemas.Adjusted(id=UUID(act.result), points=body.points, balance=member.points.balance)


async def _one(request: Request, connection: Any, id: UUID) -> schemas.Member:
    found = await summary.members(connection, request.app.state.rulebook, [id])
    if not found:
        raise naming.nobody()
    return found[0]


def _entry(row: Any) -> schemas.Entry:
    fields = dict(row)
    facts = fields.pop("explanation")
    words = summary.explanation(row["kind"], row["source"], row["amount"], facts)
    return schemas.Entry(**fields, explanation=words)
