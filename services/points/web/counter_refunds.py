"""Refunds at the counter: purchases of the store, of tills too, found and given back."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request

from services.points.errors import NotRefundable
from services.points.purchases import refunding, service
from services.points.purchases.refund_case import Order
from services.points.rules.refunds import Wanted
from services.points.store import counter_acts as store
from services.points.store import requests, views
from services.points.web import counter_schemas as schemas
from services.points.web import counter_serving as serving
from services.points.web import naming, refunds
from services.points.web.requests import Act, keyed
from services.points.web.schemas import Text
from shared import clock
from shared.api_keys import Key
from shared.bus.handling import Connection
from shared.web.acting import IdempotencyKey
from shared.web.auth import Caller, Writer

router = APIRouter(prefix="/v1/counter", tags=["counter"])

RECEIPTS = timedelta(days=7)
"""A receipt is looked for this far back."""

MOST_SALES = 50


@router.post("/refunds", status_code=201, response_model=schemas.CounterResult)
async def refund(
    request: Request, key: Writer, body: schemas.CounterRefund, idem: IdempotencyKey
) -> schemas.CounterResult:
    """A refund of a purchase of this store, whole or by amount, until nothing is left."""
    async with keyed(request, key, idem, "counter.refund", body) as act:
        if act.known is None:
            await _refund(request, key, act, body)
        return await serving.result(request, act.batch.connection, key, act)


@router.get("/purchases", response_model=schemas.SalePage)
async def sales(
    request: Request,
    key: Caller,
    at: Annotated[Text | None, Query(alias="store")] = None,
    receipt: Text | None = None,
    member: Text | None = None,
) -> schemas.SalePage:
    """Purchases of the store that could be refunded: of today (of a member), or of the last seven
    days by the receipt's number. Those of tills are here too."""
    id = naming.id_of(member) if member else None
    async with request.app.state.process.pool.acquire() as connection:
        code = await serving.where(connection, key, at)
        return await sales_of(request, connection, code, receipt, id)


async def sales_of(
    request: Request,
    connection: Connection,
    code: str,
    receipt: str | None,
    member: UUID | None = None,
) -> schemas.SalePage:
    """The same for a store that the caller may see."""
    rulebook = request.app.state.rulebook
    await serving.require_program(rulebook, connection)
    since, until = service.today(clock.now(), rulebook.current().program.zone)
    span = (since - RECEIPTS if receipt else since, until)
    rows = await store.purchases(connection, code, span, receipt, member, MOST_SALES)
    return schemas.SalePage(items=[_sale(row) for row in rows])


def _sale(row: Any) -> schemas.Sale:
    return schemas.Sale(
        id=row["id"],
        member=serving.act_member(row["member_id"], row["name"], row["card"]),
        occurred_at=row["occurred_at"],
        total=row["total"],
        remaining=row["remaining"],
        points=row["points"] - row["points_back"],
        receipt=row["receipt"],
    )


async def _refund(request: Request, key: Key, act: Act, body: schemas.CounterRefund) -> None:
    connection = act.batch.connection
    code = await serving.where(connection, key, body.store)
    id = refunds.id_of(body.purchase)
    known = (await requests.find(connection, [id])).get(id)
    if known is None or known.kind != "purchase" or known.member_id is None:
        raise refunds.unknown()
    bought = await views.purchase(connection, known.member_id, id)
    if bought is None or bought["store"] != code:
        raise refunds.unknown()
    act.member_id, act.result = known.member_id, str(act.id)
    order = Order(act.id, key.actor, Wanted(amount=body.amount))
    try:
        done = await refunding.refund(act.batch, request.app.state.rulebook, known, order)
    except NotRefundable as problem:
        raise refunds.refused(problem) from None
    assert done is not None  # noqa: S101 - the purchase is there
    await serving.note(
        request,
        key,
        act,
        "refund",
        code,
        "purchase",
        purchase_id=id,
        amount=done.amount,
        points=-done.points_taken_back,
        used=-done.points_returned,
    )
