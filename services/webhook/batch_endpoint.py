"""`POST /v1/purchases/batch`: up to 1,000 purchases, each judged alone, the good ones kept.

The answer is 200 with one result for each line, in order, as soon as the request as a whole can be
read; whether each was accepted stands in its result.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence, Set
from datetime import datetime
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
from services.webhook.purchases import Checked
from services.webhook.store import ApiKey
from services.webhook.submissions import Submission
from services.webhook.tracing import traceparent
from shared import clock
from shared.problems import Problem, invalid, unavailable

MOST_BYTES = 8 * 1024 * 1024
MOST_PURCHASES = 1000
TURN = 50
NDJSON = "ndjson"
MEDIA_TYPES = {b"application/json": "json", b"application/x-ndjson": NDJSON}


class Result(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of the purchase at `index` (from 0; empty lines do not count)."""

    index: int
    status: str
    id: UUID | None = None
    problem: dict[str, Any] | None = None


class Results(msgspec.Struct, frozen=True):
    """One result for each purchase, in order; there is never a next page."""

    items: list[Result]
    next: str | None = None


class _Key(msgspec.Struct):
    idempotency_key: str


Read = tuple[str, Checked]

_array = msgspec.json.Decoder(list[msgspec.Raw])
_key = msgspec.json.Decoder(_Key)


async def post_purchases(request: Request) -> Response:
    """Authenticate, read, judge each, pass the gate together, accept together, answer."""
    ingress, headers = ingress_of(request), headers_of(request)
    api_key = await authenticate(ingress.keyring, request, headers)
    kind = media_type(headers, MEDIA_TYPES)
    items = take_apart(await read_body(request, headers, MOST_BYTES), kind)
    now = clock.now()
    read = await _read_all(items, now)
    await ingress.keyring.learn_stores({each.purchase.store for _, each in _good(read)})
    judged = [_judge(ingress, api_key, each) for each in read]
    submitted = [each for each in judged if isinstance(each, Submission)]
    conflicts = await _pass_gate(ingress, api_key, submitted)
    kept = [each for each in submitted if _name(each) not in conflicts]
    trace = traceparent(headers)
    await _accept(ingress, [submissions.encode(each, api_key, now, trace=trace) for each in kept])
    results = [_result(index, each, conflicts) for index, each in enumerate(judged)]
    return _answer(results, lines=b"application/x-ndjson" in headers.get(b"accept", b""))


def take_apart(body: bytes, kind: str) -> Sequence[bytes | msgspec.Raw]:
    """The purchases of a batch, not yet read. Raises Problem: 400 no array, 422 above 1,000."""
    items: Sequence[bytes | msgspec.Raw]
    if kind == NDJSON:
        items = [line for line in body.split(b"\n") if line.strip()]
    else:
        items = purchases.decode(body, _array)
    if len(items) > MOST_PURCHASES:
        raise invalid([("$", f"may have {MOST_PURCHASES} purchases at most; send several batches")])
    return items


async def _read_all(items: Sequence[bytes | msgspec.Raw], now: datetime) -> list[Read | Problem]:
    """Each with its key, or what is wrong with it; others get their turn in between."""
    read: list[Read | Problem] = []
    for item in items:
        if len(read) % TURN == TURN - 1:
            await asyncio.sleep(0)
        try:
            read.append(_read(item, now))
        except Problem as problem:
            read.append(problem)
    return read


def _read(item: bytes | msgspec.Raw, now: datetime) -> Read:
    checked = purchases.read(item, now)
    key = purchases.decode(item, _key).idempotency_key
    return purchases.require_key(key, "idempotency_key"), checked


def _good(read: Iterable[Read | Problem]) -> Iterator[Read]:
    return (each for each in read if not isinstance(each, Problem))


def _judge(ingress: Ingress, api_key: ApiKey, read: Read | Problem) -> Submission | Problem:
    if isinstance(read, Problem):
        return read
    try:
        return submissions.submit(ingress, api_key, *read)
    except Problem as problem:
        return problem


def _name(submission: Submission) -> tuple[UUID, bytes]:
    """The id and the body's digest: one key may come with two bodies in one batch."""
    return submission.id, submission.digest


async def _pass_gate(
    ingress: Ingress, api_key: ApiKey, submitted: Sequence[Submission]
) -> Set[tuple[UUID, bytes]]:
    """Those whose key came with another body before. Raises Problem 429."""
    if not submitted:
        return frozenset()
    names = [_name(each) for each in submitted]
    verdict = await ingress.gate.judge(Passing(api_key.terminal_id, names))
    if verdict.wait_seconds:
        raise too_fast(verdict.wait_seconds)
    return {name for name, bad in zip(names, verdict.conflicts, strict=True) if bad}


async def _accept(ingress: Ingress, encoded: Sequence[Encoded]) -> None:
    if not encoded:
        return
    try:
        await ingress.intake.accept(encoded)
    except NotAccepted:
        raise unavailable("No purchase was accepted. Send the batch again unchanged.") from None
    counters.purchases_accepted(len(encoded))


def _result(index: int, judged: Submission | Problem, conflicts: Set[tuple[UUID, bytes]]) -> Result:
    if isinstance(judged, Problem):
        counters.refused(judged)
        return Result(index, "rejected", problem=judged.body)
    if _name(judged) in conflicts:
        problem = submissions.conflict(judged.id)
        counters.refused(problem)
        return Result(index, "rejected", judged.id, problem.body)
    return Result(index, "accepted", judged.id)


def _answer(results: list[Result], *, lines: bool) -> Response:
    if lines:
        return Response(
            msgspec.json.Encoder().encode_lines(results), media_type="application/x-ndjson"
        )
    return Response(msgspec.json.encode(Results(results)), media_type="application/json")
