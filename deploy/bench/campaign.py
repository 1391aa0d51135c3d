"""A broadcast as an owner makes one over HTTP: for benchmarks and fault runs. Judges nothing."""

import asyncio
import time
from typing import Any

import aiohttp
import asyncpg

from shared import ids

TAG = "sale"
PATH = "/v1/messages/broadcasts"
HELLO = "セールのお知らせです"
SAME = {"messages": {"ja": [{"type": "text", "text": HELLO}]}}
OWN = {"messages": {"ja": [{"type": "text", "text": HELLO + " {card}"}]}}
LOOK_SECONDS = 0.2
AGAIN_SECONDS = 30

_TAG = """
INSERT INTO points.profiles (member_id, fields, consent, tags, names)
SELECT id, '{}', '{}', ARRAY[$1], '' FROM points.members
WHERE line_user_id IS NOT NULL ORDER BY id LIMIT $2
ON CONFLICT (member_id) DO UPDATE SET tags = excluded.tags
"""
_UNTAG = "UPDATE points.profiles SET tags = '{}' WHERE $1 = ANY(tags)"


async def tag_members(admin_url: str, count: int, tag: str = TAG) -> None:
    """So many members with LINE, and nobody else, have the tag."""
    connection = await asyncpg.connect(admin_url)
    await connection.execute(_UNTAG, tag)
    await connection.execute(_TAG, tag, count)
    await connection.close()


class Owner:
    """An owner with an API key at `base`."""

    def __init__(self, session: aiohttp.ClientSession, base: str, key: str) -> None:
        self._session = session
        self._base = base
        self._key = key

    async def confirmed(self, recipients: int, content: Any = SAME) -> str:
        """A broadcast to those with the tag, counted and confirmed for now; its id."""
        return await self.confirm(await self.counted(recipients, content))

    async def counted(self, recipients: int, content: Any = SAME) -> dict[str, Any]:
        """A broadcast to those with the tag, counted."""
        new = {"name": "sale", "content": content, "definition": {"tags": {"any": [TAG]}}}
        path = f"{PATH}/{(await self.do('POST', PATH, new))['id']}"
        await self.do("POST", f"{path}/count")
        ready = await self.reach(path, "ready", 120)
        if ready["counted"]["recipients"] != recipients:
            raise RuntimeError(f"{recipients} members, but {ready['counted']} counted")
        return ready

    async def confirm(self, ready: dict[str, Any]) -> str:
        """Let it go out now; its id."""
        id: str = ready["id"]
        await self.do("POST", f"{PATH}/{id}/confirm", {"revision": ready["revision"]})
        return id

    async def sent(self, id: str, seconds: float) -> dict[str, Any]:
        """Its report, once it has been sent."""
        await self.reach(f"{PATH}/{id}", "sent", seconds)
        return await self.do("GET", f"{PATH}/{id}/report")

    async def reach(self, path: str, state: str, seconds: float) -> dict[str, Any]:
        """The broadcast in this state. Raises TimeoutError with the last that was seen."""
        deadline = time.monotonic() + seconds
        while (found := await self.do("GET", path))["state"] != state:
            if time.monotonic() > deadline:
                raise TimeoutError(f"not {state} within {seconds:.0f} s: {found}")
            await asyncio.sleep(LOOK_SECONDS)
        return found

    async def do(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """The answer of a call that succeeds; one for which a service is not there yet is repeated
        under its key."""
        headers = {"Authorization": f"Bearer {self._key}", "Idempotency-Key": str(ids.new_id())}
        deadline = time.monotonic() + AGAIN_SECONDS
        while True:
            url = f"{self._base}{path}"
            async with self._session.request(method, url, json=body, headers=headers) as answer:
                if answer.status < 300:
                    found: dict[str, Any] = await answer.json()
                    return found
                again = answer.status in (401, 429, 502, 503)  # 401: the key is on its way
                if not again or time.monotonic() > deadline:
                    raise RuntimeError(f"{method} {path}: {answer.status} {await answer.text()}")
            await asyncio.sleep(LOOK_SECONDS)
