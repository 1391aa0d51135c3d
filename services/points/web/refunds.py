"""`POST /v1/purchases/{id}/refunds`: an amount, lines, or all that is left; done when answered."""

from collections import Counter
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.points.errors import NotRefundable
from services.points.purchases import refunding
from services.points.purchases.refund_case import Order, redemption_id
from services.points.purchases.refunding import NOT_YET
from services.points.rules.purchase import Purchase
from services.points.rules.refunds import Wanted
from services.points.store import redemptions as redemption_store
from services.points.store import refunds as store
from services.points.store import requests
from services.points.store.refunds import Kept, Stored, Waiting
from services.points.store.requests import Known
from services.points.web import naming, schemas, summary
from services.points.web.requests import Act, keyed
from shared.api_keys import Key
from shared.bus.handling import Connection
from shared.keys import Keys
from shared.problems import Problem
from shared.purchase_id import is_genuine, under
from shared.web import schemas as common
from shared.web.acting import IdempotencyKey, audited
from shared.web.auth import Writer

router = APIRouter(prefix="/v1/purchases", tags=["purchases"])

Status = Literal["accepted", "done", "rejected"]
Money = Annotated[int, Field(strict=True, ge=1, le=1_000_000_000_000)]
Quantity = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]


class ReturnedLine(BaseModel):
    """Units of a line that come back, of lines with the same SKU the first ones first."""

    model_config = ConfigDict(extra="forbid")

    sku: schemas.Text
    quantity: Quantity


class NewRefund(BaseModel):
    """`amount` (minor units, goods stay) or `lines`; neither is all that is left."""

    model_config = ConfigDict(extra="forbid")

    amount: Money | None = None
    lines: Annotated[list[ReturnedLine], Field(min_length=1, max_length=1000)] | None = None


class Note(BaseModel):
    """Something that was left alone, and what to do about it."""

    redemption: str
    text: dict[str, str]


class Refund(BaseModel):
    """What a refund did. `status` is accepted while the purchase has not been processed.

    `points_taken_back` and `points_returned` (spent on the purchase) are this refund's, `refunded`
    and `remaining` the purchase's money (minor units), `balance` the member's now.
    """

    id: UUID
    status: Status
    points_taken_back: int | None = None
    points_returned: int | None = None
    balance: int | None = None
    refunded: int | None = None
    remaining: int | None = None
    notes: list[Note] | None = None


_DESCRIBED: dict[int | str, dict[str, Any]] = {
    202: {"model": Refund, "description": "Kept; done right after the purchase is processed"},
    400: {
        "model": common.Problem,
        "description": "Malformed, or without an Idempotency-Key",
    },
    404: {"model": common.Problem, "description": "No such purchase"},
    409: {"model": common.Problem, "description": "The key was used with another body"},
}


@router.post(
    "/{purchase_id}/refunds",
    status_code=201,
    response_model=Refund,
    response_model_exclude_none=True,
    responses=_DESCRIBED,
)
async def refund(
    request: Request,
    response: Response,
    key: Writer,
    purchase_id: str,
    body: NewRefund,
    idem: IdempotencyKey,
) -> Refund:
    """Take back what a refund takes; repeatable until nothing is left. 422 says what is left."""
    wanted = _wanted(body)
    id = id_of(purchase_id)
    named = {"purchase": str(id), **body.model_dump()}
    async with keyed(request, key, idem, "refund", named) as act:
        known = await _purchase(request, act.batch.connection, id)
        id = known.id if known is not None else id
        if act.known is None:
            await _require_store(act.batch.connection, key, known, id)
            await _do(request, act, known, id, Order(act.id, key.actor, wanted))
            given = {"purchase": str(id), "amount": body.amount, "lines": len(body.lines or ())}
            target = f"member:{act.member_id}" if act.member_id else f"purchase:{id}"
            audited(request, target, before=None, after=given)
        if act.status == "rejected":
            raise Problem(422, "refund-rejected", act.result or "The refund was rejected.")
        if act.status == "accepted" or known is None or known.member_id is None:
            response.status_code = 202
            return Refund(id=act.id, status="accepted")
        return await _answer(request, act.batch.connection, known.member_id, id, act.id)


async def _require_store(
    connection: Connection, key: Key, known: Known | None, purchase: UUID
) -> None:
    """Who is signed in refunds what was bought at a store of theirs."""
    if key.role is None:
        return
    if known is None or known.member_id is None:
        _require_every_store(key)
        return
    kept = await store.kept(connection, known.member_id, purchase)
    if kept is not None:
        naming.require_store(key, msgspec.json.decode(kept.purchase).get("store"))


def _require_every_store(key: Key) -> None:
    """Of what is on its way nobody can tell the store yet."""
    if key.role == "staff" or key.stores is not None:
        raise Problem(
            409,
            "not-yet",
            "このお買い上げはまだ処理中です。少し待ってからもう一度お試しください。"
            " This purchase has not been processed, so its store is not known. Try again shortly.",
        )


