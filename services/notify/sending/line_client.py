"""The calls to LINE that happen often: push, reply and multicast, over one long-lived session.

Plain aiohttp: the SDK costs ten times as much a call. Owns the wire only; what an answer means
stands in `outcomes`. Nothing is tried again here.
"""

from collections.abc import Sequence
from json.encoder import encode_basestring
from types import TracebackType
from typing import Self
from urllib.parse import quote
from uuid import UUID

import aiohttp
from yarl import URL

from services.notify.preferences.profiles import Found, Profile
from services.notify.sending import outcomes
from services.notify.sending.outcomes import Answer, Outcome
from shared import tracing

TIMEOUT_SECONDS = 10.0
CONNECT_SECONDS = 5.0
LINK_TOKEN_SECONDS = 3.0
REQUEST_ID = "x-line-request-id"


class LineClient:
    """Use it as an async context manager, inside the running loop, once per process."""

    def __init__(self, api_base: str, access_token: str) -> None:
        base = api_base.rstrip("/")
        self._push_url = URL(f"{base}/v2/bot/message/push")
        self._multicast_url = URL(f"{base}/v2/bot/message/multicast")
        self._reply_url = URL(f"{base}/v2/bot/message/reply")
        self._users_url = f"{base}/v2/bot/user"
        self._profile_url = f"{base}/v2/bot/profile"
        self._headers = {
            "Authorization": f"Bearer {access_token}",
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",  # answers are short, and read as they come
            "User-Agent": "tamaru",
        }
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),  # the sender bounds what is open
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS, sock_connect=CONNECT_SECONDS),
            auto_decompress=False,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def push(
        self, retry_key: UUID, line_user_id: str, messages: str, unit: str | None = None
    ) -> Answer:
        """Push `messages` (a JSON array) under a retry key, counted under `unit` (letters, digits
        and _, at most 30). Never raises for LINE's sake."""
        counted = f',"customAggregationUnits":["{unit}"]' if unit else ""
        body = f'{{"to":{encode_basestring(line_user_id)},"messages":{messages}{counted}}}'
        headers = {**self._headers, "X-Line-Retry-Key": str(retry_key)}
        return await self._post(self._push_url, body.encode(), headers)

    async def multicast(
        self, retry_key: UUID, line_user_ids: Sequence[str], messages: str, unit: str | None = None
    ) -> Answer:
        """Send `messages` (a JSON array) to up to 500 users, all or nobody, under a retry key,
        counted under `unit`. Never raises for LINE's sake."""
        to = ",".join(map(encode_basestring, line_user_ids))
        counted = f',"customAggregationUnits":["{unit}"]' if unit else ""
        body = f'{{"to":[{to}],"messages":{messages}{counted}}}'
        headers = {**self._headers, "X-Line-Retry-Key": str(retry_key)}
        return await self._post(self._multicast_url, body.encode(), headers)

    async def reply(self, token: str, messages: str) -> Answer:
        """Reply with `messages` (a JSON array). Never raises for LINE's sake."""
        body = f'{{"replyToken":{encode_basestring(token)},"messages":{messages}}}'
        return await self._post(self._reply_url, body.encode(), self._headers)

    async def link_token(self, line_user_id: str) -> str | None:
        """A token for LINE's account link: good once, for 10 minutes. None if LINE gives none."""
        url = URL(f"{self._users_url}/{quote(line_user_id, safe='')}/linkToken", encoded=True)
        try:
            async with self._session.post(
                url,
                headers={"Authorization": self._headers["Authorization"]},
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=LINK_TOKEN_SECONDS),
            ) as response:
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None
        return outcomes.link_token_in(body) if response.status == 200 else None

    async def profile(self, line_user_id: str) -> Profile:
        """The name and language of a LINE user. Never raises for LINE's sake."""
        url = URL(f"{self._profile_url}/{quote(line_user_id, safe='')}", encoded=True)
        try:
            async with self._session.get(
                url,
                headers={"Authorization": self._headers["Authorization"]},
                allow_redirects=False,
            ) as response:
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError):
            return Profile(Found.LATER)
        return outcomes.profile_in(response.status, body)

    async def _post(self, url: URL, body: bytes, headers: dict[str, str]) -> Answer:
        if tracing.current() is None:
            return await self._call(url, body, headers)
        attributes = {"http.request.method": "POST", "server.address": url.host or ""}
        with tracing.span(f"POST {url.path}", "client", None, attributes) as span:
            answer = await self._call(url, body, headers)
            if span is not None:
                span.note(tamaru__outcome=answer.outcome.value, line__request_id=answer.request_id)
                if answer.outcome not in (Outcome.DELIVERED, Outcome.ALREADY_DELIVERED):
                    span.fail(answer.outcome.value)
            return answer

    async def _call(self, url: URL, body: bytes, headers: dict[str, str]) -> Answer:
        try:
            async with self._session.post(
                url, data=body, headers=headers, allow_redirects=False
            ) as response:
                content = await response.read()
                request_id = response.headers.get(REQUEST_ID)
                if response.status == 200:
                    return Answer(Outcome.DELIVERED, None, request_id)
                return outcomes.of_response(response.status, content, request_id)
        except (aiohttp.ClientError, TimeoutError, OSError) as problem:
            return outcomes.of_exception(problem)
