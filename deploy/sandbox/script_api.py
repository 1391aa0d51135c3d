"""`/sandbox/…`: what scripts, tests and the page use to look on and to meddle.

Owns the HTTP of it. Users and their acts stand in `script_users`.
"""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deploy.sandbox import call_log, user_acts
from deploy.sandbox.faults import FaultSettings
from deploy.sandbox.script_http import answer, body_of, number, sandbox_of
from deploy.sandbox.webhook_events import Event
from shared.problems import Problem, malformed

MOST_LANDINGS = 10_000
MOST_ENTRIES = 100
MOST_EVENTS = 1_000


class QuotaSettings(Struct, forbid_unknown_fields=True):
    """`plan` is what the account may send a month, null without a limit; `used` replaces the
    count, as if so many had been sent."""

    plan: Annotated[int, Meta(ge=0)] | None = None
    used: Annotated[int, Meta(ge=0)] | None = None


async def stats(request: Request) -> Response:
    sandbox = sandbox_of(request)
    platform = sandbox.platform
    return answer(
        {
            **platform.outcomes,
            "messages_delivered": platform.deliveries.total,
            "users": len(platform.people),
            "quota_used": platform.quota.used(platform.seconds()),
            "retry_keys": len(platform.retry_keys),
            "webhooks_outstanding": sandbox.sender.outstanding,
        }
    )


async def deliveries(request: Request) -> Response:
    """Every delivery since a cursor, for load checks: who, what, when; no messages."""
    after = number(request, "after", 0, 2**62)
    limit = number(request, "limit", MOST_LANDINGS, MOST_LANDINGS)
    found = sandbox_of(request).platform.deliveries.landings(after, limit)
    return answer({"items": found, "next": found[-1].cursor if found else after})


async def log(request: Request) -> Response:
    """The latest calls and webhooks since a number, each with what LINE's rules say of it."""
    after = number(request, "after", 0, 2**62)
    found = sandbox_of(request).platform.log.since(after)[:MOST_ENTRIES]
    items = [call_log.whole(entry) for entry in found]
    return answer({"items": items, "next": found[-1].number if found else after})


async def log_entry(request: Request) -> Response:
    entry = sandbox_of(request).platform.log.find(request.path_params["number"])
    if entry is None:
        raise Problem(404, "not-found", "This entry is not kept, or not any more.")
    return answer(call_log.whole(entry))


async def events(request: Request) -> Response:
    """Send any webhook events, as they are: one object, or `{"events": [...]}`.

    With `?complete=1` what an event lacks of id, time, mode and reply token is filled in."""
    sandbox = sandbox_of(request)
    sent = await _events(request)
    if request.query_params.get("complete"):
        sent = [user_acts.completed(sandbox.platform, event) for event in sent]
    sandbox.sender.submit(sent)
    return answer({"webhook_event_ids": [event.get("webhookEventId") for event in sent]})


async def _events(request: Request) -> list[Event]:
    try:
        content = msgspec.json.decode(await request.body())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise malformed("The body must be JSON.") from None
    found = content.get("events", [content]) if isinstance(content, dict) else None
    if not isinstance(found, list) or not 1 <= len(found) <= MOST_EVENTS:
        raise Problem(422, "invalid", f"Send one event, or a list of 1 to {MOST_EVENTS}.")
    if not all(isinstance(event, dict) for event in found):
        raise Problem(422, "invalid", "Each event must be an object.")
    return found


async def get_quota(request: Request) -> Response:
    platform = sandbox_of(request).platform
    used = platform.quota.used(platform.seconds())
    return answer({"plan": platform.quota.plan, "limit": platform.quota.limit, "used": used})


async def put_quota(request: Request) -> Response:
    settings = await body_of(request, QuotaSettings)
    platform = sandbox_of(request).platform
    platform.quota.plan = settings.plan
    if settings.used is not None:
        platform.quota.set_used(settings.used, platform.seconds())
    if platform.on_change:
        platform.on_change()
    return await get_quota(request)


async def get_faults(request: Request) -> Response:
    return answer(sandbox_of(request).platform.faults.shown())


async def put_faults(request: Request) -> Response:
    """Replace the faults in force; what is left out returns to its default."""
    settings = await body_of(request, FaultSettings)
    platform = sandbox_of(request).platform
    platform.set_faults(settings)
    return answer(platform.faults.shown())


async def reset(request: Request) -> Response:
    sandbox = sandbox_of(request)
    sandbox.sender.forget()
    sandbox.platform.reset()
    return answer({"status": "empty"})


ROUTES = [
    Route("/sandbox/stats", stats),
    Route("/sandbox/deliveries", deliveries),
    Route("/sandbox/log", log),
    Route("/sandbox/log/{number:int}", log_entry),
    Route("/sandbox/events", events, methods=["POST"]),
    Route("/sandbox/quota", get_quota),
    Route("/sandbox/quota", put_quota, methods=["PUT"]),
    Route("/sandbox/faults", get_faults),
    Route("/sandbox/faults", put_faults, methods=["PUT"]),
    Route("/sandbox/reset", reset, methods=["POST"]),
]
