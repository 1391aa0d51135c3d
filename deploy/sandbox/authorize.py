"""LINE Login's authorization code flow: the page that asks who it is, and codes for ID tokens.

Owns `/oauth2/v2.1/authorize` and `/oauth2/v2.1/token`. As at LINE, the callback address must be the
registered one, a code is good once and for ten minutes, and PKCE holds where it was begun.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from deploy.sandbox import id_tokens
from deploy.sandbox.people import User
from deploy.sandbox.sandbox import Sandbox
from deploy.sandbox.script_http import sandbox_of

CODE_SECONDS = 600
SHOWN = 30
_KEPT = ("client_id", "redirect_uri", "state", "scope", "nonce", "code_challenge")
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_PAGE = """<!doctype html><html lang="ja"><meta charset="utf-8">
<meta name="color-scheme" content="light dark">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>LINEログイン</title>
<link rel="icon" href="/static/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/page.css">
<main class="offer"><section class="panel"><h1>LINEログイン <small lang="en">LINE Login</small></h1>
{content}</section></main></html>"""


@dataclass(frozen=True)
class Granted:
    """What a code was given for."""

    user: User
    redirect_uri: str
    nonce: str | None
    challenge: str | None
    until: float


def registered(sandbox: Sandbox) -> str:
    """The one callback address, as LINE's console would be told."""
    return f"{sandbox.settings.shop_url}/session/line/callback"


async def authorize(request: Request) -> Response:
    """`GET /oauth2/v2.1/authorize`: who are you? `user_id` is the answer; `new` makes somebody."""
    sandbox, given = sandbox_of(request), dict(request.query_params)
    if problem := _problem(sandbox, given):
        sandbox.platform.note("in", "authorize", "400", problem)
        return _page(f"<p>400 Bad Request: {escape(problem)}</p>", 400)
    if "denied" in given:
        return _back(given, error="access_denied", error_description="The user said no.")
    user = sandbox.platform.people.find(given.get("user_id", ""))
    if "new" in given:
        user = sandbox.platform.people.add(given["new"][:100] or "スタッフ")
    if user is None:
        return _page(_choice(sandbox, {name: given[name] for name in _KEPT if name in given}), 200)
    code = secrets.token_urlsafe(24)
    sandbox.login_codes[code] = Granted(
        user,
        given["redirect_uri"],
        given.get("nonce"),
        given.get("code_challenge"),
        sandbox.platform.seconds() + CODE_SECONDS,
    )
    sandbox.platform.note("in", "authorize", "302")
    return _back(given, code=code)


async def token(request: Request) -> Response:
    """`POST /oauth2/v2.1/token`: an ID token for a code, once."""
    sandbox = sandbox_of(request)
    try:
        given = dict(parse_qsl((await request.body()).decode(), max_num_fields=20))
    except ValueError:
        given = {}
    granted = sandbox.login_codes.pop(given.get("code", ""), None)
    problem = _refusal(sandbox, given, granted)
    sandbox.platform.note("in", "token", "400" if problem else "200", problem)
    if problem or granted is None:
        error = "invalid_client" if problem == "invalid client_secret" else "invalid_grant"
        return JSONResponse({"error": error, "error_description": problem}, 400)
    issued = id_tokens.issue(
        sandbox.token_key,
        channel_id=sandbox.settings.line_login_channel_id,
        user_id=granted.user.user_id,
        name=granted.user.name,
        at=int(sandbox.platform.seconds()),
        nonce=granted.nonce,
    )
    answer: dict[str, Any] = {
        "access_token": secrets.token_urlsafe(32),
        "expires_in": 2592000,
        "id_token": issued,
        "refresh_token": secrets.token_urlsafe(16),
        "scope": "openid profile",
        "token_type": "Bearer",
    }
    return JSONResponse(answer, headers={"Cache-Control": "no-store"})


def _problem(sandbox: Sandbox, given: dict[str, str]) -> str:
    if given.get("response_type") != "code":
        return "response_type must be code."
    if given.get("client_id") != sandbox.settings.line_login_channel_id:
        return "client_id is not this channel's."
    if given.get("redirect_uri") != registered(sandbox):
        return f"redirect_uri does not match the registered {registered(sandbox)}"
    if not given.get("state") or "openid" not in given.get("scope", "").split():
        return "state and the scope openid are required."
    if "code_challenge" in given and given.get("code_challenge_method") != "S256":
        return "code_challenge_method must be S256."
    return ""


def _refusal(sandbox: Sandbox, given: dict[str, str], granted: Granted | None) -> str:
    settings = sandbox.settings
    secret = given.get("client_secret", "")
    known = settings.line_login_channel_secret
    wanted = known.get_secret_value() if known and known.get_secret_value() else secret
    if given.get("client_id") != settings.line_login_channel_id or not hmac.compare_digest(
        secret.encode(), wanted.encode()
    ):
        return "invalid client_secret"
    if granted is None or granted.until <= sandbox.platform.seconds():
        return "invalid authorization code"
    if given.get("grant_type") != "authorization_code":
        return "invalid grant_type"
    if given.get("redirect_uri") != granted.redirect_uri:
        return "redirect_uri does not match"
    if granted.challenge is not None:
        digest = hashlib.sha256(given.get("code_verifier", "").encode()).digest()
        made = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if not hmac.compare_digest(made, granted.challenge):
            return "invalid code_verifier"
    return ""


def _choice(sandbox: Sandbox, kept: dict[str, str]) -> str:
    """Links, one a person: this page has no script."""

    def link(words: str, **more: str) -> str:
        query = urlencode(
            {"response_type": "code", "code_challenge_method": "S256", **kept, **more}
        )
        address = escape(f"/oauth2/v2.1/authorize?{query}")
        return f'<a href="{address}">{escape(words)}</a>'

    people = sandbox.platform.people.newest(SHOWN)
    found = [link(each.name, user_id=each.user_id) for each in people]
    return "".join(
        [
            "<p>どなたとしてログインしますか?<br><small lang='en'>Who are you?</small></p>",
            '<div class="choices">',
            *found,
            link("新しい人 · Somebody new", new="スタッフ"),
            link("キャンセル · Cancel", denied="1"),
            "</div>",
        ]
    )


def _back(given: dict[str, str], **said: str) -> Response:
    query = urlencode({**said, "state": given["state"]})
    return RedirectResponse(f"{given['redirect_uri']}?{query}", 302, headers=_HEADERS)


def _page(content: str, status: int) -> Response:
    return HTMLResponse(_PAGE.format(content=content), status, _HEADERS)


ROUTES = [
    Route("/oauth2/v2.1/authorize", authorize),
    Route("/oauth2/v2.1/token", token, methods=["POST"]),
]
