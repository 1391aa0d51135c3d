"""The points service's parts on real servers, in this process: consumers, ranks, the API."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest

from services.points import demo, handlers
from services.points.awards import Awards
from services.points.chat import Chat
from services.points.enrolment import Enrolment
from services.points.ranking import Ranking
from services.points.rulebook import Rulebook
from services.points.settings import WebSettings
from services.points.web import app as web
from shared import outbox
from shared.bus.bus import Bus
from shared.bus.handling import Batch
from shared.db import open_pool
from shared.process import Process
from tests.integration.points.shop import (
    OWNER_KEY,
    PLAIN,
    POS_KEY,
    PURCHASE_KEY,
    QR_KEY,
    RATE,
    Points,
    owner,
)


@pytest.fixture
async def points(servers: Any, database: Any, namespace: str) -> AsyncIterator[Points]:
    """All of the service's consumers and its API, on the module's database emptied before."""
    pool = await open_pool(database.url("points"), schema="points", size=10)
    await _empty(database.admin_url)
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
        rate_limit_per_second=RATE,
    )
    process = Process("test", settings, bus, pool, relay)
    async with pool.acquire() as connection, connection.transaction():
        await demo.seed(Batch(connection), {"pos": POS_KEY, "owner": OWNER_KEY})
    rulebook = Rulebook()
    awards = Awards(rulebook, QR_KEY)
    enrolment = Enrolment(rulebook, awards)
    ranking = Ranking(Rulebook())
    for purpose, wiring, use_inbox in (
        ("points.awards", handlers.award_handlers(awards), False),
        ("points.members", handlers.member_handlers(enrolment), True),
        ("points.chat", handlers.chat_handlers(Chat(rulebook, enrolment)), True),
        ("points.ranks", handlers.rank_handlers(ranking), False),
    ):
        bus.consume(purpose, wiring, pool, relay, use_inbox=use_inbox)
    running = [asyncio.create_task(bus.run()), asyncio.create_task(ranking.run(pool, relay))]
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
    running[1].cancel()
    await pool.close()


async def _empty(admin_url: str) -> None:
    """Nothing in the schema but the tables; whatever is said is kept in `said`."""
    connection = await asyncpg.connect(admin_url)
    await connection.execute(
        """
        SET search_path TO points;
        SET session_replication_role TO replica;
        DO $$ DECLARE t text; BEGIN
            FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'points'
                AND tablename NOT IN ('migrations', 'card_key')
            LOOP EXECUTE format('TRUNCATE %I CASCADE', t); END LOOP;
        END $$;
        CREATE TABLE IF NOT EXISTS said (type text, body bytea);
        CREATE OR REPLACE FUNCTION hear() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
            $$ BEGIN INSERT INTO points.said VALUES (new.type, new.body); RETURN new; END $$;
        CREATE OR REPLACE TRIGGER hear AFTER INSERT ON outbox
            FOR EACH ROW EXECUTE FUNCTION hear();
        GRANT SELECT ON said TO tamaru_points;
        """
    )
    await connection.close()
