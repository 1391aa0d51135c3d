"""One trace from a till's POST over the bus to LINE's answer, over real processes and a collector,
whichever of them sends; and what tracing costs those who do not want it."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import asyncpg
import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)

from services.notify.preferences.settings import AT_ONCE, MessageSettings
from services.notify.store import message_settings
from services.notify.store.message_settings import Revision
from services.points import demo
from shared import clock, ids, outbox
from shared.bus.bus import Bus
from shared.bus.handling import Batch
from shared.db import open_pool
from tests.integration.points.shop import line_event
from tests.listening import listening

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = "00f067aa0ba902b7"
USER = "U" + "5" * 32
OWNER_KEY = "tmr_own_" + "5" * 48
DEADLINE = 60
OTHER_TRACE = "a" * 32
NOTIFIED = "notify-worker: process notify.messages"
DELIVER = "notify-worker: deliver notice"
PUSH = "notify-worker: POST /v2/bot/message/push"
EDGE, AWARDS, NOTIFY = "webhook web", "points awards", "notify worker"


class Outside:
    """LINE and a collector in one small server."""

    def __init__(self) -> None:
        self.url = ""
        self.pushes = 0
        self.spans: list[tuple[str, Any]] = []

    async def push(self, _: web.Request) -> web.Response:
        self.pushes += 1
        return web.json_response({"sentMessages": []}, headers={"x-line-request-id": "line-1"})

    async def traces(self, request: web.Request) -> web.Response:
        sent = ExportTraceServiceRequest.FromString(await request.read())
        for group in sent.resource_spans:
            named = {each.key: each.value.string_value for each in group.resource.attributes}
            for scope in group.scope_spans:
                self.spans += [(named["service.name"], span) for span in scope.spans]
        return web.Response(content_type="application/x-protobuf")

    def of_trace(self, trace: str = TRACE) -> dict[str, Any]:
        """The spans of a till's trace as `process: name`, each with its parent's id."""
        ours = [(who, span) for who, span in self.spans if span.trace_id.hex() == trace]
        return {f"{who}: {span.name}": span for who, span in ours}


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    """It, listening."""
    stand_in = Outside()
    app = web.Application()
    app.router.add_post("/v2/bot/message/push", stand_in.push)
    app.router.add_post("/v1/traces", stand_in.traces)
    async with listening(app) as stand_in.url:
        yield stand_in


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment_of(servers: Any, namespace: str, outside: Outside) -> dict[str, str]:
    """What the processes are told, but for their databases and ports."""
    return {
        "AMQP_URL": servers.amqp_url,
        "REDIS_URL": servers.redis_url,
        "BUS_NAMESPACE": namespace,
        "HTTP_HOST": "127.0.0.1",
        "LINE_API_BASE": outside.url,
        "LINE_CHANNEL_ACCESS_TOKEN": "t" * 40,
        "LINE_CHANNEL_SECRET": "s" * 32,
        "PURCHASE_ID_KEY": "p" * 32,
        "QR_SIGNING_KEY": "q" * 32,
        "PERSONAL_DATA_KEY": "d" * 32,
        "PUBLIC_URL": "http://127.0.0.1:9",
        "LIFF_ID": "1-a",
        "OTEL_EXPORTER_OTLP_ENDPOINT": outside.url,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }


@asynccontextmanager
async def processes(
    environment: dict[str, str], database: Any, *names: str
) -> AsyncIterator[list[int]]:
    """These, ready; their ports in order. Ended by SIGTERM, and that must end well."""
    ports = [free_port() for _ in names]
    running = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", f"services.{service}", mode),
            env={
                **os.environ,
                **environment,
                "DATABASE_URL": database.url(service),
                "HTTP_PORT": str(port),
            },
            stdout=asyncio.subprocess.DEVNULL,
        )
        for (service, mode), port in zip((each.split() for each in names), ports, strict=True)
    ]
    try:
        async with aiohttp.ClientSession() as http:
            for process, port in zip(running, ports, strict=True):
                await until(lambda port=port, process=process: ready(http, port, process))
        yield ports
    finally:
        for process in running:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
        codes = [await asyncio.wait_for(process.wait(), DEADLINE) for process in running]
        assert codes == [0] * len(names)


async def ready(http: aiohttp.ClientSession, port: int, process: Any) -> bool:
    assert process.returncode is None
    try:
        async with http.get(f"http://127.0.0.1:{port}/readyz") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def until(condition: Any) -> Any:
    async with asyncio.timeout(DEADLINE):
        while not (found := await condition()):
            await asyncio.sleep(0.05)
        return found


async def prepare(database: Any, revision: int, said: MessageSettings) -> None:
    """A shop with the owner's key, whose notices go out as `said`."""
    pool = await open_pool(database.url("points"), schema="points")
    async with pool.acquire() as connection, connection.transaction():
        batch = Batch(connection)
        await demo.seed(batch, {"owner": OWNER_KEY})
        await outbox.write(connection, batch.emitted, abandoned=True)
    await pool.close()
    url, schema = database.url("notify"), {"search_path": "notify"}
    connection = await asyncpg.connect(url, server_settings=schema)
    settings = Revision(revision, said.model_dump_json(by_alias=True), clock.now())
    await message_settings.put(connection, settings, "test")
    await connection.close()


