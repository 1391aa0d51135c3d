"""`/v1/webhooks`: where the owner's other systems are told what happened, and the log of it.

Nothing is sent from here: the hooks process does, so that no caller waits for somebody's system.
"""

from collections.abc import Set
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query, Request, Response

from services.points.hooks import registry
from services.points.hooks.registry import TooMany
from services.points.settings import WebSettings
from services.points.store import hook_deliveries as deliveries
from services.points.store import hooks as store
from services.points.store.hooks import Endpoint
from services.points.web import hooks_schemas as schemas
from services.points.web.requests import keyed
from shared import clock
from shared.problems import Problem, invalid
from shared.web.acting import IdempotencyKey, acting, audited, audited_fields
from shared.web.auth import Owner
from shared.web.schemas import Problem as AnsweredProblem

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": AnsweredProblem, "description": text}
    for status, text in ((400, "Malformed"), (404, "Not there"), (409, "Key used otherwise"))
}
router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"], responses=_PROBLEMS)

Limit = Annotated[int, Query(ge=1, le=200)]
NULL_MEANS_NULL = ("description",)

_REASONS = {
    "failing": schemas.Reason(
        ja="3日間すべての送信が失敗したため一時停止しました。原因を直して再開してください"
        "(active: true)。その間の通知は保管されており、再開すると送られます。",
        en="Paused: every attempt failed for 3 days. Remove the cause and resume it "
        "(active: true); what happened meanwhile was kept and is then sent.",
    ),
    "gone": schemas.Reason(
        ja="受信側が 410 (購読終了)を返したため停止しました。再開は active: true。",
        en="Switched off: the receiver answered 410, which ends the subscription. Resume it with "
        "active: true.",
    ),
    "owner": schemas.Reason(
        ja="オーナーが停止しました。再開は active: true。",
        en="Switched off by the owner. Resume it with active: true.",
    ),
}


@router.post("", status_code=201, response_model=schemas.WebhookWithSecret)
async def create(
    request: Request, key: Owner, body: schemas.NewWebhook, idem: IdempotencyKey
) -> schemas.WebhookWithSecret:
    """A new webhook. Its secret is in this answer and never again."""
    async with keyed(request, key, idem, "webhook", body) as act:
        if act.known is not None:
            return _with_secret(await _found(act.batch.connection, act.result), None)
        _check(request, body.url, body.events)
        try:
            endpoint = await registry.add(act.batch.connection, **body.model_dump())
        except TooMany as problem:
            raise _too_many(problem) from None
        act.result = str(endpoint.id)
        audited(request, f"webhook:{endpoint.id}", before=None, after=_told_of(_webhook(endpoint)))
        return _with_secret(endpoint, registry.secret_of(endpoint, _key(request)))


@router.get("", response_model=schemas.WebhookPage)
async def listed(request: Request, key: Owner) -> schemas.WebhookPage:
    """All webhooks."""
    async with request.app.state.process.pool.acquire() as connection:
        found = await store.every(connection)
    return schemas.WebhookPage(items=[_webhook(each) for each in found])


@router.get("/{webhook_id}", response_model=schemas.Webhook)
async def one(request: Request, key: Owner, webhook_id: str) -> schemas.Webhook:
    """A webhook, and why nothing is sent to it if so."""
    async with request.app.state.process.pool.acquire() as connection:
        return _webhook(await _found(connection, webhook_id))


@router.patch("/{webhook_id}", response_model=schemas.Webhook)
async def change(
    request: Request, key: Owner, webhook_id: str, body: schemas.WebhookChanges
) -> schemas.Webhook:
    """Change it, stop it (`active: false`) or resume it (`active: true`)."""
    _check(request, body.url, body.events)
    given = body.model_dump(exclude_unset=True)
    fields = {k: v for k, v in given.items() if v is not None or k in NULL_MEANS_NULL}
    async with acting(request) as batch:
        before = _webhook(await _found(batch.connection, webhook_id))
        changed = await registry.change(batch.connection, _id(webhook_id), fields)
        if changed is None:
            raise _no_webhook()
        names = {"status" if name == "active" else name for name in fields}
        told = _told_of(before, names), _told_of(_webhook(changed), names)
        audited(request, f"webhook:{webhook_id}", before=told[0], after=told[1])
    return _webhook(changed)


