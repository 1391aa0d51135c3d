"""LINE's statistics over the wire. Nothing is tried again here."""

from typing import Any

import aiohttp
import msgspec

SECONDS = 10.0
MOST_BYTES = 1_000_000


class NotNow(Exception):
    """LINE does not tell now: not reached, in trouble, or asked too often."""


class Refused(Exception):
    """LINE will not answer this, however often it is asked; the text says what LINE said."""


class InsightClient:
    """Make it inside the running loop, once per process; close it in the end."""

    def __init__(self, api_base: str, access_token: str) -> None:
        self._base = api_base.rstrip("/")
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {access_token}", "User-Agent": "tamaru"},
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=SECONDS),
            trust_env=False,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def ask(self, path: str, parameters: dict[str, str]) -> dict[str, Any]:
        """LINE's answer. Raises NotNow or Refused."""
        url = f"{self._base}{path}"
        try:
            async with self._session.get(url, params=parameters, allow_redirects=False) as answer:
                body = await answer.content.read(MOST_BYTES)
        except (aiohttp.ClientError, TimeoutError, OSError) as problem:
            raise NotNow(type(problem).__name__) from problem
        if answer.status in (401, 403, 429) or answer.status >= 500:
            raise NotNow(str(answer.status))
        if answer.status != 200:
            raise Refused(f"{answer.status} {body[:200].decode(errors='replace')}")
        try:
            return msgspec.json.decode(body, type=dict[str, Any])
        except msgspec.MsgspecError as problem:
            raise NotNow("not JSON") from problem
