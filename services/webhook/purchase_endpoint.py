"""`POST /v1/purchases`: one purchase, accepted durably; with `Prefer: wait` also its points."""

from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from services.webhook import counters, purchases, submissions
from services.webhook.errors import NotAccepted
from services.webhook.gate import Passing
from services.webhook.ingress import (
    Ingress,
    authenticate,
    headers_of,
    ingress_of,
    media_type,
    read_body,
    too_fast,
)
from services.webhook.messages import Encoded
from services.webhook.submissions import Submission
from services.webhook.tracing import traceparent
from shared import clock
from shared.events import PointsOfPurchase, PurchaseAnswer
from shared.problems import Problem, malformed, unavailable
from shared.web.waiting import answer_within, seconds_to_wait

MOST_BYTES = 256 * 1024
MEDIA_TYPES = {b"application/json": "json"}


class Accepted(msgspec.Struct, frozen=True):
    """`status` is accepted, or waiting_for_member when a till waits and nobody has that card."""

    id: UUID
    status: str = "accepted"


class Awarded(msgspec.Struct, frozen=True):
    """What a till that waits is told."""

    id: UUID
    status: str
    points: PointsOfPurchase | None
    rank: Any
    explanation: Any


_encoder = msgspec.json.Encoder()


async def post_purchase(request: Request) -> Response:
    """Authenticate, read, check, pass the gate, accept, answer."""
    ingress, headers = ingress_of(request), headers_of(request)
    api_key = await authenticate(ingress.keyring, request, headers)
    media_type(headers, MEDIA_TYPES)
    key = purchases.require_key(
        _idempotency_key(headers.get(b"idempotency-key")), "Idempotency-Key"
    )
    body = await read_body(request, headers, MOST_BYTES)
    now = clock.now()
    checked = purchases.read(body, now)
    if not ingress.keyring.has_store(checked.purchase.store):
        await ingress.keyring.learn_stores([checked.purchase.store])
    submission = submissions.submit(ingress, api_key, key, checked)
    passing = Passing(api_key.terminal_id, [(submission.id, submission.digest)])
    verdict = await ingress.gate.judge(passing)
    if verdict.wait_seconds:
        raise too_fast(verdict.wait_seconds)
    if verdict.conflicts[0]:
        raise submissions.conflict(submission.id)
    trace = traceparent(headers)
    seconds = seconds_to_wait(request.scope["headers"]) if b"prefer" in headers else 0
    if seconds:
        encoded = submissions.encode(
            submission, api_key, now, trace=trace, reply_to=ingress.reply_queue
        )
        return await _accept_and_wait(ingress, submission, encoded, seconds)
    await _accept(ingress, submissions.encode(submission, api_key, now, trace=trace))
    return _answer(202, Accepted(submission.id))


def _idempotency_key(value: bytes | None) -> str | None:
    try:
        return value.decode() if value is not None else None
    except UnicodeDecodeError:
        raise malformed("Idempotency-Key is not UTF-8.") from None


async def _accept(ingress: Ingress, encoded: Encoded) -> bool:
    try:
        published = await ingress.intake.accept([encoded])
    except NotAccepted:
        raise unavailable(
            "The purchase was not accepted. Send it again with the same key."
        ) from None
    counters.purchases_accepted(1)
    return published


async def _accept_and_wait(
    ingress: Ingress, submission: Submission, encoded: Encoded, seconds: int
) -> Response:
    with ingress.waiting.expect(submission.id) as future:
        if not await _accept(ingress, encoded):
            return _answer(202, Accepted(submission.id))  # spooled: its points will not come soon
        answer = await answer_within(future, seconds)
    applied = {"Preference-Applied": f"wait={seconds}"}
    if answer is None:
        return _answer(202, Accepted(submission.id), applied)
    return _told(answer, applied)


def _told(answer: PurchaseAnswer, headers: dict[str, str]) -> Response:
    if answer.status == "awarded":
        content = Awarded(answer.id, answer.status, answer.points, answer.rank, answer.explanation)
        return _answer(201, content, headers)
    if answer.status == "conflict":
        raise submissions.conflict(answer.id)
    if answer.status == "rejected":
        raise Problem(
            422, "rejected", answer.detail or "The purchase was refused.", id=str(answer.id)
        )
    return _answer(202, Accepted(answer.id, answer.status), headers)


def _answer(
    status: int, content: Accepted | Awarded, headers: dict[str, str] | None = None
) -> Response:
    location = {"Location": f"/v1/purchases/{content.id}", **(headers or {})}
    return Response(_encoder.encode(content), status, location, media_type="application/json")
