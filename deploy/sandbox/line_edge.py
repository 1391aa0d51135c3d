"""The HTTP edge of the Messaging API: routing, token, limits, faults, counting.

Plain ASGI without a framework, since load tests push thousands of messages a second through it.
Owns what holds for every call; what a call means stands in `send_api` and `channel_api`.
"""

import asyncio
import hmac
import random
import uuid
from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.types import Message, Receive, Scope, Send

from deploy.sandbox.answers import RATE_LIMIT, Answer, Refused, json_answer, refuse, refuse_rate
from deploy.sandbox.calls import Call, Handler
from deploy.sandbox.connections import drop_connection
from deploy.sandbox.endpoints import ENDPOINTS, Endpoint, Endpoints, Route
from deploy.sandbox.faults import CallFault
from deploy.sandbox.platform import Platform

MOST_BYTES = 2 * 1024 * 1024
_MEDIA: Mapping[str, frozenset[str]] = {
    "json": frozenset({"application/json"}),
    "image": frozenset({"image/jpeg", "image/png"}),
}


class LineEdge:
    """The ASGI application under `/v2/bot/`."""

    def __init__(self, platform: Platform, more: Mapping[Route, Endpoint]) -> None:
        self._platform = platform
        self._endpoints = Endpoints({**ENDPOINTS, **more})
        self._bearer = b"Bearer " + platform.channel.access_token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = _request_id()
        found = self._endpoints.find(scope["method"], scope["path"])
        if found is None:
            called = scope["method"], _whole_path(scope)
            self._platform.note("in", "unknown", "404", "LINE knows no such call", call=called)
            await _send(send, json_answer(404, {"message": "Not found"}), request_id)
            return
        endpoint, path_ids = found
        body = await _read(receive) if endpoint.takes else b""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        media = _media(headers)
        called = scope["method"], _whole_path(scope)
        if self._platform.on_call:
            self._platform.on_call(*called, body or b"")
        fault: CallFault | None = None
        try:
            retry_key = self._admit(headers, endpoint, media, body)
            fault = self._platform.faults.of_call()
            call = Call(body or b"", request_id, retry_key, path_ids, _query(scope), media)
            answer, outcome = await self._carry_out(endpoint.handler, call, fault)
        except Refused as refusal:
            answer, outcome = refusal.answer, refusal.outcome
        self._platform.note(
            "in", endpoint.name, outcome, answer.brief,
            call=called, body=body or b"", answer=answer.body,
        )  # fmt: skip
        if wait := self._platform.faults.seconds_until(fault):
            await asyncio.sleep(wait)
        if fault in ("timeout", "lost_response"):
            await _drop(scope, receive)
        else:
            await _send(send, answer, request_id)

    def _admit(
        self, headers: Mapping[bytes, bytes], endpoint: Endpoint, media: str, body: bytes | None
    ) -> str | None:
        """Check what holds for every call; gives the retry key."""
        if not hmac.compare_digest(headers.get(b"authorization", b""), self._bearer):
            raise _refuse_token(headers.get(b"authorization"))
        if body is None:
            raise refuse(413, "The request body is too large (at most 2 MB)")
        if endpoint.takes and media not in _MEDIA[endpoint.takes]:
            raise refuse(415, f"The content type, '{media}', is not supported")
        if not self._platform.rates.admits(endpoint.name, self._platform.seconds()):
            raise refuse_rate()
        key = headers.get(b"x-line-retry-key")
        return None if key is None else key.decode("latin-1")

    async def _carry_out(
        self, handler: Handler, call: Call, fault: CallFault | None
    ) -> tuple[Answer, str]:
        """The answer, and the outcome to count; a fault may come before the effect or after."""
        if fault == "status_500":
            return json_answer(500, {"message": "Internal server error"}), "500"
        if fault == "status_429":
            return json_answer(429, {"message": RATE_LIMIT}), "429_rate"
        if fault == "timeout" and not self._platform.faults.takes_effect():
            return Answer(504), "timeout"
        try:
            answer = handler(self._platform, call)
            if not isinstance(answer, Answer):
                answer = await answer
        except Refused as refusal:
            if fault is None:
                raise
            answer = refusal.answer
        return answer, fault or str(answer.status)


def _request_id() -> str:
    """A random UUID as LINE's are; not from the system's source, which costs a call to it."""
    return str(uuid.UUID(int=random.getrandbits(128), version=4))


def _media(headers: Mapping[bytes, bytes]) -> str:
    """The content type without its parameters, such as a charset."""
    given = headers.get(b"content-type", b"")
    return given.partition(b";")[0].strip().lower().decode("latin-1")


def _whole_path(scope: Scope) -> str:
    query: str = scope["query_string"].decode("latin-1")
    path: str = scope["path"]
    return f"{path}?{query}" if query else path


def _query(scope: Scope) -> dict[str, str]:
    if not scope["query_string"]:
        return {}
    try:
        return dict(parse_qsl(scope["query_string"].decode("latin-1"), max_num_fields=20))
    except ValueError:
        return {}


def _refuse_token(given: bytes | None) -> Refused:
    if given is None:
        return refuse(
            401,
            "Authorization header required. Must follow the scheme, "
            "'Authorization: Bearer <ACCESS TOKEN>'",
        )
    return refuse(
        401,
        "Authentication failed due to the following reason: invalid token. "
        "Confirm that the access token in the authorization header is valid.",
    )


async def _read(receive: Receive) -> bytes | None:
    """The whole body, or None when it is larger than LINE takes."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body if len(body) <= MOST_BYTES else None
    chunks, size = [body], len(body)
    while message.get("more_body"):
        message = await receive()
        size += len(message.get("body", b""))
        if size <= MOST_BYTES:
            chunks.append(message.get("body", b""))
    return b"".join(chunks) if size <= MOST_BYTES else None


async def _drop(scope: Scope, receive: Receive) -> None:
    drop_connection(scope)
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(send: Send, answer: Answer, request_id: str) -> None:
    start: Message = {
        "type": "http.response.start",
        "status": answer.status,
        "headers": [
            (b"content-type", answer.media.encode()),
            (b"content-length", b"%d" % len(answer.body)),
            (b"x-line-request-id", request_id.encode()),
            *answer.headers,
        ],
    }
    await send(start)
    await send({"type": "http.response.body", "body": answer.body})
