"""`/v1/counter/…`: what staff do for a member at the counter; each act is listed and can be undone.

Purchases take the same way as a till's (`purchase.submitted`); everything else is done when
answered. Every act names its member, its store and who did it.
"""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Request, Response

from services.points.errors import NotSpendable, ServiceRefused, VisitRefused
from services.points.purchases import redeeming, service, submitting, visiting
from services.points.purchases.service import Wish
from services.points.purchases.submitting import Submission
from services.points.purchases.visiting import Place
from services.points.store import counter_acts as store
from services.points.store import redemptions, requests, views
from services.points.web import counter_schemas as schemas
from services.points.web import counter_serving as serving
from services.points.web.requests import Act, keyed
from shared import clock, ids
from shared.api_keys import Key
from shared.bus.errors import NotYet
from shared.events import Payment
from shared.problems import Problem, invalid
from shared.web.acting import IdempotencyKey
from shared.web.auth import Writer
from shared.web.waiting import Waiting, answer_within, seconds_to_wait

router = APIRouter(prefix="/v1/counter", tags=["counter"])

_KEPT: dict[int | str, dict[str, Any]] = {
    202: {"model": schemas.CounterResult, "description": "Kept for sure; its points follow"}
}
_PREFER = Header(description="`wait=N`: wait up to N seconds (10 at most) for the points.")


@router.post("/purchases", status_code=201, response_model=schemas.CounterResult, responses=_KEPT)
async def purchase(
    request: Request,
    response: Response,
    key: Writer,
    body: schemas.CounterPurchase,
    idem: IdempotencyKey,
    prefer: Annotated[str | None, _PREFER] = None,
) -> schemas.CounterResult:
    """A purchase by its total, points spent on it in the same act. 201 with the points if they came
    in time, otherwise 202: it is kept, and the act says later what it earned."""
    if body.tax > body.total:
        raise invalid([("tax", "must not be more than total, which includes it")])
    process = request.app.state.process
    seconds = seconds_to_wait(request.scope["headers"]) if process.bus.can_publish else 0
    waiting: Waiting = request.app.state.waiting
    with waiting.expect(submitting.id_of(_secret(request), key.id, _named(idem))) as answer:
        async with keyed(request, key, idem, "counter.purchase", body) as act:
            if act.known is None:
                reply_to = process.bus.reply_queue if seconds else None
                await _buy(request, key, act, body, idem, reply_to)
            made = await serving.result(request, act.batch.connection, key, act)
        if made.status == "accepted" and seconds and act.known is None:
            await answer_within(answer, seconds)
            async with process.pool.acquire() as connection:
                made = await serving.result(request, connection, key, act)
    if made.status == "rejected":
        raise Problem(422, "rejected", made.detail or "The purchase was refused.", act=str(made.id))
    response.status_code = 201 if made.status == "done" else 202
    return made


@router.post("/visits", status_code=201, response_model=schemas.CounterResult)
async def visit(
    request: Request, key: Writer, body: schemas.CounterVisit, idem: IdempotencyKey
) -> schemas.CounterResult:
    """A visit without a purchase, within the program's limits; 409 where it was counted already."""
    async with keyed(request, key, idem, "counter.visit", body) as act:
        if act.known is None:
            code = await _begin(request, key, act, body)
            place = Place(code, key.id, staff=True)
            rulebook = request.app.state.rulebook
            try:
                await visiting.count(
                    act.batch, rulebook, act.subject, place, cause=act.id, actor=key.actor
                )
            except VisitRefused as refused:
                raise serving.visited(refused.reason) from None
            way = serving.way(body.member)
            await serving.note(request, key, act, "visit", code, way, purchase_id=act.id)
        return await serving.result(request, act.batch.connection, key, act)


@router.post("/service-points", status_code=201, response_model=schemas.CounterResult)
async def give(
    request: Request, key: Writer, body: schemas.CounterGift, idem: IdempotencyKey
) -> schemas.CounterResult:
    """Service points with a reason, or by a rule of the program, within what it lets staff give;
    managers and owner keys have no limit."""
    serving.require_one(body.points, body.rule, body.reason)
    async with keyed(request, key, idem, "counter.service", body) as act:
        if act.known is None:
            await _give(request, key, act, body)
        return await serving.result(request, act.batch.connection, key, act)


