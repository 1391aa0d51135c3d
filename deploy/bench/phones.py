"""The sandbox as a benchmark sees it: members to be, faults off, and when which message arrived."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import aiohttp
import asyncpg
import msgspec

from deploy.sandbox.deliveries import Landing
from deploy.sandbox.script_api import MOST_LANDINGS

_CARDS = """
SELECT card, line_user_id FROM points.members WHERE line_user_id IS NOT NULL ORDER BY id LIMIT $1
"""
EARNED = "ポイントが付きました"


class _Page(msgspec.Struct):
    items: list[Landing]
    next: int


class Phones:
    """Calls to the sandbox at `base`."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self._session = session
        self._base = base

    async def prepare(self, members: int) -> None:
        """No limits; as many users as asked for, who all follow."""
        await self._ask("PUT", "/sandbox/faults", {"rate_limit": None})
        await self._ask("POST", "/sandbox/users/bulk", {"count": members, "follow": True})

    async def cards(self, admin_url: str, most: int | None = None) -> dict[str, str]:
        """Members' LINE users by card; at most so many."""
        connection = await asyncpg.connect(admin_url)
        rows = await connection.fetch(_CARDS, most)
        await connection.close()
        return {row["card"]: row["line_user_id"] for row in rows}

    async def arrived(self) -> int:
        """How many messages have arrived so far."""
        stats = await self._ask("GET", "/sandbox/stats")
        return int(stats["messages_delivered"])

    async def landings(self, after: int) -> list[Landing]:
        """Receipts that arrived since, in order; other messages are left out."""
        found: list[Landing] = []
        while True:
            path = f"/sandbox/deliveries?after={after}&limit={MOST_LANDINGS}"
            page = msgspec.convert(await self._ask("GET", path), _Page)
            if not page.items:
                return [each for each in found if EARNED in each.brief]
            found += page.items
            after = page.next

    @property
    def stats_url(self) -> str:
        """Where the count is."""
        return f"{self._base}/sandbox/stats"

    async def _ask(self, method: str, path: str, content: Any = None) -> Any:
        async with self._session.request(method, self._base + path, json=content) as answer:
            answer.raise_for_status()
            return msgspec.json.decode(await answer.read())


async def until(
    what: Callable[[], Coroutine[Any, Any, bool]], seconds: float, said: str, pause: float = 0.1
) -> None:
    """Wait until something is so. Raises TimeoutError that says what never was."""
    try:
        async with asyncio.timeout(seconds):
            while not await what():  # noqa: ASYNC110 - other processes give no signal
                await asyncio.sleep(pause)
    except TimeoutError:
        raise TimeoutError(f"not within {seconds:.0f} s: {said}") from None
