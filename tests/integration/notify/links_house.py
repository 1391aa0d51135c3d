"""The web process of notify to test links with: its own application, as it serves it."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import httpx

from services.notify.__main__ import web
from services.notify.settings import NotifyWebSettings
from shared import ids
from shared.bus.bus import Bus
from shared.db import open_pool
from shared.outbox import Relay
from shared.process import Process
from tests import tables
from tests.staff import SESSION_KEY

OWNER_KEY, READ_KEY = "tmr_owner_links", "tmr_read_links"
PHONE = {"User-Agent": "Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 Mobile Safari Line/14.9.0"}
SHOP = "https://shop.example.jp"


class House:
    """A process and a client of it."""

    def __init__(self, process: Process, client: httpx.AsyncClient) -> None:
        self.process = process
        self.pool = process.pool
        self.client = client

    async def tap(self, path: str, **headers: str) -> httpx.Response:
        """Somebody opens a link on a phone."""
        return await self.client.get(path, headers={**PHONE, **headers})

    async def ask(
        self, method: str, path: str, key: str = OWNER_KEY, **more: Any
    ) -> httpx.Response:
        """A call of the API; a POST gets a key of its own."""
        headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": str(ids.new_id())}
        headers.update(more.pop("headers", {}))
        return await self.client.request(method, path, headers=headers, **more)

    async def write(self) -> None:
        """What was counted is written down, as at an orderly end."""
        await self.process.on_stop[-1]()


@contextlib.asynccontextmanager
async def house(servers: Any, database: Any, namespace: str) -> AsyncIterator[House]:
    """A running web process with an owner's and a reader's key. Its tasks do not run: what they do
    by the second, tests do when they want it done."""
    url = database.url("notify")
    pool = await open_pool(url, schema="notify", size=6)
    settings = NotifyWebSettings(
        session_key=SESSION_KEY,
        database_url=url,
        amqp_url=servers.amqp_url,
        redis_url=servers.redis_url,
        bus_namespace=namespace,
        line_channel_access_token="token",
        line_login_channel_id="1234567890",
        public_url=f"{SHOP}/",
        rate_limit_per_second=1000,
    )
    bus = Bus(servers.amqp_url, namespace, "notify-web")
    process = Process("notify-web", settings, bus, pool, Relay(pool, bus.publisher))
    await web(process)
    await tables.empty(database.admin_url, "notify")
    for kind, key in (("owner", OWNER_KEY), ("read", READ_KEY)):
        key_hash = hashlib.sha256(key.encode()).hexdigest()
        await pool.execute(
            "INSERT INTO api_keys VALUES ($1, $2, $3, NULL, true, 1)", ids.new_id(), key_hash, kind
        )
    assert process.app is not None
    transport = httpx.ASGITransport(app=process.app, raise_app_exceptions=False)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://notify") as client:
            yield House(process, client)
    finally:
        for work in process._tasks:
            work.close()
        for act in process.on_stop:
            await act()
        await asyncio.wait_for(pool.close(), 10)
