"""Broadcasts to test with: the API, and points and the scheduler as far as they take part."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import msgspec

from services.notify.__main__ import web
from services.notify.settings import NotifyWebSettings
from shared import clock, ids
from shared.bus.bus import Bus
from shared.bus.publisher import Publisher
from shared.db import open_pool
from shared.events import (
    BroadcastDue,
    Event,
    SegmentPage,
    SegmentPerson,
    SegmentRefused,
    new_event,
)
from shared.outbox import Relay
from shared.process import Process
from tests.staff import SESSION_KEY

OWNER_KEY, READ_KEY = "tmr_owner_broadcasts", "tmr_read_broadcasts"
PATH = "/v1/messages/broadcasts"
HELLO = {"messages": {"ja": [{"type": "text", "text": "セールです"}]}}
BOTH = {
    "messages": {
        "ja": [{"type": "text", "text": "セールです"}],
        "en": [{"type": "text", "text": "Sale"}],
    }
}
PERSONAL = {"messages": {"ja": [{"type": "text", "text": "残り{points}ポイント"}]}}


def user(number: int) -> str:
    """A LINE user."""
    return f"U{number:032x}"


def crowd(count: int, first: int = 1) -> list[SegmentPerson]:
    """So many members with LINE."""
    return [
        SegmentPerson(UUID(int=number), f"{number:013d}", user(number), points=number)
        for number in range(first, first + count)
    ]


class Office:
    """The owner's API, and what answers it."""

    def __init__(self, client: httpx.AsyncClient, pool: Any, publisher: Publisher) -> None:
        self.client = client
        self.pool = pool
        self._publisher = publisher

    async def ask(
        self, method: str, path: str = "", body: Any = None, *, key: str = OWNER_KEY, **more: Any
    ) -> httpx.Response:
        """A call of the API; each gets a key of its own."""
        headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": str(ids.new_id())}
        headers.update(more.pop("headers", {}))
        if body is not None:
            more["json"] = body
        return await self.client.request(method, PATH + path, headers=headers, **more)

    async def do(self, method: str, path: str = "", body: Any = None, **more: Any) -> Any:
        """The answer of a call that succeeds."""
        answer = await self.ask(method, path, body, **more)
        assert answer.status_code < 300, answer.text
        return answer.json()

    async def draft(self, content: Any = HELLO, **more: Any) -> str:
        """A draft's path."""
        made = await self.do("POST", "", {"name": "セール", "content": content, **more})
        return f"/{made['id']}"

    async def counted(self, path: str, people: Sequence[SegmentPerson]) -> dict[str, Any]:
        """The draft, counted over these people."""
        await self.do("POST", f"{path}/count")
        await self.answer(path, people)
        return await self.reach(path, "ready")

    async def confirmed(self, people: Sequence[SegmentPerson], content: Any = HELLO) -> str:
        """The path of a broadcast to these people that was confirmed for now."""
        path = await self.draft(content)
        ready = await self.counted(path, people)
        await self.do("POST", f"{path}/confirm", {"revision": ready["revision"]})
        return path

    async def request_id(self, path: str) -> UUID:
        """What points is asked under."""
        found = await self.pool.fetchval(
            "SELECT request_id FROM broadcasts WHERE id = $1", UUID(path[1:])
        )
        assert found is not None
        return UUID(str(found))

    async def answer(
        self, path: str, people: Sequence[SegmentPerson], *, cut: int | None = None
    ) -> None:
        """Points streams these people; with `cut` only so many pages of them."""
        request_id = await self.request_id(path)
        pages = pages_of(request_id, people)
        await self.tell(*(new_event("/points", page) for page in pages[:cut]))

    async def refuse(self, path: str) -> None:
        """Points cannot compute the segment."""
        refused = SegmentRefused(await self.request_id(path), "できません", "cannot")
        await self.tell(new_event("/points", refused))

    async def come_due(self, path: str, revision: int) -> None:
        """The scheduler says that its time has come."""
        await self.tell(new_event("/scheduler", BroadcastDue(UUID(path[1:]), revision)))

    async def tell(self, *events: Event[Any]) -> None:
        """Publish."""
        for event in events:
            await self._publisher.publish(event)

    async def reach(self, path: str, *states: str, seconds: float = 20) -> dict[str, Any]:
        """The broadcast, once it is in one of these states."""
        async with asyncio.timeout(seconds):
            while (found := await self.do("GET", path))["state"] not in states:
                await asyncio.sleep(0.02)
        reached: dict[str, Any] = found
        return reached

    async def emitted(self, event_type: str) -> list[dict[str, Any]]:
        """The data of what was said and not published: no bus runs in the API's process here."""
        rows = await self.pool.fetch("SELECT body FROM outbox WHERE type = $1", event_type)
        return [event["data"] for row in rows for event in msgspec.json.decode(row["body"])]

    async def statuses(self, path: str) -> dict[str, int]:
        """How many deliveries of each status."""
        rows = await self.pool.fetch(
            "SELECT status, count(*) FROM deliveries WHERE event_id = $1 GROUP BY 1",
            UUID(path[1:]),
        )
        return {row[0]: row[1] for row in rows}


