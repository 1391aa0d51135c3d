"""`/v1/redemptions`: points held at a till, then captured or voided; done when answered."""

from collections.abc import Awaitable
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from services.points.errors import NotSpendable, RedemptionOver
from services.points.purchases import redeeming
from services.points.store import redemptions as store
from services.points.store import requests
from services.points.store.redemptions import Stored
from services.points.web import naming, schemas, summary
from services.points.web.naming import MemberName
from services.points.web.requests import Act, keyed
from shared.bus.handling import Connection
from shared.problems import Problem
from shared.web.acting import IdempotencyKey, audited
from shared.web.auth import Caller, Writer

router = APIRouter(prefix="/v1/redemptions", tags=["redemptions"])

Points = Annotated[int, Field(strict=True, ge=1, le=1_000_000_000)]
Status = Literal["authorised", "captured", "voided", "expired"]
Money = Annotated[int, Field(strict=True, ge=0, le=1_000_000_000_000)]


class NewRedemption(BaseModel):
    """Points to spend. With `capture` they are spent at once, otherwise held until `expires_at`."""

    model_config = ConfigDict(extra="forbid")

    member: MemberName
    store: schemas.Text
    points: Points
    purchase_total: Money | None = None
    capture: bool = False


class Captured(BaseModel):
    """How many of the held points to spend; all of them when left out."""

    model_config = ConfigDict(extra="forbid")

    points: Points | None = None


class Redemption(BaseModel):
    """Points on their way out. `value` is their worth in minor units of the currency; `points` are
    those held, or once captured those spent; `returned` came back by refunds."""

    id: UUID
    status: Status
    member_id: UUID
    points: int
    value: int
    returned: int
    expires_at: datetime
    balance: int


@router.post("", status_code=201, response_model=Redemption)
async def redeem(
    request: Request, key: Writer, body: NewRedemption, idem: IdempotencyKey
) -> Redemption:
    """Hold points of a member, or spend them; 422 with the balance when it does not suffice."""
    async with keyed(request, key, idem, "redemption", body) as act:
        connection = act.batch.connection
        if act.known is not None:
            return await _answer(request, connection, await _there(connection, act.id))
        act.member_id = await naming.member(request, connection, key, body.member)
        act.result = str(act.id)
        try:
            made = await redeeming.redeem(
                act.batch,
                request.app.state.rulebook,
                id=act.id,
                member_id=act.member_id,
                store_code=await naming.store(connection, key, body.store),
                terminal=key.id,
                actor=key.actor,
                points=body.points,
                purchase_total=body.purchase_total,
                capture=body.capture,
            )
        except NotSpendable as problem:
            raise _refused(problem) from None
        audited(request, f"member:{made.member_id}", before=None, after=_told(made))
        return await _answer(request, connection, made)


@router.get("/{redemption_id}", response_model=Redemption)
async def one(request: Request, key: Caller, redemption_id: str) -> Redemption:
    """A redemption as it is now."""
    async with request.app.state.process.pool.acquire() as connection:
        found = await _there(connection, _id(redemption_id))
        naming.require_store(key, found.store)
        return await _answer(request, connection, found)


@router.post("/{redemption_id}/capture", response_model=Redemption)
async def capture(
    request: Request,
    key: Writer,
    redemption_id: str,
    idem: IdempotencyKey,
    body: Captured | None = None,
) -> Redemption:
    """Spend what is held, or a part of it; the rest is free again."""
    points = body.points if body else None
    named = {"redemption": redemption_id, "points": points}
    async with keyed(request, key, idem, "capture", named) as act:
        held = await _there(act.batch.connection, _id(redemption_id))
        naming.require_store(key, held.store)
        if act.known is None:
            rulebook = request.app.state.rulebook
            capturing = redeeming.capture(act.batch, rulebook, held, points, key.actor)
            held = await _acted(request, act, capturing, held)
        return await _answer(request, act.batch.connection, held)


@router.post("/{redemption_id}/void", response_model=Redemption)
async def void(
    request: Request, key: Writer, redemption_id: str, idem: IdempotencyKey
) -> Redemption:
    """Let the held points go."""
    async with keyed(request, key, idem, "void", {"redemption": redemption_id}) as act:
        held = await _there(act.batch.connection, _id(redemption_id))
        naming.require_store(key, held.store)
        if act.known is None:
            rulebook = request.app.state.rulebook
            held = await _acted(request, act, redeeming.void(act.batch, rulebook, held), held)
        return await _answer(request, act.batch.connection, held)


def _told(redemption: Stored) -> dict[str, Any]:
    """A redemption as the audit log is told of it."""
    names = ("id", "status", "points", "captured")
    return {name: getattr(redemption, name) for name in names}


async def _acted(request: Request, act: Act, doing: Awaitable[Stored], held: Stored) -> Stored:
    act.member_id, act.result = held.member_id, str(held.id)
    try:
        done = await doing
        audited(request, f"member:{held.member_id}", before=_told(held), after=_told(done))
        return done
    except NotSpendable as problem:
        raise _refused(problem) from None
    except RedemptionOver as problem:
        raise Problem(
            409,
            "redemption-over",
            f"This redemption is {problem.status} already; nothing was changed. "
            "Start a new one if points are to be spent.",
            status_now=problem.status,
        ) from None


async def _there(connection: Connection, id: UUID) -> Stored:
    known = (await requests.find(connection, [id])).get(id)
    if known is not None and known.kind == "redemption" and known.member_id is not None:
        found = await store.find(connection, known.member_id, id)
        if found is not None:
            return found
    raise _unknown()


async def _answer(request: Request, connection: Connection, made: Stored) -> Redemption:
    member = (await summary.members(connection, request.app.state.rulebook, [made.member_id]))[0]
    return Redemption(
        id=made.id,
        status=made.status,
        member_id=made.member_id,
        points=made.captured if made.status == "captured" else made.points,
        value=made.value,
        returned=made.returned,
        expires_at=made.expires_at,
        balance=member.points.balance,
    )


def _refused(problem: NotSpendable) -> Problem:
    return Problem(422, problem.kind, f"{problem.ja} {problem.en}")


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise _unknown() from None


def _unknown() -> Problem:
    return Problem(
        404, "unknown-redemption", "No redemption has this id. Check the id you were given."
    )
