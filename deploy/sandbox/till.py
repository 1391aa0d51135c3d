"""The till panel beside the phone: a purchase through the edge, as any till would post it.

Owns nothing of the product: it calls the public API with a till's key and shows what came.
"""

import uuid
from typing import Annotated, Any

import aiohttp
import msgspec
from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deploy.sandbox.sandbox import Sandbox
from deploy.sandbox.script_http import answer, body_of, moment, sandbox_of, user_of
from shared.problems import Problem

STORE = "main"
WAIT_SECONDS = 5
_TIMEOUT = aiohttp.ClientTimeout(total=WAIT_SECONDS + 5)


class Sale(Struct, forbid_unknown_fields=True):
    """`amount` in yen, tax of 10 % included."""

    card: Annotated[str, Meta(pattern=r"^[0-9]{13}$")]
    amount: Annotated[int, Meta(ge=0, le=100_000_000)]


async def sell(request: Request) -> Response:
    """Post one purchase and wait for its points, as a till does that prints them."""
    sale = await body_of(request, Sale)
    sandbox = sandbox_of(request)
    key = sandbox.settings.pos_api_key
    if key is None:
        raise Problem(503, "no-key", "Set POS_API_KEY to use the till panel.")
    headers = {
        "authorization": f"Bearer {key.get_secret_value()}",
        "idempotency-key": str(uuid.uuid4()),
        "prefer": f"wait={WAIT_SECONDS}",
    }
    purchase = {
        "store": STORE,
        "member": {"card": sale.card},
        "occurred_at": moment(sandbox.platform.seconds()),
        "total": sale.amount,
        "tax": sale.amount * 10 // 110,
    }
    return answer(await _call(sandbox, "POST", "/v1/purchases", headers, purchase))


async def card(request: Request) -> Response:
    """The card number of the phone's user, if an owner key lets us look; null otherwise."""
    user, sandbox = user_of(request), sandbox_of(request)
    key = sandbox.settings.owner_api_key
    if key is None:
        return answer({"card": None})
    headers = {"authorization": f"Bearer {key.get_secret_value()}"}
    found = await _call(sandbox, "GET", f"/v1/members/lookup?line_user_id={user.user_id}", headers)
    content = found["content"]
    return answer({"card": content.get("card") if isinstance(content, dict) else None})


async def _call(
    sandbox: Sandbox, method: str, path: str, headers: dict[str, str], content: Any = None
) -> dict[str, Any]:
    """What the edge answered: `{"status", "content"}`; status 0 when it could not be reached."""
    url = sandbox.settings.edge_url.rstrip("/") + path
    body = None if content is None else msgspec.json.encode(content)
    if body is not None:
        headers = {**headers, "content-type": "application/json"}
    try:
        async with sandbox.http.request(
            method, url, data=body, headers=headers, timeout=_TIMEOUT
        ) as response:
            return {"status": response.status, "content": _json(await response.read())}
    except (aiohttp.ClientError, TimeoutError, OSError):
        return {"status": 0, "content": None}


def _json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


ROUTES = [
    Route("/sandbox/till", sell, methods=["POST"]),
    Route("/sandbox/users/{user_id}/card", card),
]
