"""The points service's API and pages alone, for who signs in and what they may do."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher

from services.points import demo
from services.points.settings import WebSettings
from services.points.staff import passwords
from services.points.web import app as web
from shared import clock
from shared.bus.bus import Bus
from shared.bus.handling import Batch
from shared.db import open_pool
from shared.process import Process
from tests.integration.points.shop import (
    HOOKS_KEY,
    OWNER_KEY,
    PERSONAL_KEY,
    POS_KEY,
    PURCHASE_KEY,
    QR_KEY,
    RATE,
    empty,
)
from tests.integration.points.staff.desk import ORIGIN, Desk, Unsent
from tests.staff import SESSION_KEY


@pytest.fixture(autouse=True, scope="session")
def quick_passwords() -> None:
    """argon2 takes its time on purpose; tests of what is around it need not."""
    passwords._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    passwords._nobody = passwords._hasher.hash("nobody's password")


@pytest.fixture(autouse=True)
def steady_clock() -> Iterator[None]:
    """The system's own time again after each test."""
    yield
    clock.set_offset(timedelta())


@pytest.fixture
async def desk(servers: Any, database: Any) -> AsyncIterator[Desk]:
    """The service with the demo shop, and nobody who works there."""
    await empty(database.admin_url)
    settings = WebSettings(
        database_url=database.url("points"),
        amqp_url=servers.amqp_url,
        purchase_id_key=PURCHASE_KEY.decode(),
        qr_signing_key=QR_KEY.decode(),
        line_api_base="http://line.invalid",
        line_login_channel_id="1234567890",
        line_login_channel_secret="a channel secret",
        liff_id="1234567890-Test",
        redis_url=servers.redis_url,
        personal_data_key=PERSONAL_KEY,
        hooks_signing_key=HOOKS_KEY.decode(),
        session_key=SESSION_KEY,
        rate_limit_per_second=RATE * 100,
        bus_namespace=f"staff-{id(database)}",
    )
    pool = await open_pool(database.url("points"), schema="points", size=10)
    async with pool.acquire() as connection, connection.transaction():
        await demo.seed(Batch(connection), {"pos": POS_KEY, "owner": OWNER_KEY})
    bus = Bus(servers.amqp_url, settings.bus_namespace, "desk")
    process = Process("desk", settings, bus, pool, Unsent())  # type: ignore[arg-type]
    app = web.build(process, settings)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        yield Desk(pool, client, app)
    for act in process.on_stop:
        await act()
    await pool.close()
