"""The web application: its addresses and what they are documented as.

Input goes to its endpoint by a look into a table, past FastAPI's layers: those cost more than all
that an accepted purchase needs of this process's own code. Everything else is served the usual way.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from services.webhook import counters, documentation
from services.webhook import tracing as webhook_tracing
from services.webhook.batch_endpoint import post_purchases
from services.webhook.ingress import Ingress, admit, headers_of
from services.webhook.line_endpoint import receive_webhook
from services.webhook.purchase_endpoint import post_purchase
from services.webhook.room import Taken
from shared import ops, problems, tracing
from shared.problems import Problem

Endpoint = Callable[[Request], Awaitable[Response]]

INPUT: dict[str, Endpoint] = {
    "/v1/purchases": post_purchase,
    "/v1/purchases/batch": post_purchases,
    "/line/webhook": receive_webhook,
}
"""What is posted where."""


class WebhookApp(FastAPI):
    """FastAPI with a short way in for `INPUT`, which it also documents."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        endpoint = INPUT.get(scope["path"]) if scope["type"] == "http" else None
        if endpoint is None or scope["method"] != "POST":
            await super().__call__(scope, receive, send)
            return
        scope["app"] = self
        request = Request(scope, receive)
        if tracing.on():
            response = await _traced(self._answer, endpoint, request)
        else:
            response = await self._answer(endpoint, request)
        await response(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document of this service."""
        return documentation.complete(super().openapi())

    async def _answer(self, endpoint: Endpoint, request: Request) -> Response:
        ingress: Ingress = self.state.ingress
        taken: Taken | None = None
        try:
            taken = await admit(ingress, request)
            return await endpoint(request)
        except Problem as problem:
            counters.refused(problem)
            return problem.response()
        except Exception as error:
            handler: Any = self.exception_handlers[Exception]
            response: Response = await handler(request, error)
            return response
        finally:
            if taken is not None:
                ingress.room.leave(taken)


async def _traced(
    answer: Callable[[Endpoint, Request], Awaitable[Response]], endpoint: Endpoint, request: Request
) -> Response:
    """Answer inside a span, below the caller's if it sent one."""
    path = request.scope["path"]
    attributes = {"http.request.method": "POST", "http.route": path}
    parent = webhook_tracing.sent(headers_of(request))
    with tracing.span(f"POST {path}", "server", parent, attributes) as span:
        response = await answer(endpoint, request)
        if span is not None:
            span.note(http__response__status_code=response.status_code)
            if response.status_code >= 500:
                span.fail("server error")
    return response


def documented() -> FastAPI:
    """The addresses alone, for the API's document."""
    return WebhookApp(title="Tamaru webhook", version="0.1.0", docs_url=None, redoc_url=None)


def make_app(ingress: Ingress, checks: Mapping[str, ops.Check]) -> FastAPI:
    """The application over its parts."""
    app = documented()
    # Routed too, so that another method is a 405 and the addresses can be listed.
    app.router.routes.extend(Route(path, act, methods=["POST"]) for path, act in INPUT.items())
    app.router.routes.extend(ops.routes(checks))
    app.state.ingress = ingress
    problems.install(app)
    return app
