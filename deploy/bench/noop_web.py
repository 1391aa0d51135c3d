"""The yardstick of the ingress: the webhook's own server and application with endpoints that do
nothing, for benchmarks only. `python -m deploy.bench.noop_web` takes the webhook's settings.

`/bench/fastapi` is a plain FastAPI route; `/bench/short` is reached the same short way as
`/v1/purchases` (past FastAPI's layers). Both read the body and answer 202 with as many bytes.
"""

from fastapi import FastAPI
from fastapi.responses import Response
from starlette.requests import Request

from services.webhook import __main__ as webhook
from services.webhook import app, room
from services.webhook.settings import WebhookSettings
from shared import process, settings
from shared.process import Process

_ANSWER = b'{"id":"00000000-0000-0000-0000-000000000000","status":"accepted"}'


async def do_nothing(request: Request) -> Response:
    """Read the body and accept it."""
    await request.body()
    location = {"Location": "/v1/purchases/00000000-0000-0000-0000-000000000000"}
    return Response(_ANSWER, 202, location, media_type="application/json")


async def setup(running: Process) -> None:
    """The webhook with two more addresses."""
    await webhook.setup(running)
    assert isinstance(running.app, FastAPI)  # noqa: S101 - so the webhook makes it
    running.app.post("/bench/fastapi")(do_nothing)
    app.INPUT["/bench/short"], room.NEEDS["/bench/short"] = do_nothing, room.Need(1)


if __name__ == "__main__":
    process.run("bench-noop", settings.load(WebhookSettings), schema="webhook", setup=setup)