@router.delete("/{webhook_id}", status_code=204, response_class=Response)
async def delete(request: Request, key: Owner, webhook_id: str) -> Response:
    """Delete it with its delivery log. What is being sent at this moment may still arrive."""
    async with acting(request) as batch:
        before = _webhook(await _found(batch.connection, webhook_id))
        if not await store.remove(batch.connection, _id(webhook_id)):
            raise _no_webhook()
        audited(request, f"webhook:{webhook_id}", before=_told_of(before), after=None)
    return Response(status_code=204)


@router.post("/{webhook_id}/rotate-secret", response_model=schemas.WebhookWithSecret)
async def rotate(
    request: Request, key: Owner, webhook_id: str, idem: IdempotencyKey
) -> schemas.WebhookWithSecret:
    """A new secret, in this answer and never again. The old one also signs for 24 hours."""
    id = _id(webhook_id)
    async with keyed(request, key, idem, "webhook-secret", {"webhook": str(id)}) as act:
        if act.known is not None:
            return _with_secret(await _found(act.batch.connection, webhook_id), None)
        endpoint = await registry.rotate(act.batch.connection, id)
        if endpoint is None:
            raise _no_webhook()
        act.result = str(id)
        audited_fields(request, f"webhook:{id}", ["secret"])
        return _with_secret(endpoint, registry.secret_of(endpoint, _key(request)))


@router.post("/{webhook_id}/test", status_code=202, response_model=schemas.Delivery)
async def test(
    request: Request, key: Owner, webhook_id: str, idem: IdempotencyKey
) -> schemas.Delivery:
    """Send `webhook.test` to it; the delivery log says what came of it."""
    named = {"webhook": str(_id(webhook_id))}
    async with keyed(request, key, idem, "webhook-test", named) as act:
        connection = act.batch.connection
        endpoint = await _found(connection, webhook_id)
        if act.known is None:
            _require_active(endpoint)
            act.result = str(await registry.send_test(connection, endpoint))
            test = {"delivery": act.result}
            audited(request, f"webhook:{endpoint.id}", before=None, after=test)
        return await _delivery(connection, endpoint.id, str(act.result))


@router.get("/{webhook_id}/deliveries", response_model=schemas.DeliveryPage)
async def log(
    request: Request,
    key: Owner,
    webhook_id: str,
    status: schemas.DeliveryStatus | None = None,
    cursor: Annotated[int | None, Query(ge=0, le=deliveries.NEWEST)] = None,
    limit: Limit = 50,
) -> schemas.DeliveryPage:
    """What was told, newest first, with every try; kept for 30 days."""
    before = deliveries.NEWEST if cursor is None else cursor
    async with request.app.state.process.pool.acquire() as connection:
        endpoint = await _found(connection, webhook_id)
        rows = await deliveries.page(connection, endpoint.id, before, status, limit)
    following = str(rows[-1]["seq"]) if len(rows) == limit else None
    return schemas.DeliveryPage(items=[_told(row) for row in rows], next=following)


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/replay",
    status_code=202,
    response_model=schemas.Delivery,
)
async def replay_one(
    request: Request, key: Owner, webhook_id: str, delivery_id: str, idem: IdempotencyKey
) -> schemas.Delivery:
    """Send one again, whatever became of it, under the same webhook-id."""
    named = {"webhook": webhook_id, "delivery": delivery_id}
    async with keyed(request, key, idem, "webhook-replay", named) as act:
        connection = act.batch.connection
        endpoint = await _found(connection, webhook_id)
        delivery = await _delivery(connection, endpoint.id, delivery_id)
        if act.known is None:
            _require_active(endpoint)
            await deliveries.again(connection, endpoint.id, delivery.id, clock.now())
            act.result = str(delivery.id)
            again = await _delivery(connection, endpoint.id, delivery_id)
            before, after = (
                {"delivery": each.id, "status": each.status} for each in (delivery, again)
            )
            audited(request, f"webhook:{endpoint.id}", before=before, after=after)
            delivery = again
        return delivery


