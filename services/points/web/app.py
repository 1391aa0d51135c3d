"""The service's ASGI app: routes, problems, what handlers find in `app.state`."""

from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from starlette.responses import Response

from services.points.errors import AlreadyTaken, MemberGone, MergedMeanwhile, NotEnoughPoints
from services.points.members.enrolment import Enrolment
from services.points.programs.rulebook import Rulebook
from services.points.purchases.awards import Awards
from services.points.settings import WebSettings
from services.points.web import (
    backtests,
    card,
    card_farewell,
    documents,
    hooks,
    leaving,
    link_page,
    links,
    members,
    merges,
    profiles,
    program,
    purchases,
    quotes,
    rankings,
    redemptions,
    refunds,
    schemas,
    service,
    versions,
)
from shared import ops, problems
from shared.bus.errors import NotYet
from shared.db import CONFLICTS, UNREACHABLE
from shared.process import Process
from shared.ratelimit import RateLimit

STATIC = Path(__file__).parent.parent / "pages" / "static"
_PROBLEMS = {
    status: {"model": schemas.Problem, "description": text}
    for status, text in (
        (400, "Malformed; the detail says how."),
        (401, "The API key is missing, unknown or revoked."),
        (403, "This API key may not do that."),
        (404, "Nobody or nothing is named by this."),
        (409, "It cannot be done as things are; the detail says why."),
        (422, "Refused by a rule; `errors` lists what is wrong in the input."),
        (429, "Too fast for this API key."),
        (503, "The database is not reached. Send it again, unchanged."),
    )
}


def documented() -> FastAPI:
    """The routes alone, for the API's document."""
    app = FastAPI(
        title="Tamaru points",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        responses=_PROBLEMS,  # type: ignore[arg-type]
    )
    for module in (
        members,
        profiles,
        links,
        merges,
        leaving,
        card_farewell,
        service,
        quotes,
        program,
        versions,
        backtests,
        rankings,
        purchases,
        redemptions,
        refunds,
        hooks,
        card,
        link_page,
        documents,
    ):
        app.include_router(module.router)
    described = app.openapi
    app.openapi = lambda: documents.problems_by_type(described())  # type: ignore[method-assign]
    return app


def build(process: Process, settings: WebSettings) -> FastAPI:
    """The app of a process."""
    app = documented()
    rulebook = Rulebook()
    app.state.process = process
    app.state.settings = settings
    app.state.rulebook = rulebook
    qr_key = settings.qr_signing_key.get_secret_value().encode()
    app.state.awards = Awards(rulebook, qr_key)
    app.state.enrolment = Enrolment(rulebook, app.state.awards)
    app.state.card = card.Card(settings, qr_key)
    prefix = f"{settings.bus_namespace}:points"
    redis_url = settings.redis_url.get_secret_value()
    app.state.rate_limit = RateLimit(redis_url, prefix, settings.rate_limit_per_second)
    process.on_stop += [app.state.card.close, app.state.rate_limit.close]
    problems.install(app)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(AlreadyTaken, _taken)
    app.add_exception_handler(NotEnoughPoints, _not_enough)
    app.add_exception_handler(NotYet, _not_ready)
    app.add_exception_handler(MergedMeanwhile, _merged)
    app.add_exception_handler(MemberGone, _gone)
    for error in CONFLICTS:
        app.add_exception_handler(error, _busy)
    for error in UNREACHABLE:
        app.add_exception_handler(error, _unreachable)
    app.router.routes.extend(ops.routes(process.checks))
    app.mount("/static/points", StaticFiles(directory=STATIC))
    return app


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it only
    details = error.errors()
    if any(each["type"] == "json_invalid" for each in details):
        return problems.malformed("Send the body as JSON in UTF-8.").response()
    found = [(_path(each["loc"]), str(each["msg"])) for each in details]
    return problems.invalid(found).response()


def _path(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location if part not in ("body", "query", "path"))


async def _taken(_: Request, error: Exception) -> Response:
    return problems.Problem(409, "name-taken", f"{error}. Look that member up.").response()


async def _not_enough(_: Request, error: Exception) -> Response:
    assert isinstance(error, NotEnoughPoints)  # noqa: S101 - registered for it only
    return problems.Problem(
        422,
        "not-enough-points",
        f"The balance is {error.balance} points. Take no more than that.",
        balance=error.balance,
    ).response()


async def _not_ready(_: Request, error: Exception) -> Response:
    return problems.Problem(409, "no-program", f"{error}. PUT /v1/program first.").response()


async def _merged(_: Request, error: Exception) -> Response:
    return problems.Problem(409, "merged-meanwhile", f"{error}.").response()


async def _gone(_: Request, error: Exception) -> Response:
    words = "退会された会員です。 The member has left: nothing can be given or taken any more."
    return problems.Problem(409, "member-gone", words).response()


async def _busy(_: Request, error: Exception) -> Response:
    detail = "Somebody changed the same things at this moment. Send it again, unchanged."
    return problems.unavailable(detail, retry_after=1).response()


async def _unreachable(_: Request, error: Exception) -> Response:
    return problems.unavailable("The database is not reached. Try again shortly.").response()
