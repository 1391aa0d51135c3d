"""`GET /v1/purchases/{id}`: what became of a purchase. Posting one is the webhook service's."""

from uuid import UUID

from fastapi import APIRouter, Request

from services.points.store import requests, views
from services.points.web import schemas, summary
from services.points.web.auth import Caller
from shared.problems import Problem
from shared.purchase_id import is_genuine

router = APIRouter(prefix="/v1/purchases", tags=["purchases"])


@router.get(
    "/{purchase_id}", response_model=schemas.PurchaseState, response_model_exclude_none=True
)
async def one(request: Request, key: Caller, purchase_id: str) -> schemas.PurchaseState:
    """Its state, points and explanation; a genuine id that has not arrived yet is `accepted`."""
    id = _id(purchase_id)
    async with request.app.state.process.pool.acquire() as connection:
        known = (await requests.find(connection, [id])).get(id)
        if known is None:
            secret = request.app.state.settings.purchase_id_key.get_secret_value()
            if not is_genuine(secret.encode(), id):
                raise _unknown()
            return schemas.PurchaseState(id=id, status="accepted")
        if known.member_id is None:
            return schemas.PurchaseState(id=id, status=known.status, detail=known.detail)
        row = await views.purchase(connection, known.member_id, id)
        if row is None:
            raise _unknown()
        found = await summary.members(connection, request.app.state.rulebook, [known.member_id])
    return schemas.PurchaseState(
        id=id,
        status="awarded",
        points=schemas.PurchasePoints(
            earned=row["points"], balance=found[0].points.balance, pending=found[0].points.pending
        ),
        rank=found[0].rank,
        explanation=summary.explanation("earn", "purchase", row["points"], row["explanation"]),
    )


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise _unknown() from None


def _unknown() -> Problem:
    return Problem(404, "unknown-purchase", "No purchase has this id. Check the id you were given.")
