"""Errors over HTTP as RFC 9457 problem details: a stable `type`, what is wrong, what to do next."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from shared import logs

log = logs.logger(__name__)

MEDIA_TYPE = "application/problem+json"
_TITLES = {
    400: "Malformed request",
    401: "Not authenticated",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Too large",
    415: "Unsupported media type",
    422: "Refused by a rule",
    429: "Too many requests",
    500: "Internal error",
    503: "Not available now",
}


class Problem(Exception):
    """Answer with a problem. `type` is a stable word; `errors` are (path, message) pairs."""

    def __init__(
        self,
        status: int,
        type: str,
        detail: str,
        *,
        errors: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.reason = type
        self.headers = dict(headers or {})
        self.body: dict[str, Any] = {
            "type": f"urn:tamaru:problem:{type}",
            "title": _TITLES.get(status, "Error"),
            "status": status,
            "detail": detail,
            **extra,
        }
        if errors:
            self.body["errors"] = [{"path": path, "message": text} for path, text in errors]

    def response(self) -> Response:
        """The HTTP response."""
        return Response(
            msgspec.json.encode(self.body), self.status, self.headers, media_type=MEDIA_TYPE
        )


def unavailable(detail: str, retry_after: int = 2) -> Problem:
    """Nothing durable can be reached; the client should come again after so many seconds."""
    return Problem(503, "unavailable", detail, headers=come_again(retry_after))


def come_again(seconds: int) -> dict[str, str]:
    """The header that asks for so many seconds of patience, or up to half as many more (two at
    least), so that those who were sent away together do not come back together."""
    more = random.randint(0, max(2, seconds // 2))  # noqa: S311 - spreads load, guards nothing
    return {"Retry-After": str(seconds + more)}


def invalid(errors: Sequence[tuple[str, str]]) -> Problem:
    """Well-formed, but the content is refused; says where and why."""
    return Problem(422, "invalid", "Correct the fields listed in errors.", errors=errors)


def malformed(detail: str) -> Problem:
    """Not what this address takes at all."""
    return Problem(400, "malformed", detail)


def install(app: Starlette) -> None:
    """Make `app` answer every error as a problem; an unforeseen one tells nothing of the inside."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unforeseen)


async def _problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 - registered for this class only
    return error.response()


async def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    return of_http(error).response()


def of_http(error: HTTPException) -> Problem:
    """What the framework refuses by itself, as a problem."""
    word = _TITLES.get(error.status_code, "error").lower().replace(" ", "-")
    detail = {
        404: "There is nothing at this address. /openapi.json lists what there is.",
        405: "This address does not take this method. /openapi.json lists what it takes.",
    }.get(error.status_code, error.detail)
    return Problem(error.status_code, word, detail, headers=error.headers)


async def _unforeseen(request: Request, error: Exception) -> Response:
    # The route's own words: what stands in their places may be a secret, such as an invitation.
    path = getattr(request.scope.get("route"), "path", "none of ours")
    log.error("request failed", path=path, problem=repr(error), exc_info=error)
    return Problem(
        500, "internal", "This is a fault on our side and was recorded. Send the request again."
    ).response()
