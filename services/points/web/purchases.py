"""`GET /v1/purchases/{id}`: what became of a purchase. Posting one is the webhook service's."""

from uuid import UUID

from fastapi import APIRouter, Request

from services.points.store import refunds as refund_store
from services.points.store import views
from services.points.web import naming, refunds, schemas, summary
from shared.bus.handling import Connection
from shared.web.auth import Caller

router = APIRouter(prefix="/v1/purchases", tags=["purchases"])


@router.get(
    "/{purchase_id}", response_model=schemas.PurchaseState, response_model_exclude_none=True
)
async def one(request: Request, key: Caller, purchase_id: str) -> schemas.PurchaseState:
    """Its state, points, explanation and refunds; a genuine id that is still on its way is
    `accepted`."""
    id = refunds.id_of(purchase_id)
    async with request.app.state.process.pool.acquire() as connection:
        known = await refunds.request_of(request, connection, id)
        if known is None:
            return schemas.PurchaseState(
                id=id, status="accepted", refunds=await _waiting(connection, id)
            )
        id = known.id
        if known.member_id is None:
            return schemas.PurchaseState(
                id=id,
                status=known.status,
                detail=known.detail,
                refunds=await _waiting(connection, id),
            )
        row = await views.purchase(connection, known.member_id, id)
        if row is None:
            raise refunds.unknown()
        naming.require_store(key, row["store"])
        found = await summary.members(connection, request.app.state.rulebook, [known.member_id])
        done = await refund_store.of_purchase(connection, known.member_id, id)
    return schemas.PurchaseState(
        id=id,
        status="awarded",
        points=schemas.PurchasePoints(
            earned=row["points"],
            balance=found[0].points.balance,
            pending=found[0].points.pending,
            taken_back=row["points_back"],
            returned=row["points_returned"],
        ),
        rank=found[0].rank,
        explanation=summary.explanation("earn", "purchase", row["points"], row["explanation"]),
        refunded=row["refunded"],
        remaining=row["total"] - row["refunded"],
        refunds=[refunds.listed(each) for each in done],
    )


async def _waiting(connection: Connection, id: UUID) -> list[schemas.PurchaseRefund] | None:
    waiting = await refund_store.waiting(connection, id)
    return [refunds.listed_waiting(each) for each in waiting] or None
