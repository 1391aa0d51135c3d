"""Calls to LINE about rich menus, one after the other and not faster than is decent.

Owns the wire only; nothing is tried again here. Images go to and come from LINE's data host.
"""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import quote

import aiohttp
import msgspec
from yarl import URL

TIMEOUT_SECONDS = 10.0
UPLOAD_SECONDS = 60.0
CALLS_PER_SECOND = 10.0
"""Of one process. LINE allows 2,000 a second for most of these; nobody waits for a menu."""


class LineRefused(Exception):
    """LINE understood and will not: the same call has the same answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"LINE answered {status}: {message}")
        self.status = status
        self.message = message


class LineUnavailable(Exception):
    """LINE is away, too slow or has had enough for now, or who knows: the same call later.

    `locked_out`: it is the access token that LINE does not take.
    """

    def __init__(self, why: str, *, locked_out: bool = False) -> None:
        super().__init__(why)
        self.locked_out = locked_out


class Listed(NamedTuple):
    """A rich menu at LINE, by id and name."""

    line_id: str
    tag: str


def data_base(api_base: str) -> str:
    """The host of images that belongs to LINE's API: a stand-in has one for both."""
    return api_base.replace("//api.line.me", "//api-data.line.me")


class MenuClient:
    """Use it as an async context manager, inside the running loop, once per process."""

    def __init__(self, api_base: str, access_token: str, data_api_base: str = "") -> None:
        self._api = f"{api_base.rstrip('/')}/v2/bot"
        self._data = f"{(data_api_base or data_base(api_base)).rstrip('/')}/v2/bot"
        self._headers = {"Authorization": f"Bearer {access_token}", "User-Agent": "tamaru"}
        self._session = aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, headers=self._headers
        )
        self._next_at = 0.0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def create(self, menu: dict[str, Any]) -> str:
        """Make a rich menu, without an image yet; its id."""
        return str(_field(await self._json("POST", "/richmenu", menu), "richMenuId"))

    async def upload(self, line_id: str, content: bytes, media_type: str) -> None:
        """Give a menu its image. It can be given once."""
        url = f"{self._data}/richmenu/{quote(line_id, safe='')}/content"
        await self._call("POST", url, content, media_type, UPLOAD_SECONDS)

    async def has_image(self, line_id: str) -> bool:
        """Whether a menu has its image."""
        url = f"{self._data}/richmenu/{quote(line_id, safe='')}/content"
        return await self._found("GET", url) is not None

    async def exists(self, line_id: str) -> bool:
        """Whether there is such a menu."""
        url = f"{self._api}/richmenu/{quote(line_id, safe='')}"
        return await self._found("GET", url) is not None

    async def delete(self, line_id: str) -> None:
        """Delete a menu; fine if there is none."""
        await self._found("DELETE", f"{self._api}/richmenu/{quote(line_id, safe='')}")

    async def every(self) -> list[Listed]:
        """All rich menus of the account that were made through the API."""
        menus = _field(await self._json("GET", "/richmenu/list"), "richmenus")
        return [Listed(_field(menu, "richMenuId"), _field(menu, "name")) for menu in menus]

    async def default(self) -> str | None:
        """The id of the menu that LINE shows to those without one of their own."""
        return self._id_in(await self._found("GET", f"{self._api}/user/all/richmenu"))

    async def set_default(self, line_id: str | None) -> None:
        """Have LINE show this one, or none, to those without one of their own."""
        if line_id is None:
            await self._found("DELETE", f"{self._api}/user/all/richmenu")
        else:
            await self._json("POST", f"/user/all/richmenu/{quote(line_id, safe='')}")

    async def of_user(self, line_user_id: str) -> str | None:
        """The id of the menu that is linked to a user."""
        url = f"{self._api}/user/{quote(line_user_id, safe='')}/richmenu"
        return self._id_in(await self._found("GET", url))

    async def link(self, line_id: str, line_user_ids: Sequence[str]) -> None:
        """Link up to 500 users; none of them if LINE refuses. LINE does it within moments."""
        await self._json(
            "POST", "/richmenu/bulk/link", {"richMenuId": line_id, "userIds": list(line_user_ids)}
        )

    async def unlink(self, line_user_ids: Sequence[str]) -> None:
        """Take the menus of up to 500 users."""
        await self._json("POST", "/richmenu/bulk/unlink", {"userIds": list(line_user_ids)})

    async def _json(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        content = None if body is None else msgspec.json.encode(body)
        media_type = None if body is None else "application/json"
        answer = await self._call(method, self._api + path, content, media_type, TIMEOUT_SECONDS)
        return self._decoded(answer)

    async def _found(self, method: str, url: str) -> bytes | None:
        """What LINE answers, or None if there is no such thing."""
        try:
            return await self._call(method, url, None, None, TIMEOUT_SECONDS)
        except LineRefused as refusal:
            if refusal.status == 404:
                return None
            raise

    async def _call(
        self, method: str, url: str, content: bytes | None, media_type: str | None, seconds: float
    ) -> bytes:
        await self._turn()
        try:
            async with self._session.request(
                method,
                URL(url, encoded=True),
                data=content,
                headers={"Content-Type": media_type} if media_type else {},
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=seconds),
            ) as response:
                answer, status = await response.read(), response.status
        except (aiohttp.ClientError, TimeoutError, OSError) as problem:
            raise LineUnavailable(type(problem).__name__) from problem
        if 200 <= status < 300:
            return answer
        message = _message(answer)
        if status in (401, 403):
            raise LineUnavailable(f"LINE answered {status}: {message}", locked_out=True)
        if status == 429 or status >= 500 or status < 400:
            raise LineUnavailable(f"LINE answered {status}: {message}")
        raise LineRefused(status, message)

    async def _turn(self) -> None:
        loop = asyncio.get_running_loop()
        at = max(self._next_at, loop.time())
        self._next_at = at + 1 / CALLS_PER_SECOND
        if at > loop.time():
            await asyncio.sleep(at - loop.time())

    def _id_in(self, answer: bytes | None) -> str | None:
        return None if answer is None else str(_field(self._decoded(answer), "richMenuId"))

    def _decoded(self, answer: bytes) -> Any:
        try:
            return msgspec.json.decode(answer or b"{}")
        except (msgspec.MsgspecError, UnicodeDecodeError) as problem:
            raise LineUnavailable("LINE's answer is no JSON") from problem


def _field(answer: Any, name: str) -> Any:
    if not isinstance(answer, dict) or name not in answer:
        raise LineUnavailable(f"LINE's answer has no {name}")
    return answer[name]


def _message(answer: bytes) -> str:
    try:
        told = msgspec.json.decode(answer)
        details = [each.get("message", "") for each in told.get("details", [])]
        return "; ".join([str(told["message"]), *details])[:500]
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError, TypeError, AttributeError):
        return "no reason given"