@router.post("/redemptions", status_code=201, response_model=schemas.CounterResult)
async def redeem(
    request: Request, key: Writer, body: schemas.CounterRedemption, idem: IdempotencyKey
) -> schemas.CounterResult:
    """Spend points in one step; 422 with the balance when it does not suffice."""
    async with keyed(request, key, idem, "counter.redemption", body) as act:
        if act.known is None:
            code = await _begin(request, key, act, body)
            made = await _spend(request, key, act, code, body.points, body.purchase_total)
            await serving.note(
                request,
                key,
                act,
                "redemption",
                code,
                serving.way(body.member),
                redemption_id=made.id,
                amount=made.value,
                points=-made.captured,
            )
        return await serving.result(request, act.batch.connection, key, act)


async def _begin(request: Request, key: Key, act: Act, body: Any) -> str:
    """Who is served, and in which store; a code that was scanned is spent."""
    connection = act.batch.connection
    code = await serving.where(connection, key, body.store)
    act.member_id = await serving.member(
        request, connection, key, body.member, body.scanned_at, spend_for=act.id
    )
    act.result = str(act.id)
    await serving.require_there(request, connection, act.member_id)
    return code


async def _buy(
    request: Request,
    key: Key,
    act: Act,
    body: schemas.CounterPurchase,
    idem: str,
    reply_to: str | None,
) -> None:
    at = serving.moment(body.at)
    code = await _begin(request, key, act, body)
    spent = None
    if body.use_points is not None:
        spent = await _spend(request, key, act, code, body.use_points, body.total)
    payments = (Payment("points", spent.value, str(spent.id)),) if spent else ()
    wanted = Submission(
        act.subject, code, key.id, _named(idem), at, body.total, body.tax, body.receipt, payments
    )
    id = submitting.submit(act.batch, _secret(request), wanted, key.actor, reply_to)
    await serving.note(
        request,
        key,
        act,
        "purchase",
        code,
        serving.way(body.member),
        at,
        purchase_id=id,
        redemption_id=spent.id if spent else None,
        amount=body.total,
        used=spent.captured if spent else None,
    )


async def _spend(
    request: Request, key: Key, act: Act, code: str, points: int, total: int | None
) -> redemptions.Stored:
    """A redemption of its own id, which the API knows as any other."""
    id = ids.derived_id("counter.redemption", str(act.id))
    asked = requests.Request(id, key.id, str(act.id), "", "done", act.subject, str(id))
    await requests.claim(act.batch.connection, "redemption", [asked], clock.now())
    try:
        return await redeeming.redeem(
            act.batch,
            request.app.state.rulebook,
            id=id,
            member_id=act.subject,
            store_code=code,
            terminal=key.id,
            actor=key.actor,
            points=points,
            purchase_total=total,
            capture=True,
        )
    except NotSpendable as problem:
        raise Problem(422, problem.kind, f"{problem.ja} {problem.en}") from None


async def _give(request: Request, key: Key, act: Act, body: schemas.CounterGift) -> None:
    rulebook, connection = request.app.state.rulebook, act.batch.connection
    at = serving.moment(body.at)
    code = await _begin(request, key, act, body)
    await rulebook.refresh(connection)
    if rulebook.empty:
        raise NotYet("no program has been published yet")
    span = service.today(clock.now(), rulebook.current().program.zone)
    given = await store.given_by(connection, key.id, *span)
    by_till = not serving.is_manager(key)
    wish = Wish(body.points, body.rule, body.reason, code, by_till, given)
    try:
        entry = await service.give(
            act.batch, rulebook, act.subject, wish, cause=act.id, actor=key.actor
        )
    except ServiceRefused as refused:
        raise Problem(422, "service-points-refused", f"{refused}.") from None
    points = (await views.entry(connection, act.subject, UUID(entry)))["amount"]
    way = serving.way(body.member)
    await serving.note(
        request, key, act, "service", code, way, at, entry_id=UUID(entry), points=points
    )


def _named(idem: str) -> str:
    """What names the purchase among the caller's; a till's own keys are others."""
    return f"counter:{idem}"


def _secret(request: Request) -> bytes:
    secret: bytes = request.app.state.settings.purchase_id_key.get_secret_value().encode()
    return secret
