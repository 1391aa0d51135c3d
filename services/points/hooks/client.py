"""One request to an owner's system, over one long-lived session. Owns the wire only.

Every connection is judged when its socket is made, by the very address it is about to go to: so
names that change their mind between two questions (DNS rebinding), addresses written as such and
every address of a name are caught alike. A custom resolver alone would miss addresses in URLs,
which the client does not resolve. Redirects are not followed, and proxies of the environment
are not used.
"""

import contextlib
import socket
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp.abc import AbstractResolver

from services.points.hooks import progress, targets
from services.points.hooks.progress import Answer
from shared import clock

TIMEOUT_SECONDS = 10.0
CONNECT_SECONDS = 5.0
MOST_BYTES = 500
"""So much of an answer is read and kept."""


class Refused(OSError):
    """An address that nothing is sent to."""


class HookClient:
    """Use it as an async context manager, inside the running loop, once per process."""

    def __init__(self, *, allow_private: bool, resolver: AbstractResolver | None = None) -> None:
        self._allow_private = allow_private
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,  # the sender bounds what is open
                resolver=resolver,
                socket_factory=self._socket,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS, sock_connect=CONNECT_SECONDS),
            auto_decompress=False,
            trust_env=False,
            headers={
                "Content-Type": "application/json",
                "User-Agent": "Tamaru-Webhooks/1",
                "Accept-Encoding": "identity",  # answers are short, and read as they come
            },
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send it once. Never raises for the receiver's sake."""
        at, started = clock.now(), time.monotonic()

        def milliseconds() -> int:
            return int((time.monotonic() - started) * 1000)

        refusal = targets.refused_url(url, allow_private=self._allow_private)
        if refusal is not None:
            return Answer(at, 0, problem=refusal)
        try:
            async with self._session.post(
                url, data=body, headers=headers, allow_redirects=False
            ) as response:
                text = await _beginning(response)
                wait = progress.wish(response.headers.get("Retry-After"), clock.now())
                return Answer(at, milliseconds(), response.status, text, wait=wait)
        except TimeoutError:
            problem = f"no answer within {TIMEOUT_SECONDS:g} s"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            problem = _words(error)
        return Answer(at, milliseconds(), problem=problem)

    def _socket(self, address: Any) -> socket.socket:
        family, kind, protocol, _, target = address
        refusal = targets.refused_address(str(target[0]), allow_private=self._allow_private)
        if refusal is not None:
            raise Refused(refusal)
        return socket.socket(family=family, type=kind, proto=protocol)


async def _beginning(response: aiohttp.ClientResponse) -> str | None:
    """The first of the body as text; PostgreSQL takes no NUL in it. The status has decided: a body
    that breaks off or never ends changes nothing."""
    body = b""
    with contextlib.suppress(aiohttp.ClientError, TimeoutError):
        while len(body) < MOST_BYTES:
            chunk = await response.content.read(MOST_BYTES - len(body))
            if not chunk:
                break
            body += chunk
    return body.decode("utf-8", "replace").replace("\x00", "") or None


def _words(error: Exception) -> str:
    """What went wrong, without what the error may quote of the answer."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "its certificate is not valid for this name"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name was not found"
    if isinstance(error, aiohttp.ClientConnectorError):
        cause = error.os_error
        return str(cause) if isinstance(cause, Refused) else "not connected"
    return f"the connection was lost ({type(error).__name__})"
