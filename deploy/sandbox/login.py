"""LINE Login and LIFF: verification of ID tokens, and the `liff` object for pages.

Owns `/oauth2/v2.1/verify`, `/liff/sdk.js` and the end of the account link. What a token holds
stands in `id_tokens`.
"""

from html import escape
from pathlib import Path
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from deploy.sandbox import id_tokens, user_acts
from deploy.sandbox.script_http import sandbox_of

NONCE_SHORTEST, NONCE_LONGEST = 10, 255
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


async def account_link(request: Request) -> Response:
    """`GET /dialog/bot/accountLink`: where the shop's page sends the user back to.

    A good link token is used up, and the webhook tells the nonce; otherwise nothing is sent."""
    sandbox = sandbox_of(request)
    nonce = request.query_params.get("nonce", "")
    if not NONCE_SHORTEST <= len(nonce) <= NONCE_LONGEST:
        return _page("連携できませんでした", "nonce must have 10 to 255 characters.", 400)
    token = request.query_params.get("linkToken", "")
    user_id = sandbox.platform.link_tokens.redeem(token, sandbox.platform.seconds())
    user = sandbox.platform.people.find(user_id) if user_id else None
    if user is None:
        sandbox.platform.note("in", "accountLink", "400", "link token")
        return _page("連携できませんでした", "The link token has expired or was used.", 400)
    try:
        event = user_acts.account_link(sandbox.platform, user, nonce)
    except user_acts.Impossible as reason:
        return _page("連携できませんでした", f"{reason}.", 409)
    sandbox.platform.note("in", "accountLink", "200")
    sandbox.sender.submit([event])
    return _page("アカウント連携", "手続きが終わりました。トークにお戻りください。", 200)


def _page(title: str, text: str, status: int) -> Response:
    return HTMLResponse(
        f'<!doctype html><html lang="ja"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<h1>{escape(title)}</h1><p>{escape(text)}</p></html>",
        status,
        {"Content-Security-Policy": "default-src 'none'", "Referrer-Policy": "no-referrer"},
    )


ROUTES = [
    Route("/oauth2/v2.1/verify", verify, methods=["POST"]),
    Route("/liff/sdk.js", sdk),
    Route("/dialog/bot/accountLink", account_link),
]
