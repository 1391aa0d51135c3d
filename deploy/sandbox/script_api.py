"""`/sandbox/…`: what scripts, tests and the page use to look on and to meddle.

Owns the HTTP of it. Users and their acts stand in `script_users`.
"""

from typing import Annotated

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deploy.sandbox.faults import FaultSettings
from deploy.sandbox.script_http import answer, body_of, number, sandbox_of

MOST_LANDINGS = 10_000


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
    Route("/sandbox/quota", get_quota),
    Route("/sandbox/quota", put_quota, methods=["PUT"]),
    Route("/sandbox/faults", get_faults),
    Route("/sandbox/faults", put_faults, methods=["PUT"]),
    Route("/sandbox/reset", reset, methods=["POST"]),
]
