"""Puts the sandbox together: the fast edge for the Messaging API, and Starlette for the rest."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import aiohttp
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send
from yarl import URL

from deploy.sandbox import (
    authorize,
    friend_page,
    liff_api,
    login,
    login_page,
    phone,
    script_api,
    script_users,
    till,
)
from deploy.sandbox.answers import Answer, json_answer, refuse
from deploy.sandbox.calls import Call, json_object
from deploy.sandbox.channel_api import is_webhook_url
from deploy.sandbox.endpoints import Endpoint
from deploy.sandbox.line_edge import LineEdge
from deploy.sandbox.live import Watchers
from deploy.sandbox.platform import Channel, Platform, bot_user_id
from deploy.sandbox.sandbox import Sandbox
from deploy.sandbox.settings import SandboxSettings
from deploy.sandbox.webhook_sender import WebhookSender
from shared import ops, problems


@contextlib.asynccontextmanager
async def open_sandbox(
    settings: SandboxSettings, now: Callable[[], datetime]
) -> AsyncIterator[Sandbox]:
    """The running sandbox without its HTTP server: state, webhook sender, outgoing connections."""
    watchers = Watchers()
    channel = Channel(
        access_token=settings.line_channel_access_token.get_secret_value(),
        bot_user_id=bot_user_id(settings.line_login_channel_id),
        name=settings.account_name,
        webhook_url=settings.webhook_url,
    )
    platform = Platform(channel, now, on_change=watchers.wake)
    secret = settings.line_channel_secret.get_secret_value()
    async with aiohttp.ClientSession(trust_env=False) as http:
        sender = WebhookSender(platform, secret, http, settings.reached)
        sending = asyncio.create_task(sender.run())
        try:
            yield Sandbox(settings, platform, http, sender, watchers)
        finally:
            watchers.close()
            sender.forget()
            sending.cancel()
            await asyncio.wait([sending])


def create_app(sandbox: Sandbox) -> ASGIApp:
    """The whole ASGI application."""
    starlette = Starlette(
        routes=[
            *script_api.ROUTES,
            *script_users.ROUTES,
            *till.ROUTES,
            *login.ROUTES,
            *login_page.ROUTES,
            *authorize.ROUTES,
            *liff_api.ROUTES,
            *friend_page.ROUTES,
            *phone.ROUTES,
            *ops.routes({}),
        ],
        middleware=[
            Middleware(SameOriginWrites, allowed=sandbox.card_origin),
            Middleware(
                CORSMiddleware, allow_origins=[sandbox.card_origin], allow_methods=["GET", "POST"]
            ),
        ],
    )
    starlette.state.sandbox = sandbox
    problems.install(starlette)
    line = LineEdge(
        sandbox.platform, {_TEST_PATH: Endpoint("test_webhook", _tester(sandbox), "json")}
    )

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/v2/bot/"):
            await line(scope, receive, send)
        else:
            await starlette(scope, receive, send)

    return app


class SameOriginWrites:
    """Refuses changes that another site's page asks for: anyone's browser can reach loopback."""

    def __init__(self, app: ASGIApp, allowed: str) -> None:
        self._app = app
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in ("GET", "HEAD", "OPTIONS"):
            headers = dict(scope["headers"])
            origin = headers.get(b"origin", b"").decode("latin-1")
            host = headers.get(b"host", b"").decode("latin-1")
            if origin and origin != self._allowed and origin.partition("://")[2] != host:
                refusal = problems.Problem(
                    403, "foreign-origin", "Only the sandbox's own page may ask for this."
                )
                await refusal.response()(scope, receive, send)
                return
        await self._app(scope, receive, send)


_TEST_PATH = ("POST", "/v2/bot/channel/webhook/test")


def _tester(sandbox: Sandbox) -> Callable[[Platform, Call], "asyncio.Future[Answer]"]:
    """`POST /v2/bot/channel/webhook/test`: send an empty webhook and tell what came of it."""

    async def probe(platform: Platform, call: Call) -> Answer:
        request = json_object(call.body) if call.body else {}
        url = request.get("endpoint") or platform.channel.webhook_url
        if not is_webhook_url(url):
            raise refuse(400, "Invalid webhook endpoint URL")
        status, reason = await sandbox.sender.probe(str(URL(url)))
        return json_answer(
            200,
            {
                "success": 200 <= status < 300,
                "timestamp": platform.now().astimezone(UTC).isoformat(timespec="milliseconds"),
                "statusCode": status,
                "reason": "OK" if 200 <= status < 300 else reason or "ERROR_STATUS_CODE",
                "detail": str(status),
            },
        )

    def handler(platform: Platform, call: Call) -> "asyncio.Future[Answer]":
        return asyncio.ensure_future(probe(platform, call))

    return handler
