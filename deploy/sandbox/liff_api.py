"""The LIFF server API, as far as it is asked which apps there are, and the tokens that it takes.

Owns `/oauth2/v3/token` (stateless channel access tokens) and `GET /liff/v1/apps`. The sandbox has
one login channel with one app: the member card.
"""

import hmac
import secrets
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deploy.sandbox.script_http import sandbox_of

SECONDS = 900


async def token(request: Request) -> Response:
    """`POST /oauth2/v3/token`: for a quarter of an hour."""
    sandbox = sandbox_of(request)
    try:
        given = dict(parse_qsl((await request.body()).decode(), max_num_fields=20))
    except ValueError:
        given = {}
    if given.get("grant_type") != "client_credentials":
        return _refused(400, "invalid_request", "grant_type is not supported")
    settings, secret = sandbox.settings, given.get("client_secret", "")
    known = settings.line_login_channel_secret
    wanted = known.get_secret_value() if known else secret
    good = hmac.compare_digest(secret.encode(), wanted.encode())
    if given.get("client_id") != settings.line_login_channel_id or not good:
        return _refused(400, "invalid_client", "invalid client_id or client_secret")
    made = secrets.token_urlsafe(32)
    sandbox.login_tokens[made] = sandbox.platform.seconds() + SECONDS
    return JSONResponse({"access_token": made, "expires_in": SECONDS, "token_type": "Bearer"})


async def apps(request: Request) -> Response:
    """`GET /liff/v1/apps`."""
    sandbox = sandbox_of(request)
    shown = request.headers.get("authorization", "").removeprefix("Bearer ")
    if sandbox.login_tokens.get(shown, 0) < sandbox.platform.seconds():
        return JSONResponse({"message": "Authentication failed"}, 401)
    view = {"type": "full", "url": sandbox.settings.card_url}
    card = {
        "liffId": sandbox.settings.liff_id,
        "view": view,
        "description": "member card",
        "features": {"ble": False, "qrCode": True},
        "permanentLinkPattern": "concat",
        "scope": ["openid", "profile"],
        "botPrompt": "none",
    }
    return JSONResponse({"apps": [card]})


def _refused(status: int, error: str, words: str) -> Response:
    return JSONResponse({"error": error, "error_description": words}, status)


ROUTES = [
    Route("/oauth2/v3/token", token, methods=["POST"]),
    Route("/liff/v1/apps", apps),
]
