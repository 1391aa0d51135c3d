"""The calls to LINE that tell whether a channel is set up well. Owns the wire only."""

import asyncio
from typing import Any

import aiohttp
import msgspec

from services.notify.connection import steps
from services.notify.connection.steps import Reply, Step
from services.notify.quota.line_figures import LineFigures

SECONDS = 12.0
"""LINE itself waits for the webhook's answer while it tests it."""

WEBHOOK_PATH = "/line/webhook"


class Connection:
    """One channel of LINE's and the address that it should send to; seldom asked, so it keeps no
    connection."""

    def __init__(self, api_base: str, access_token: str, public_url: str) -> None:
        self._base = f"{api_base.rstrip('/')}/v2/bot"
        self._headers = {"Authorization": f"Bearer {access_token}"}
        self._figures = LineFigures(api_base, access_token)
        self.webhook_url = public_url.rstrip("/") + WEBHOOK_PATH

    async def look(self) -> list[Step]:
        """Every step as it is now. Never raises for LINE's sake."""
        async with self._session() as session:
            token, webhook, delivery, figures = await asyncio.gather(
                _call(session, "GET", f"{self._base}/info"),
                _call(session, "GET", f"{self._base}/channel/webhook/endpoint"),
                _call(session, "POST", f"{self._base}/channel/webhook/test", {}),
                self._figures.ask(),
            )
        return [
            steps.token(token),
            steps.webhook(webhook, self.webhook_url),
            steps.delivery(delivery),
            steps.quota(figures),
        ]

    async def set_webhook(self) -> Reply:
        """Tell LINE our address."""
        async with self._session() as session:
            body = {"endpoint": self.webhook_url}
            return await _call(session, "PUT", f"{self._base}/channel/webhook/endpoint", body)

    def _session(self) -> aiohttp.ClientSession:
        timeout = aiohttp.ClientTimeout(total=SECONDS)
        return aiohttp.ClientSession(headers=self._headers, timeout=timeout)


async def _call(
    session: aiohttp.ClientSession, method: str, url: str, body: dict[str, Any] | None = None
) -> Reply:
    try:
        async with session.request(method, url, json=body, allow_redirects=False) as answer:
            return Reply(answer.status, _json(await answer.read()))
    except (aiohttp.ClientError, TimeoutError, OSError):
        return Reply(0, {})


def _json(text: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}
