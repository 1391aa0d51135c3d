"""The yardstick of the journey: the same way for a purchase, built as one does without thinking
about load. `python -m deploy.bench.naive web|awards|notify`, three processes like the real ones.

web:    POST → one persistent message, wait for its confirm → 202.
awards: a message → one transaction (inbox, ledger entry, balance, outbox row) → one confirmed
        publish → delete the outbox row → ack.
notify: a message → one transaction (inbox, delivery row) → one push with a bare aiohttp client →
        write its result down → ack.

As durable as the real one (quorum queues, confirms, synchronous commits), and it does less: no
rules, no lots, no kept purchases, no idempotency keys, no rate limits, no ranks, no retries. Up to
PREFETCH messages are under way at a time, each on its own. The receipt that it pushes is the same.
"""

import sys
import uuid
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aio_pika
import aiohttp
import asyncpg
import msgspec
import uvicorn
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from services.notify.templates import wording
from shared import clock, collector, ids, settings
from shared.settings import ProcessSettings

PREFETCH = 16
PURCHASES, EARNED = "bench.naive.purchases", "bench.naive.earned"

SCHEMA = """
CREATE SCHEMA naive;
CREATE TABLE naive.members (card text PRIMARY KEY, line_user_id text NOT NULL,
    balance bigint NOT NULL DEFAULT 0);
CREATE TABLE naive.inbox (reader text, id uuid, seen_at timestamptz NOT NULL,
    PRIMARY KEY (reader, id));
CREATE TABLE naive.entries (id uuid PRIMARY KEY, card text NOT NULL, cause uuid NOT NULL UNIQUE,
    amount bigint NOT NULL, balance_after bigint NOT NULL, recorded_at timestamptz NOT NULL);
CREATE TABLE naive.outbox (id uuid PRIMARY KEY, body text NOT NULL,
    created_at timestamptz NOT NULL);
CREATE TABLE naive.deliveries (id uuid PRIMARY KEY, line_user_id text NOT NULL,
    messages text NOT NULL, status text NOT NULL, created_at timestamptz NOT NULL);
INSERT INTO naive.members (card, line_user_id)
    SELECT card, line_user_id FROM points.members WHERE line_user_id IS NOT NULL;
"""

_SEEN = """
INSERT INTO naive.inbox VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING id
"""
_CREDIT = """
UPDATE naive.members SET balance = balance + $2 WHERE card = $1 RETURNING balance, line_user_id
"""


class NaiveSettings(ProcessSettings):
    """What the real processes have too."""

    line_api_base: str
    line_channel_access_token: SecretStr


class Parts(msgspec.Struct):
    """What a process has open."""

    pool: "asyncpg.Pool[Any]"
    channel: AbstractChannel
    queues: dict[str, AbstractQueue]
    given: NaiveSettings

    async def publish(self, queue: str, body: Any) -> None:
        """One message, confirmed."""
        message = aio_pika.Message(msgspec.json.encode(body), delivery_mode=2)
        await self.channel.default_exchange.publish(message, queue)


def web_app(parts: Parts) -> FastAPI:
    """The entrance."""
    app = FastAPI()

    @app.post("/v1/purchases", status_code=202)
    async def post_purchase(request: Request) -> Response:
        purchase = await request.json()
        made = ids.derived_id(request.headers["idempotency-key"])
        await parts.publish(PURCHASES, {"id": made, "purchase": purchase})
        return JSONResponse({"id": str(made), "status": "accepted"}, 202)

    app.get("/readyz")(_ready)
    return app


