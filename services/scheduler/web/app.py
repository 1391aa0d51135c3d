"""The service's ASGI app: its routers, and what they find in `app.state`."""

from fastapi import APIRouter, FastAPI

from services.scheduler.settings import SchedulerWebSettings
from services.scheduler.web import items, page, schedules
from services.scheduler.web.pages import PAGES
from shared import api_keys
from shared.process import Process
from shared.web import api, pages
from shared.web.staff import Gate

ROUTERS: tuple[APIRouter, ...] = (items.router, schedules.router, page.router)
"""Items before schedules: a path of theirs is no schedule's name."""


def documented() -> FastAPI:
    """The routes alone, for the API's document."""
    return api.documented("Tamaru scheduler", ROUTERS)


def build(process: Process, settings: SchedulerWebSettings) -> FastAPI:
    """The app of a process."""
    app = documented()
    app.state.settings = settings
    api.serve(
        app,
        process,
        api_keys.find,
        Gate(settings.session_keys, settings.public_url),
        redis_url=settings.redis_url.get_secret_value(),
        name="scheduler",
        rate=settings.rate_limit_per_second,
    )
    pages.install(app, PAGES)
    return app