@router.post("/{webhook_id}/replay", status_code=202, response_model=schemas.Replayed)
async def replay_period(
    request: Request, key: Owner, webhook_id: str, body: schemas.Period, idem: IdempotencyKey
) -> schemas.Replayed:
    """Send what happened in a period, each under its own webhook-id, also what was not told to it
    then. At most 30 days back and 100,000 events a call."""
    if body.since >= body.until:
        raise invalid([("from", "give a moment before until")])
    named = {"webhook": webhook_id, **body.model_dump(mode="json")}
    async with keyed(request, key, idem, "webhook-replay-period", named) as act:
        connection = act.batch.connection
        endpoint = await _found(connection, webhook_id)
        if act.known is None:
            _require_active(endpoint)
            try:
                count = await registry.replay(
                    connection, endpoint, body.since, body.until, only_failed=body.only_failed
                )
            except TooMany as problem:
                raise _too_many(problem) from None
            act.result = str(count)
            told = {"since": body.since, "until": body.until, "deliveries": count}
            audited(request, f"webhook:{endpoint.id}", before=None, after=told)
        return schemas.Replayed(deliveries=int(act.result or 0))


SETTINGS = frozenset(schemas.NewWebhook.model_fields) | {"status"}


def _told_of(webhook: schemas.Webhook, names: Set[str] = SETTINGS) -> dict[str, Any]:
    """What the audit log is told: the fields that were to be changed."""
    return {name: value for name, value in webhook.model_dump().items() if name in names}


def _check(request: Request, url: str | None, events: list[str] | None) -> None:
    settings: WebSettings = request.app.state.settings
    found = registry.problems(url, events, allow_private=settings.hooks_allow_private)
    if found:
        raise invalid(found)


def _key(request: Request) -> bytes:
    settings: WebSettings = request.app.state.settings
    return settings.hooks_signing_key.get_secret_value().encode()


async def _found(connection: Any, id: str | None) -> Endpoint:
    endpoint = await store.one(connection, _id(id or ""))
    if endpoint is None:
        raise _no_webhook()
    return endpoint


async def _delivery(connection: Any, webhook: UUID, id: str) -> schemas.Delivery:
    try:
        row = await deliveries.one(connection, webhook, UUID(id))
    except ValueError:
        row = None
    if row is None:
        raise Problem(
            404, "unknown-delivery", "There is no such delivery. The log is kept for 30 days."
        )
    return _told(row)


def _require_active(endpoint: Endpoint) -> None:
    if endpoint.status != "active":
        raise Problem(
            422, "webhook-not-active", "Nothing is sent to it now. PATCH active: true first."
        )


def _webhook(endpoint: Endpoint) -> schemas.Webhook:
    fields = msgspec.structs.asdict(endpoint)
    reason = _REASONS[endpoint.reason] if endpoint.reason else None
    until = endpoint.old_secret_until
    old = until if until is not None and clock.now() < until else None
    return schemas.Webhook(**{**fields, "reason": reason, "old_secret_until": old})


def _with_secret(endpoint: Endpoint, secret: str | None) -> schemas.WebhookWithSecret:
    return schemas.WebhookWithSecret(**_webhook(endpoint).model_dump(), secret=secret)


def _told(row: Any) -> schemas.Delivery:
    fields = dict(row)
    attempts = msgspec.json.decode(fields.pop("log"))
    due_at = fields.pop("due_at")
    return schemas.Delivery(**fields, attempts=attempts, next_attempt_at=due_at)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise _no_webhook() from None


def _no_webhook() -> Problem:
    return Problem(404, "unknown-webhook", "There is no webhook with this id.")


def _too_many(problem: TooMany) -> Problem:
    return Problem(422, "too-many", f"{str(problem).capitalize()}.")