async def award(parts: Parts, message: Any) -> None:
    """One purchase to points."""
    purchase_id, purchase = uuid.UUID(message["id"]), message["purchase"]
    card, points, now = purchase["member"]["card"], purchase["total"] // 100, clock.now()
    async with parts.pool.acquire() as connection, connection.transaction():
        if not await connection.fetchval(_SEEN, "awards", purchase_id, now):
            return
        rows = await connection.fetch(_CREDIT, card, points)
        balance, user = rows[0]["balance"], rows[0]["line_user_id"]
        entry = (ids.new_id(), card, purchase_id, points, balance, now)
        insert = "INSERT INTO naive.entries VALUES ($1, $2, $3, $4, $5, $6)"
        await connection.execute(insert, *entry)
        event = {"id": ids.new_id(), "user": user, "points": points, "balance": balance}
        body = msgspec.json.encode(event).decode()
        insert = "INSERT INTO naive.outbox VALUES ($1, $2, $3)"
        await connection.execute(insert, event["id"], body, now)
    await parts.publish(EARNED, event)
    await parts.pool.execute("DELETE FROM naive.outbox WHERE id = $1", event["id"])


def announcer(parts: Parts, session: aiohttp.ClientSession) -> Callable[[Any], Awaitable[None]]:
    """What tells one member of points."""
    receipt = wording.load()["ja"].templates["earned"]
    given = parts.given
    token = f"Bearer {given.line_channel_access_token.get_secret_value()}"
    url = f"{given.line_api_base}/v2/bot/message/push"

    async def announce(event: Any) -> None:
        now, id = clock.now(), uuid.UUID(event["id"])
        told = {"points": f"{event['points']:,}", "balance": f"{event['balance']:,}"}
        messages = receipt.fill({**told, "when": now.strftime("%Y/%m/%d %H:%M")})
        async with parts.pool.acquire() as connection, connection.transaction():
            if not await connection.fetchval(_SEEN, "notify", id, now):
                return
            row = (id, event["user"], messages, "waiting", now)
            insert = "INSERT INTO naive.deliveries VALUES ($1, $2, $3, $4, $5)"
            await connection.execute(insert, *row)
        body = msgspec.json.encode(
            {"to": event["user"], "messages": msgspec.Raw(messages.encode())}
        )
        headers = {"Authorization": token, "Content-Type": "application/json"}
        headers["X-Line-Retry-Key"] = str(id)
        async with session.post(url, data=body, headers=headers) as answer:
            status = "delivered" if answer.status == 200 else "failed"
            await answer.read()
        await parts.pool.execute(
            "UPDATE naive.deliveries SET status = $2 WHERE id = $1", id, status
        )

    return announce


async def consume(parts: Parts, queue: str, handle: Callable[[Any], Awaitable[None]]) -> None:
    """Each message by itself: handle, ack."""

    async def on_message(message: AbstractIncomingMessage) -> None:
        await handle(msgspec.json.decode(message.body))
        await message.ack()

    await parts.queues[queue].consume(on_message)


@asynccontextmanager
async def _open(given: NaiveSettings) -> Any:
    connection = await aio_pika.connect(given.amqp_url.get_secret_value())
    channel = await connection.channel()
    await channel.set_qos(prefetch_count=PREFETCH)
    queues = {
        name: await channel.declare_queue(name, durable=True, arguments={"x-queue-type": "quorum"})
        for name in (PURCHASES, EARNED)
    }
    pool = await asyncpg.create_pool(
        given.database_url.get_secret_value(), min_size=0, max_size=PREFETCH
    )
    try:
        yield Parts(pool, channel, queues, given)
    finally:
        await connection.close()
        await pool.close()


async def _ready(request: Request) -> Response:
    return PlainTextResponse("ready")


async def main(part: str) -> None:
    """Run one of the three until killed."""
    given = settings.load(NaiveSettings)
    async with _open(given) as parts, aiohttp.ClientSession() as session:
        app: Any = Starlette(routes=[Route("/readyz", _ready)])
        if part == "web":
            app = web_app(parts)
        elif part == "awards":
            await consume(parts, PURCHASES, lambda message: award(parts, message))
        else:
            await consume(parts, EARNED, announcer(parts, session))
        config = uvicorn.Config(
            app,
            host=given.http_host,
            port=given.http_port,
            access_log=False,
            log_level="warning",
            lifespan="off",
        )
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    import uvloop

    collector.spare()  # as the real processes do
    uvloop.run(main(sys.argv[1]))
