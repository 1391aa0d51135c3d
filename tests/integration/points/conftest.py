"""The points service's parts on real servers, in this process: consumers, ranks, the API."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.points import demo, handlers
from services.points.members.chat import Chat
from services.points.members.enrolment import Enrolment
from services.points.members.linking import Linking
from services.points.nights.night import NightShift
from services.points.programs.rulebook import Rulebook
from services.points.purchases.awards import Awards
from services.points.rankings.ranking import Ranking
from services.points.settings import WebSettings
from services.points.store import sealed
from services.points.web import app as web
from shared import clock, outbox
from shared.bus.bus import Bus
from shared.bus.handling import Batch
from shared.db import open_pool
from shared.keys import Keys
from shared.process import Process
from tests.integration.points.shop import (
    HOOKS_KEY,
    OWNER_KEY,
    PERSONAL_KEY,
    PLAIN,
    POS_KEY,
    PURCHASE_KEY,
    QR_KEY,
    RATE,
    Points,
    empty,
    owner,
)
from tests.staff import SESSION_KEY


@pytest.fixture
async def points(servers: Any, database: Any, namespace: str) -> AsyncIterator[Points]:
    """All of the service's consumers and its API, on the module's database emptied before."""
    pool = await open_pool(database.url("points"), schema="points", size=10)
    await empty(database.admin_url)
    bus = Bus(servers.amqp_url, namespace, "test")
    relay = outbox.Relay(pool, bus.publisher)
    settings = WebSettings(
        database_url=database.url("points"),
        amqp_url=servers.amqp_url,
        purchase_id_key=PURCHASE_KEY.decode(),
        qr_signing_key=QR_KEY.decode(),
        line_login_channel_id="1234567890",
        liff_id="1234567890-Test",
        redis_url=servers.redis_url,
        personal_data_key=PERSONAL_KEY,
        hooks_signing_key=HOOKS_KEY.decode(),
        hooks_allow_private=True,
        session_key=SESSION_KEY,
        rate_limit_per_second=RATE,
    )
    process = Process("test", settings, bus, pool, relay)
    async with pool.acquire() as connection, connection.transaction():
        await demo.seed(Batch(connection), {"pos": POS_KEY, "owner": OWNER_KEY})
    rulebook = Rulebook()
    awards = Awards(rulebook, Keys(QR_KEY))
    linking = Linking(rulebook, Keys(QR_KEY))
    enrolment = Enrolment(rulebook, awards)
    ranking = Ranking(Rulebook())
    night = NightShift(Rulebook(), ranking)
    for purpose, wiring, use_inbox in (
        ("points.awards", handlers.award_handlers(awards), False),
        ("points.members", handlers.member_handlers(enrolment, linking), True),
        ("points.names", handlers.NAME_HANDLERS, False),
        ("points.chat", handlers.chat_handlers(Chat(rulebook, enrolment)), True),
        ("points.exports", handlers.EXPORT_HANDLERS, False),
        ("points.audit", handlers.AUDIT_HANDLERS, False),
        ("points.ranks", handlers.rank_handlers(ranking, night), False),
    ):
        bus.consume(purpose, wiring, pool, relay, use_inbox=use_inbox)
    running = [
        asyncio.create_task(work)
        for work in (bus.run(), ranking.run(pool, relay), night.run(pool, relay))
    ]
    transport = httpx.ASGITransport(app=web.build(process, settings), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://points") as client:
        await bus.wait_up()
        shop = Points(pool, bus, client, servers.amqp_url)
        answer = await client.put("/v1/program", json=PLAIN, headers=owner())
        assert answer.status_code == 200, answer.text
        yield shop
    for act in process.on_stop:
        await act()
    await relay.join()
    await bus.stop()
    await running[0]
    for each in running[1:]:
        each.cancel()
    await pool.close()


@pytest.fixture
def usual_key(points: Points) -> Iterator[None]:
    """Afterwards it is the usual time again, and the usual PERSONAL_DATA_KEY."""
    yield
    clock.set_offset(timedelta())
    sealed.use(Keys(PERSONAL_KEY))
