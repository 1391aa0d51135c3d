"""`/console/settings/line` and `/v1/messages/connection`: whether LINE and the shop reach each
other, looked at live, with what to do."""

from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from services.notify.connection.line import Connection
from services.notify.connection.steps import Step
from services.notify.web.pages import PAGES
from shared.problems import Problem
from shared.web.acting import acting, audited
from shared.web.auth import Caller, Owner
from shared.web.staff import Manager

NAMES = {
    "token": ("アクセストークン", "Access token"),
    "webhook": ("Webhookの宛先", "Webhook address"),
    "delivery": ("Webhookのテスト", "Webhook test"),
    "quota": ("今月の通数", "This month's messages"),
    "liff": ("会員カード(LIFF)", "Member card (LIFF)"),
}

router = APIRouter()


class ConnectionStep(BaseModel):
    """A step of the set-up: `state` good, warn, bad, or unknown where LINE gave no answer."""

    name: Literal["token", "webhook", "delivery", "quota", "liff"]
    state: Literal["good", "warn", "bad", "unknown"]
    ja: str
    en: str


class ConnectionSteps(BaseModel):
    """All steps, in the order in which one sets them up."""

    items: list[ConnectionStep]
    next: None = None


class WebhookSet(BaseModel):
    """The address that LINE was told."""

    endpoint: str


@router.get("/v1/messages/connection", response_model=ConnectionSteps, tags=["connection"])
async def steps(request: Request, key: Caller) -> ConnectionSteps:
    """Ask LINE about each step: token, webhook, a test delivery, quota. Takes up to 12 seconds."""
    found = await _connection(request).look()
    return ConnectionSteps(items=[_shown(step) for step in found])


@router.post("/v1/messages/connection/webhook", response_model=WebhookSet, tags=["connection"])
async def set_webhook(request: Request, key: Owner) -> WebhookSet:
    """Tell LINE to send what happens to this installation (its public address). Told twice is as
    once."""
    connection = _connection(request)
    reply = await connection.set_webhook()
    if reply.status != 200:
        said = reply.body.get("message", "")
        words = f"LINE answered {reply.status}. {said} It takes https addresses only."
        raise Problem(422 if reply.status == 400 else 503, "webhook-not-set", words)
    async with acting(request):  # the change is LINE's; ours is the trail of who asked for it
        told = {"webhook": connection.webhook_url}
        audited(request, "connection", before=None, after=told)
    return WebhookSet(endpoint=connection.webhook_url)


@router.get("/console/settings/line", include_in_schema=False)
async def page(request: Request, staff: Manager) -> HTMLResponse:
    """The page; what LINE says follows, as it may take seconds."""
    return PAGES.render(request, "connection.html", webhook_url=_connection(request).webhook_url)


@router.get("/console/settings/line/steps", include_in_schema=False)
async def live(request: Request, staff: Manager) -> HTMLResponse:
    """The steps, as a part of the page."""
    found = await _connection(request).look()
    return PAGES.render(request, "connection_steps.html", steps=found, names=NAMES)


def _connection(request: Request) -> Connection:
    connection: Connection = request.app.state.connection
    return connection


def _shown(step: Step) -> ConnectionStep:
    return ConnectionStep(name=step.name, state=step.state, ja=step.ja, en=step.en)