def pages_of(
    request_id: UUID,
    people: Sequence[SegmentPerson],
    taken_at: datetime | None = None,
    size: int = 500,
) -> list[SegmentPage]:
    """One stream of these people."""
    stream_id, at = ids.new_id(), taken_at or clock.now()
    starts = range(0, len(people), size) if people else [0]
    return [
        SegmentPage(
            request_id,
            stream_id,
            number,
            at,
            list(people[start : start + size]),
            min(len(people), start + size),
            start + size >= len(people),
        )
        for number, start in enumerate(starts)
    ]


@contextlib.asynccontextmanager
async def office(servers: Any, notify: Any, publisher: Publisher) -> AsyncIterator[Office]:
    """The API of notify on the same database and namespace as its processes."""
    url = notify.settings.database_url.get_secret_value()
    pool = await open_pool(url, schema="notify", size=6)
    settings = NotifyWebSettings(
        session_key=SESSION_KEY,
        **notify.settings.model_dump(),
        line_login_channel_id="1234567890",
        rate_limit_per_second=10_000,
    )
    bus = Bus(servers.amqp_url, settings.bus_namespace, "notify-web")
    process = Process("notify-web", settings, bus, pool, Relay(pool, bus.publisher))
    await web(process)
    await _keys(pool)
    assert process.app is not None
    transport = httpx.ASGITransport(app=process.app, raise_app_exceptions=False)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://notify") as client:
            yield Office(client, pool, publisher)
    finally:
        for work in process._tasks:
            work.close()
        for act in process.on_stop:
            await act()
        await pool.close()


async def _keys(pool: "asyncpg.Pool[Any]") -> None:
    for kind, key in (("owner", OWNER_KEY), ("read", READ_KEY)):
        key_hash = hashlib.sha256(key.encode()).hexdigest()
        await pool.execute(
            "INSERT INTO api_keys VALUES ($1, $2, $3, NULL, true, 1)", ids.new_id(), key_hash, kind
        )


LATER = timedelta(hours=3)


_BROADCAST = """
INSERT INTO broadcasts (id, name, state, revision, kind, content, definition,
    growth_limit_percent, personal, spoken, created_at)
VALUES ($1, 'sale', 'sending', 1, 'inline', '{}', '{}', 20, true, '{ja}', $2)
"""
_WELCOMES = """
INSERT INTO deliveries (line_user_id, event_id, id, kind, category, priority, status, messages,
    tries, created_at, finished_at)
SELECT person, gen_random_uuid(), gen_random_uuid(), 'welcome', 'account', 0, 'delivered', '[]', 1,
    $2, $2
FROM unnest($1::text[]) AS person
"""
_RECEIPTS = """
INSERT INTO deliveries (line_user_id, event_id, id, kind, category, priority, status, messages,
    tries, created_at, due_at)
SELECT person, event, gen_random_uuid(), 'earned', 'receipt', 1, 'waiting', '[]', 0, $2, $2
FROM unnest($1::text[], $3::uuid[]) AS r (person, event)
"""
_WAITING = """
INSERT INTO deliveries (line_user_id, event_id, id, kind, category, priority, status, messages,
    tries, created_at, due_at, broadcast_id)
SELECT person, $3, gen_random_uuid(), 'inline', 'campaign', 3, 'waiting', '[]', 0, $2, $2, $3
FROM unnest($1::text[]) AS person
"""


async def sale_to(pool: "asyncpg.Pool[Any]", count: int) -> UUID:
    """A broadcast that waits for so many people, each with words of their own, in a shop in which
    nothing was waiting when the database last looked."""
    people, now, id = await _welcomed(pool, count), clock.now(), ids.new_id()
    await pool.execute(_BROADCAST, id, now)
    await pool.execute(_WAITING, people, now, id)
    return id


async def wait_for_turn(pool: "asyncpg.Pool[Any]", count: int) -> list[UUID]:
    """So many people, who waited for nothing when the database last looked, wait for a receipt
    each; the events, in the order of `user`."""
    people, now = await _welcomed(pool, count), clock.now()
    events = [ids.new_id() for _ in people]
    await pool.execute(_RECEIPTS, people, now, events)
    return events


async def _welcomed(pool: "asyncpg.Pool[Any]", count: int) -> list[str]:
    people = [user(number) for number in range(count)]
    await pool.execute(_WELCOMES, people, clock.now())
    await pool.execute("ANALYZE deliveries")
    return people
