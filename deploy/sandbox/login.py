"""LINE Login and LIFF: verification of ID tokens, and the `liff` object for pages.

Owns `/oauth2/v2.1/verify` and `/liff/sdk.js`. What a token holds stands in `id_tokens`.
"""

from pathlib import Path
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from deploy.sandbox import id_tokens
from deploy.sandbox.script_api import sandbox_of

_SDK = Path(__file__).parent / "static" / "liff.js"


async def verify(request: Request) -> Response:
    """`POST /oauth2/v2.1/verify`: the claims, or LINE's `{"error", "error_description"}`."""
    sandbox = sandbox_of(request)
    given = await _form(request)
    if not given.get("client_id"):
        return _invalid("client_id is required.")
    try:
        claims = id_tokens.verify(
            sandbox.token_key,
            given.get("id_token", ""),
            channel_id=given["client_id"],
            at=int(sandbox.platform.seconds()),
            nonce=given.get("nonce"),
            user_id=given.get("user_id"),
        )
    except id_tokens.InvalidToken as reason:
        sandbox.platform.note("in", "verify", "400", str(reason))
        return _invalid(str(reason))
    sandbox.platform.note("in", "verify", "200")
    return JSONResponse(claims)


async def _form(request: Request) -> dict[str, str]:
    """A URL-encoded form; anything else reads as empty, as LINE then misses the fields."""
    try:
        return dict(parse_qsl((await request.body()).decode(), max_num_fields=20))
    except ValueError:
        return {}


def _invalid(description: str) -> Response:
    return JSONResponse(
        {"error": "invalid_request", "error_description": description}, status_code=400
    )


async def sdk(_: Request) -> Response:
    return FileResponse(_SDK, media_type="text/javascript", headers={"cache-control": "no-cache"})


ROUTES = [
    Route("/oauth2/v2.1/verify", verify, methods=["POST"]),
    Route("/liff/sdk.js", sdk),
]