async def join(servers: Any, namespace: str, database: Any) -> None:
    """Somebody follows the account."""
    bus = Bus(servers.amqp_url, namespace, "test")
    running = asyncio.create_task(bus.run())
    await bus.wait_up()
    await bus.publisher.publish(line_event("follow", USER, replyToken="f" * 32))
    await bus.stop()
    await running
    connection = await asyncpg.connect(database.admin_url)

    async def there() -> Any:
        return await connection.fetchval(
            "SELECT count(*) FROM notify.recipients WHERE line_user_id = $1", USER
        )

    await until(there)
    await connection.close()


async def accepted(port: int, trace: str = TRACE) -> bool:
    """Whether a purchase was; the edge hears of the shop's key over the bus, so not at once."""
    async with (
        aiohttp.ClientSession() as http,
        http.post(
            f"http://127.0.0.1:{port}/v1/purchases",
            json={
                "store": "main",
                "occurred_at": clock.now().isoformat(),
                "currency": "JPY",
                "total": 2200,
                "tax": 200,
                "member": {"line_user_id": USER},
                "lines": [],
            },
            headers={
                "Authorization": f"Bearer {OWNER_KEY}",
                "Idempotency-Key": ids.new_id().hex,
                "traceparent": f"00-{trace}-{CALLER}-01",
            },
        ) as answer,
    ):
        print(await answer.text())
        return answer.status == 202


def attribute(span: Any, name: str) -> str:
    """What a span says."""
    (value,) = [each.value.string_value for each in span.attributes if each.key == name]
    return str(value)


def linked(span: Any) -> list[bytes]:
    """The spans that it links to."""
    return [each.span_id for each in span.links]


async def test_a_purchase_is_one_trace_from_the_till_to_lines_answer(
    servers: Any, database: Any, namespace: str, outside: Outside
) -> None:
    await prepare(database, 1, AT_ONCE)
    environment = environment_of(servers, namespace, outside)
    async with processes(environment, database, EDGE, AWARDS, NOTIFY) as ports:
        await join(servers, namespace, database)
        await until(lambda: accepted(ports[0]))

        async def answered() -> bool:
            return PUSH in outside.of_trace()

        await until(answered)
    spans = outside.of_trace()
    chain = [
        "webhook-web: POST /v1/purchases",
        "points-awards: process points.awards",
        NOTIFIED,
        DELIVER,
        PUSH,
    ]
    assert "webhook-web: publish purchase.submitted.v1" in spans
    parents = [CALLER, *(spans[name].span_id.hex() for name in chain)]
    assert [spans[name].parent_span_id.hex() for name in chain] == parents[:-1]
    assert attribute(spans[PUSH], "line.request_id") == "line-1"
    [batch_of] = linked(spans[chain[1]])
    [batch] = [each for _, each in outside.spans if each.span_id == batch_of]
    assert batch.name == "consume points.awards"
    assert spans[chain[0]].span_id in linked(batch)
    assert USER not in str(outside.spans)


async def test_whoever_sends_a_message_in_the_end_its_traces_reach_lines_answer(
    servers: Any, database: Any, namespace: str, outside: Outside
) -> None:
    """Two purchases are one message, which another process sends than the one that heard of them.
    Both are worked on at the same time, so either may lead."""
    gathering = {"receipt": {"window_seconds": 600, "quiet": None}}
    await prepare(database, 2, MessageSettings.model_validate({"categories": gathering}))
    environment = environment_of(servers, namespace, outside)
    connection = await asyncpg.connect(database.admin_url)
    async with processes(environment, database, EDGE, AWARDS) as ports:
        async with processes(environment, database, NOTIFY):
            await join(servers, namespace, database)
            await until(lambda: accepted(ports[0]))
            assert await accepted(ports[0], OTHER_TRACE)

            async def gathered() -> bool:
                waiting = "SELECT count(*) FROM notify.deliveries WHERE gathering"
                return await connection.fetchval(waiting) == 2

            await until(gathered)
        over = "UPDATE notify.deliveries SET due_at = created_at WHERE gathering"
        await connection.execute(over)
        async with processes(environment, database, NOTIFY):

            async def answered() -> bool:
                return any(PUSH in outside.of_trace(trace) for trace in (TRACE, OTHER_TRACE))

            await until(answered)
    await connection.close()
    traces = (outside.of_trace(trace) for trace in (TRACE, OTHER_TRACE))
    leading, following = sorted(traces, key=lambda spans: PUSH not in spans)
    assert outside.pushes == 1
    assert PUSH not in following
    for spans in (leading, following):
        assert spans[DELIVER].parent_span_id == spans[NOTIFIED].span_id
        assert attribute(spans[DELIVER], "tamaru.delivery.status") == "delivered"
        assert attribute(spans[DELIVER], "line.request_id") == "line-1"
    assert leading[PUSH].parent_span_id == leading[DELIVER].span_id
    assert linked(leading[DELIVER]) == [following[NOTIFIED].span_id]
    assert linked(following[DELIVER]) == [leading[DELIVER].span_id]


def test_without_a_collector_nothing_for_traces_is_loaded() -> None:
    """redis-py loads the SDK's metrics wherever they are installed; the rest stays on disk."""
    code = (
        "import sys; import services.webhook.__main__; from shared import tracing;"
        "tracing.start('test'); assert not tracing.on(); unwanted = ('shared.spans',"
        "'opentelemetry.sdk.trace', 'opentelemetry.exporter', 'google.protobuf', 'requests');"
        "print([name for name in sys.modules if name.startswith(unwanted)])"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OTEL")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=kept, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
