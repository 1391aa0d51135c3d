"""A service's HTTP API: how it is documented, and how it answers what goes wrong."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.responses import Response

from shared import ops, problems
from shared.db import CONFLICTS, UNREACHABLE
from shared.process import Process
from shared.ratelimit import RateLimit
from shared.web import schemas
from shared.web.auth import FindKey
from shared.web.crowd import AtMost
from shared.web.staff import Gate, SignIn, lead_to_sign_in

_PROBLEMS = {
    status: {"model": schemas.Problem, "description": text}
    for status, text in (
        (400, "Malformed; the detail says how."),
        (401, "The API key is missing, unknown or revoked, or the sign-in has ended."),
        (403, "This API key, or your role, may not do that."),
        (404, "Nobody or nothing is named by this."),
        (409, "It cannot be done as things are; the detail says why."),
        (422, "Refused by a rule; `errors` lists what is wrong in the input."),
        (429, "Too fast for this API key."),
        (503, "Too much is under way, or the database is not reached. Send it again, unchanged."),
    )
}
_PROBLEM = {"schema": {"$ref": "#/components/schemas/Problem"}}


def documented(title: str, routers: Sequence[APIRouter]) -> FastAPI:
    """The routes alone, for the API's document."""
    app = FastAPI(
        title=title,
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        responses=_PROBLEMS,  # type: ignore[arg-type]
    )
    for router in routers:
        app.include_router(router)
    described = app.openapi
    app.openapi = lambda: _by_type(described())  # type: ignore[method-assign]
    return app


def serve(
    app: FastAPI,
    process: Process,
    find_key: FindKey,
    gate: Gate,
    *,
    redis_url: str,
    name: str,
    rate: int,
) -> None:
    """Make `app` the one that `process` serves: keys, people, their rate, problems, operations.

    `gate` reads the tokens of who is signed in; `name` is the service's; `rate` is in calls a
    second of one caller.
    """
    app.state.process = process
    app.state.find_key = find_key
    app.state.staff_gate = gate
    app.state.name = name
    prefix = f"{process.settings.bus_namespace}:{name}"
    app.state.rate_limit = RateLimit(redis_url, prefix, rate)
    process.on_stop.append(app.state.rate_limit.close)
    app.add_middleware(AtMost)
    problems.install(app)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(SignIn, lead_to_sign_in)
    for error in CONFLICTS:
        app.add_exception_handler(error, _busy)
    for error in UNREACHABLE:
        app.add_exception_handler(error, _unreachable)
    app.router.routes.extend(ops.routes(process.checks))
    process.app = app


def _by_type(document: dict[str, Any]) -> dict[str, Any]:
    """The document with problems under their own media type, which FastAPI cannot be told."""
    for operations in document["paths"].values():
        for operation in operations.values():
            for answer in operation.get("responses", {}).values():
                content = answer.get("content", {})
                if content.get("application/json") == _PROBLEM:
                    content[problems.MEDIA_TYPE] = content.pop("application/json")
    return document


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it only
    details = error.errors()
    if any(each["type"] == "json_invalid" for each in details):
        return problems.malformed("Send the body as JSON in UTF-8.").response()
    found = [(_path(each["loc"]), str(each["msg"])) for each in details]
    return problems.invalid(found).response()


def _path(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location if part not in ("body", "query", "path"))


async def _busy(_: Request, error: Exception) -> Response:
    detail = "Somebody changed the same things at this moment. Send it again, unchanged."
    return problems.unavailable(detail, retry_after=1).response()


async def _unreachable(_: Request, error: Exception) -> Response:
    return problems.unavailable("The database is not reached. Try again shortly.").response()
