"""Signing in with LINE: the authorization code flow, with state, nonce and PKCE.

LINE asks the person, and sends the browser back with a code; the code buys an ID token from LINE
over our own connection; LINE then says whose it is. What belongs together is in a signed note that
the browser carries (`web.sign_in_line`).
"""

import base64
import hashlib
import secrets
from typing import TypeVar
from urllib.parse import urlencode

import aiohttp
import msgspec

from services.points.settings import WebSettings

Answer = TypeVar("Answer", bound=msgspec.Struct)

SECONDS = 8
CALLBACK = "/session/line/callback"


class LineRefused(Exception):
    """LINE does not say who it is: the code is wrong or used, or LINE is away."""


class _Tokens(msgspec.Struct):
    id_token: str


class _Claims(msgspec.Struct):
    sub: str
    nonce: str | None = None


class LineSignIn:
    """The shop's login channel."""

    def __init__(self, settings: WebSettings, secret: str) -> None:
        self._channel = settings.line_login_channel_id
        self._secret = secret
        self._api = settings.line_api_base.rstrip("/")
        self._access = settings.access_base
        self._redirect = settings.public_url.rstrip("/") + CALLBACK
        self._client: aiohttp.ClientSession | None = None

    def address(self, *, state: str, nonce: str, verifier: str) -> str:
        """Where LINE asks the person."""
        digest = hashlib.sha256(verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self._channel,
            "redirect_uri": self._redirect,
            "state": state,
            "scope": "openid profile",
            "nonce": nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        return f"{self._access}/oauth2/v2.1/authorize?{urlencode(query)}"

    async def user(self, code: str, *, nonce: str, verifier: str) -> str:
        """The LINE user behind a code that LINE sent a browser back with. Raises LineRefused."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect,
            "client_id": self._channel,
            "client_secret": self._secret,
            "code_verifier": verifier,
        }
        tokens = await self._ask("/oauth2/v2.1/token", form, _Tokens)
        form = {"id_token": tokens.id_token, "client_id": self._channel, "nonce": nonce}
        claims = await self._ask("/oauth2/v2.1/verify", form, _Claims)
        if claims.nonce != nonce:
            raise LineRefused("the token is for another sign-in")
        return claims.sub

    async def close(self) -> None:
        """Close the client."""
        if self._client is not None:
            await self._client.close()

    async def _ask(self, path: str, form: dict[str, str], kind: type[Answer]) -> Answer:
        if self._client is None:
            timeout = aiohttp.ClientTimeout(total=SECONDS)
            self._client = aiohttp.ClientSession(timeout=timeout)
        try:
            async with self._client.post(self._api + path, data=form) as answer:
                body = await answer.read()
                if answer.status != 200:
                    raise LineRefused(f"LINE answered {answer.status}")
            return msgspec.json.decode(body, type=kind)
        except (aiohttp.ClientError, TimeoutError, msgspec.MsgspecError) as problem:
            raise LineRefused(type(problem).__name__) from problem


def opened(settings: WebSettings) -> LineSignIn | None:
    """How people sign in with LINE here; None where that is not set up."""
    kept = settings.line_login_channel_secret
    secret = kept.get_secret_value() if kept else ""
    return LineSignIn(settings, secret) if secret and settings.public_url else None


def random_text() -> str:
    """Something that nobody guesses: 43 characters, as PKCE wants at least."""
    return secrets.token_urlsafe(32)
