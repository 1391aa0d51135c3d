"""The service's ASGI app: its routers, and what they find in `app.state`."""

from fastapi import APIRouter, FastAPI

from services.notify.settings import NotifyWebSettings
from shared import api_keys
from shared.process import Process
from shared.web import api

ROUTERS: tuple[APIRouter, ...] = ()


def documented() -> FastAPI:
    """The routes alone, for the API's document."""
    return api.documented("Tamaru notify", ROUTERS)


def build(process: Process, settings: NotifyWebSettings) -> FastAPI:
    """The app of a process."""
    app = documented()
    app.state.settings = settings
    api.serve(
        app,
        process,
        api_keys.find,
        redis_url=settings.redis_url.get_secret_value(),
        name="notify",
        rate=settings.rate_limit_per_second,
    )
    return app
