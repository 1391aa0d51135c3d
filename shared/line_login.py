"""Who opened a page in LINE: the ID token that the page shows, as LINE itself reads it.

The page trusts nothing that the browser says about who it is: a token goes to LINE for
verification, every time it is new.
"""

import hashlib
from datetime import UTC, datetime

import aiohttp
import msgspec
from starlette.requests import Request

from shared import clock
from shared.problems import Problem, unavailable

VERIFY_SECONDS = 5
MOST_TOKENS = 10_000
_AWAY = "LINE does not answer now. Open the card again shortly."


class _Claims(msgspec.Struct):
    sub: str
    exp: int


class LineLogin:
    """LINE's word on the ID tokens of one login channel, kept for as long as each is good."""

    def __init__(self, api_base: str, channel_id: str) -> None:
        self._url = f"{api_base}/oauth2/v2.1/verify"
        self._channel_id = channel_id
        self._session: aiohttp.ClientSession | None = None
        self._verified: dict[str, tuple[str, datetime]] = {}

    async def user(self, token: str) -> str:
        """The LINE user behind an ID token. Raises Problem 401, or 503 when LINE is away."""
        digest = hashlib.sha256(token.encode()).hexdigest()
        known = self._verified.get(digest)
        if known and known[1] > clock.now():
            return known[0]
        claims = await self._verify(token)
        if len(self._verified) >= MOST_TOKENS:
            self._verified.clear()
        self._verified[digest] = (claims.sub, datetime.fromtimestamp(claims.exp, UTC))
        return claims.sub

    async def close(self) -> None:
        """Close the client."""
        if self._session is not None:
            await self._session.close()

    async def _verify(self, token: str) -> _Claims:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=VERIFY_SECONDS)
            self._session = aiohttp.ClientSession(timeout=timeout)
        form = {"id_token": token, "client_id": self._channel_id}
        try:
            async with self._session.post(self._url, data=form) as answer:
                body = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as problem:
            raise unavailable(_AWAY) from problem
        if answer.status >= 500 or answer.status == 429:
            raise unavailable(_AWAY)
        if answer.status != 200:
            raise Problem(401, "line-token", "Open the card again from LINE: the sign-in ended.")
        return msgspec.json.decode(body, type=_Claims)


def token_of(request: Request) -> str:
    """The ID token that a request shows. Raises Problem 401 without one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Problem(401, "line-token", "Open the card from LINE.")
    return token
