"""The service's ASGI app: its routers, and what they find in `app.state`."""

from fastapi import APIRouter, FastAPI

from services.notify.connection.line import Connection, Login
from services.notify.links.clicks import Clicks
from services.notify.links.redirect import Redirect
from services.notify.settings import NotifyWebSettings
from services.notify.templates.in_force import InForce
from services.notify.web import (
    broadcasts,
    connection,
    console,
    console_broadcasts,
    console_parts,
    console_wording,
    deliveries,
    links,
    menus,
    message_settings,
    notices,
    quota,
    statistics,
    template_trials,
    templates,
    theme,
)
from services.notify.web.pages import PAGES
from shared import api_keys
from shared.line_login import LineLogin
from shared.process import Process
from shared.web import api, pages
from shared.web.staff import Gate

ROUTERS: tuple[APIRouter, ...] = (
    broadcasts.router,
    connection.router,
    console.router,
    console_broadcasts.router,
    console_parts.router,
    console_wording.router,
    deliveries.router,
    links.router,
    menus.router,
    quota.router,
    message_settings.router,
    notices.router,
    statistics.router,
    templates.router,
    theme.router,
    template_trials.router,
)


def documented() -> FastAPI:
    """The routes alone, for the API's document."""
    return api.documented("Tamaru notify", ROUTERS)


def build(process: Process, settings: NotifyWebSettings) -> FastAPI:
    """The app of a process."""
    app = documented()
    app.state.settings = settings
    app.state.line_login = LineLogin(settings.line_api_base, settings.line_login_channel_id)
    process.on_stop.append(app.state.line_login.close)
    api.serve(
        app,
        process,
        api_keys.find,
        Gate(settings.session_keys, settings.public_url),
        redis_url=settings.redis_url.get_secret_value(),
        name="notify",
        rate=settings.rate_limit_per_second,
    )
    secret = settings.line_login_channel_secret
    app.state.connection = Connection(
        settings.line_api_base,
        settings.line_channel_access_token.get_secret_value(),
        settings.public_url,
        Login(
            settings.line_login_channel_id,
            secret.get_secret_value() if secret else None,
            settings.liff_id,
        ),
    )
    app.state.words = InForce(settings.public_url)
    pages.install(app, PAGES)
    clicks = Clicks(process.pool)
    process.task(clicks.run())
    process.on_stop.append(clicks.close)
    process.app = Redirect(process.pool, clicks, behind=app)
    return app
