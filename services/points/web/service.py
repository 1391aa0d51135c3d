"""`/v1/members/{id}/service-points`: points that staff give with a reason."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from services.points.errors import ServiceRefused
from services.points.purchases import service
from services.points.purchases.service import Wish
from services.points.store import views
from services.points.web import naming, schemas, summary
from services.points.web.requests import keyed
from services.points.web.schemas import Text
from shared.problems import Problem, invalid
from shared.web.acting import IdempotencyKey, audited
from shared.web.auth import Writer

router = APIRouter(prefix="/v1/members", tags=["members"])


class ServicePoints(BaseModel):
    """Points to give, or the id of a service rule of the program; why; in which store."""

    model_config = ConfigDict(extra="forbid")

    points: Annotated[int, Field(strict=True, ge=1, le=1_000_000_000)] | None = None
    rule: Text | None = None
    reason: Text | None = None
    store: Text | None = None


class Given(BaseModel):
    """What was given; `id` is the ledger entry's."""

    id: UUID
    points: int
    balance: int
    pending: int
    explanation: schemas.Explanation


@router.post("/{member_id}/service-points", status_code=201, response_model=Given)
async def give(
    request: Request, key: Writer, member_id: str, body: ServicePoints, idem: IdempotencyKey
) -> Given:
    """Give service points, such as for a rainy day; done when answered. They count for ranks. A
    till may give what `service` in the program allows, an owner key any number."""
    _require_sense(body)
    id = naming.id_of(member_id)
    named = {"member": str(id), **body.model_dump()}
    async with keyed(request, key, idem, "service", named) as act:
        connection = act.batch.connection
        if act.known is None:
            if body.store is not None:
                await naming.store(connection, key, body.store)
            if not await summary.members(connection, request.app.state.rulebook, [id]):
                raise naming.nobody()
            act.member_id = id
            wish = Wish(
                body.points, body.rule, body.reason, body.store or key.store, key.kind != "owner"
            )
            try:
                act.result = await service.give(
                    act.batch, request.app.state.rulebook, id, wish, cause=act.id, actor=key.actor
                )
            except ServiceRefused as refused:
                raise Problem(422, "service-points-refused", f"{refused}.") from None
        entry = await views.entry(connection, id, UUID(act.result))
        member = (await summary.members(connection, request.app.state.rulebook, [id]))[0]
        given = {"points": entry["amount"], "rule": body.rule}
        audited(request, f"member:{id}", before=None, after=given)
    return Given(
        id=entry["id"],
        points=entry["amount"],
        balance=member.points.balance,
        pending=member.points.pending,
        explanation=summary.explanation(
            "earn", service.SERVICE, entry["amount"], entry["explanation"]
        ),
    )


def _require_sense(body: ServicePoints) -> None:
    if (body.points is None) == (body.rule is None):
        raise invalid([("points", "give either points or the id of a service rule")])
    if body.rule is None and not body.reason:
        raise invalid([("reason", "say why; the customer reads it")])
