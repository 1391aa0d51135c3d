"""The calls to LINE that tell whether a channel is set up well. Owns the wire only."""

import asyncio
from typing import Any, NamedTuple

import aiohttp
import msgspec

from services.notify.connection import steps
from services.notify.connection.steps import Reply, Step
from services.notify.quota.line_figures import LineFigures

SECONDS = 12.0
"""LINE itself waits for the webhook's answer while it tests it."""

WEBHOOK_PATH = "/line/webhook"
CARD_PATH = "/card"


class Login(NamedTuple):
    """The LINE Login channel that the card's LIFF app belongs to; `secret` may be unknown."""

    channel_id: str
    secret: str | None
    liff_id: str


class Connection:
    """One channel of LINE's and the address that it should send to; seldom asked, so it keeps no
    connection."""

    def __init__(self, api_base: str, access_token: str, public_url: str, login: Login) -> None:
        self._api = api_base.rstrip("/")
        self._base = f"{self._api}/v2/bot"
        self._headers = {"Authorization": f"Bearer {access_token}"}
        self._figures = LineFigures(api_base, access_token)
        self._login = login
        self._card_url = public_url.rstrip("/") + CARD_PATH
        self.webhook_url = public_url.rstrip("/") + WEBHOOK_PATH

    async def look(self) -> list[Step]:
        """Every step as it is now. Never raises for LINE's sake."""
        async with self._session() as session:
            token, webhook, delivery, figures, apps = await asyncio.gather(
                _call(session, "GET", f"{self._base}/info"),
                _call(session, "GET", f"{self._base}/channel/webhook/endpoint"),
                _call(session, "POST", f"{self._base}/channel/webhook/test", {}),
                self._figures.ask(),
                self._liff_apps(),
            )
        return [
            steps.token(token),
            steps.webhook(webhook, self.webhook_url),
            steps.delivery(delivery),
            steps.quota(figures),
            steps.liff(apps, self._login.liff_id, self._card_url),
        ]

    async def set_webhook(self) -> Reply:
        """Tell LINE our address."""
        async with self._session() as session:
            body = {"endpoint": self.webhook_url}
            return await _call(session, "PUT", f"{self._base}/channel/webhook/endpoint", body)

    async def _liff_apps(self) -> Reply | None:
        """The login channel's LIFF apps, by a token that lasts a quarter of an hour and is kept
        nowhere (`POST /oauth2/v3/token`)."""
        if self._login.secret is None:
            return None
        timeout = aiohttp.ClientTimeout(total=SECONDS)
        form = {
            "grant_type": "client_credentials",
            "client_id": self._login.channel_id,
            "client_secret": self._login.secret,
        }
        async with aiohttp.ClientSession(timeout=timeout) as session:
            given = await _call(session, "POST", f"{self._api}/oauth2/v3/token", form=form)
            if given.status != 200:
                return given
            headers = {"Authorization": f"Bearer {given.body.get('access_token', '')}"}
            return await _call(session, "GET", f"{self._api}/liff/v1/apps", headers=headers)

    def _session(self) -> aiohttp.ClientSession:
        timeout = aiohttp.ClientTimeout(total=SECONDS)
        return aiohttp.ClientSession(headers=self._headers, timeout=timeout)


async def _call(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    body: dict[str, Any] | None = None,
    *,
    form: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
) -> Reply:
    try:
        async with session.request(
            method, url, json=body, data=form, headers=headers, allow_redirects=False
        ) as answer:
            return Reply(answer.status, _json(await answer.read()))
    except (aiohttp.ClientError, TimeoutError, OSError):
        return Reply(0, {})


def _json(text: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}