async def _do(
    request: Request, act: Act, known: Known | None, purchase: UUID, order: Order
) -> None:
    """Do it or keep it; 422 where neither can be."""
    if known is None or known.status in NOT_YET:
        act.status = "accepted"
        await refunding.wait(act.batch, purchase, order)
        return
    if known.member_id is None:
        detail = known.detail or "It earned no points, so there are none to take back."
        raise Problem(422, "purchase-rejected", f"This purchase was rejected. {detail}")
    act.member_id = known.member_id
    try:
        done = await refunding.refund(act.batch, request.app.state.rulebook, known, order)
    except NotRefundable as problem:
        raise refused(problem) from None
    if done is None:
        raise unknown()


async def _purchase(request: Request, connection: Connection, id: UUID) -> Known | None:
    """The purchase's request; None for a genuine id that has not arrived yet. Raises 404."""
    known = await request_of(request, connection, id)
    if known is not None and known.kind != "purchase":
        raise unknown()
    return known


async def request_of(request: Request, connection: Connection, id: UUID) -> Known | None:
    """What an id names; None for a purchase's genuine id that has not arrived yet. Raises 404.

    While its key changes a purchase may have been told under two ids: it is kept under the older.
    """
    keys: Keys[bytes] = request.app.state.settings.purchase_keys
    ids = [id] if keys.old is None else [id, under(keys.old, id)]
    known = await requests.find(connection, ids)
    for each in ids:
        if each in known:
            return known[each]
    if not any(is_genuine(key, id) for key in keys.all):
        raise unknown()
    return None


async def _answer(
    request: Request, connection: Connection, member: UUID, purchase: UUID, refund: UUID
) -> Refund:
    kept = await store.kept(connection, member, purchase)
    done = await store.of_purchase(connection, member, purchase)
    this = next((each for each in done if each.id == refund), None)
    if kept is None or this is None:
        raise unknown()
    found = await summary.members(connection, request.app.state.rulebook, [member])
    return Refund(
        id=refund,
        status="done",
        points_taken_back=this.points_taken_back,
        points_returned=this.points_returned,
        balance=found[0].points.balance,
        refunded=kept.refunded,
        remaining=kept.total - kept.refunded,
        notes=await _notes(connection, kept) or None,
    )


async def _notes(connection: Connection, kept: Kept) -> list[Note]:
    """Redemptions that the purchase names and that no points came back of."""
    payments = msgspec.json.decode(kept.purchase, type=Purchase).payments
    notes = []
    for name in dict.fromkeys(each.redemption for each in payments if each.redemption):
        id = redemption_id(name)
        found = await redemption_store.find(connection, kept.member_id, id) if id else None
        if found is None or found.status != "captured":
            notes.append(Note(redemption=name, text=_why(found.status if found else None)))
    return notes


def _why(status: str | None) -> dict[str, str]:
    if status is None:
        return {
            "ja": "この会員のポイント利用に該当するものがないため、ポイントは戻していません。",
            "en": "The member has no redemption with this id, so no points came back of it.",
        }
    if status == "authorised":
        return {
            "ja": "ポイントの利用が確定していません。取り消し(void)すると元に戻ります。",
            "en": "The redemption only holds points. Void it to let them go.",
        }
    return {
        "ja": "ポイントの利用は取り消し済みのため、戻すポイントはありません。",
        "en": "The redemption was let go, so there are no points to return.",
    }


def listed(done: Stored) -> schemas.PurchaseRefund:
    """A refund as the purchase lists it."""
    lines = [
        schemas.RefundedLine(sku=each["sku"], quantity=each["quantity"])
        for each in msgspec.json.decode(done.lines or "[]")
    ]
    return schemas.PurchaseRefund(
        id=done.id,
        status="done",
        amount=done.amount,
        lines=lines or None,
        points_taken_back=done.points_taken_back,
        points_returned=done.points_returned,
        refunded_at=done.refunded_at,
    )


def listed_waiting(waiting: Waiting) -> schemas.PurchaseRefund:
    """The same of one that waits for the purchase."""
    return schemas.PurchaseRefund(id=waiting.id, status="accepted")


def _wanted(body: NewRefund) -> Wanted:
    if body.amount is not None and body.lines is not None:
        raise Problem(
            422,
            "amount-or-lines",
            "Give amount, or lines, or neither for all that is left.",
            errors=[("lines", "leave it out when there is an amount")],
        )
    if body.lines is None:
        return Wanted(amount=body.amount)
    lines: Counter[str] = Counter()
    for line in body.lines:
        lines[line.sku] += line.quantity
    return Wanted(lines=dict(lines))


def refused(problem: NotRefundable) -> Problem:
    """Why a refund cannot be, and what is left of the purchase."""
    left = [{"sku": sku, "quantity": quantity} for sku, quantity in problem.lines.items()]
    return Problem(
        422, problem.kind, f"{problem.ja} {problem.en}", remaining=problem.left, lines=left
    )


def id_of(text: str) -> UUID:
    """The id of a purchase in an address; 404 if it cannot be one."""
    try:
        return UUID(text)
    except ValueError:
        raise unknown() from None


def unknown() -> Problem:
    """404 for a purchase."""
    return Problem(404, "unknown-purchase", "No purchase has this id. Check the id you were given.")
