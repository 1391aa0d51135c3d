"""Calling an ASGI application without a server."""

from collections.abc import Awaitable, Callable

import pytest
from starlette.types import ASGIApp

Answer = tuple[int, dict[str, str], bytes]


@pytest.fixture
def ask() -> Callable[..., Awaitable[Answer]]:
    """`await ask(app, "/path", "GET")` is (status, headers, body)."""

    async def ask(app: ASGIApp, path: str, method: str = "GET") -> Answer:
        sent: list[dict] = []

        async def receive() -> dict:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": b"",
            "headers": [],
        }
        try:
            await app(scope, receive, send)
        except RuntimeError:  # Starlette answers, then raises what nobody foresaw
            assert sent
        headers = {key.decode(): value.decode() for key, value in sent[0]["headers"]}
        return sent[0]["status"], headers, b"".join(each.get("body", b"") for each in sent[1:])

    return ask
