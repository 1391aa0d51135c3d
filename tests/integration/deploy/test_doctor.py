"""`tamaru doctor` against real servers and the sandbox: what is broken on purpose, it finds."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aio_pika
import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from deploy import environment
from deploy.cli import app
from deploy.doctor import settings_check
from deploy.sandbox.server import running
from deploy.sandbox.settings import SandboxSettings
from services.points.store import sealed
from shared import clock
from shared.bus.bus import Bus
from shared.bus.errors import Poison
from shared.bus.topology import SUBSCRIPTIONS, Names, declare
from shared.db import open_pool
from shared.events import ScheduleCancelled, new_event
from shared.keys import Keys
from shared.outbox import Relay
from tests.conftest import PASSWORD

RIGHT = "the key that it was sealed with, long enough"
MEMBER = """
INSERT INTO members (id, card, status, friend, joined_at)
VALUES (gen_random_uuid(), 'c', 'active', false, '2026-01-01T00:00Z') RETURNING id
"""
TOKEN = "a-token-that-the-sandbox-knows-and-nobody-else"


@pytest.fixture
async def line() -> AsyncIterator[str]:
    """The sandbox in LINE's place: its address."""
    settings = SandboxSettings(
        http_port=0,
        edge_url="http://127.0.0.1:9",
        line_channel_secret=SecretStr("s" * 32),
        line_channel_access_token=SecretStr(TOKEN),
        line_login_channel_id="1234567890",
        liff_id="1234567890-abcdefgh",
    )
    async with running(settings, clock.now) as sandbox:
        yield f"http://127.0.0.1:{sandbox.port}"


async def lose(_: object) -> None:
    """What is read here is never acknowledged, and back when the test ends."""


@pytest.fixture
async def queues(servers: Any, namespace: str) -> AsyncIterator[None]:
    """Every queue with somebody who reads it."""
    async with await aio_pika.connect(servers.amqp_url) as connection:
        channel = await connection.channel()
        names = Names(namespace)
        await declare(channel, names)
        for purpose in SUBSCRIPTIONS:
            queue = await channel.get_queue(names.queue(purpose), ensure=False)
            await queue.consume(lose)
        yield


@pytest.fixture
def doctor(servers: Any, database: Any, namespace: str, line: str, monkeypatch: Any, tmp_path: Any):
    """Runs the command over this installation, but for some settings."""
    monkeypatch.setattr(environment, "LOCAL", tmp_path / "nowhere")
    settings = {name: f"{name.lower()}-{'x' * 40}" for name in settings_check.required()}
    settings |= {name: PASSWORD for name in settings if name.endswith("_DB_PASSWORD")}
    settings |= {
        "DATABASE_URL": database.admin_url,
        "AMQP_URL": servers.amqp_url,
        "REDIS_URL": servers.redis_url,
        "BUS_NAMESPACE": namespace,
        "LINE_API_BASE": line,
        "LINE_CHANNEL_ACCESS_TOKEN": TOKEN,
        "LINE_LOGIN_CHANNEL_ID": "1234567890",
        "LIFF_ID": "1234567890-abcdefgh",
        "PUBLIC_URL": "http://127.0.0.1:9",
    }

    async def run(**changes: str) -> tuple[int, dict[str, list[dict[str, str]]], str]:
        result = await asyncio.to_thread(
            CliRunner(env={**settings, **changes}).invoke, app, ["doctor", "--json"]
        )
        assert result.exception is None or isinstance(result.exception, SystemExit)
        document = json.loads(result.stdout)
        wrong: dict[str, list[dict[str, str]]] = {}
        for each in document["findings"]:
            if each["state"] == "bad":
                wrong.setdefault(each["check"], []).append(each)
        assert (result.exit_code == 0) == document["well"] == (not wrong)
        return result.exit_code, wrong, result.stdout

    return run


async def test_a_broken_line_token_is_found_and_says_what_to_do(doctor, queues) -> None:
    _, wrong, _ = await doctor()
    assert "token" not in str(wrong.get("line", ""))
    _, wrong, told = await doctor(LINE_CHANNEL_ACCESS_TOKEN="b" * 170)
    [found] = wrong["line"]
    assert "LINE refuses the access token" in found["en"]
    assert "LINE_CHANNEL_ACCESS_TOKEN" in found["ja"]
    assert "b" * 170 not in told


async def test_a_dead_letter_is_found_with_the_command_to_type(
    doctor, servers, database, namespace
) -> None:
    async def refuse(batch, events) -> None:
        raise Poison("never")

    pool = await open_pool(database.url("scheduler"), schema="scheduler")
    bus = Bus(servers.amqp_url, namespace, "test")
    handlers = dict.fromkeys(SUBSCRIPTIONS["scheduler.items"], refuse)
    bus.consume("scheduler.items", handlers, pool, Relay(pool, bus.publisher))
    live = asyncio.create_task(bus.run())
    await bus.wait_up()
    await bus.publisher.publish(new_event("/test", ScheduleCancelled(key="a")))
    async with asyncio.timeout(20):
        while True:
            _, wrong, _ = await doctor()
            if "dead-letters" in wrong:
                break
    await bus.stop()
    await live
    await pool.close()
    [found] = wrong["dead-letters"]
    assert found["do"].startswith("tamaru dlq list")
    assert any("scheduler.items" not in each["en"] for each in wrong["queues"])


async def test_a_wrong_key_for_personal_data_is_found_and_the_right_one_is_not(
    doctor, database
) -> None:
    pool = await open_pool(database.url("points"), schema="points")
    sealed.use(Keys(RIGHT))
    async with pool.acquire() as connection:
        member = await connection.fetchval(MEMBER)
        await sealed.shut(connection, "profiles.sealed", [(member, {"email": "a"})])
    try:
        _, wrong, _ = await doctor(PERSONAL_DATA_KEY=RIGHT)
        assert "personal-data" not in wrong
        _, wrong, told = await doctor(PERSONAL_DATA_KEY="z" * 40)
        [found] = wrong["personal-data"]
        assert "1 member(s)" in found["en"] and "PERSONAL_DATA_KEY_OLD" in found["ja"]
        assert "z" * 40 not in told
        _, wrong, _ = await doctor(PERSONAL_DATA_KEY="z" * 40, PERSONAL_DATA_KEY_OLD=RIGHT)
        assert "personal-data" not in wrong
    finally:
        await pool.execute("DELETE FROM member_keys")
        await pool.execute("DELETE FROM members")
        await pool.close()


async def test_everything_down_is_told_in_plain_words(doctor) -> None:
    nowhere = "127.0.0.1:9"
    code, wrong, told = await doctor(
        DATABASE_URL=f"postgresql://someone:hush@{nowhere}/tamaru",
        AMQP_URL=f"amqp://someone:hush@{nowhere}/",
        REDIS_URL=f"redis://:hush@{nowhere}/0",
        LINE_API_BASE=f"http://{nowhere}",
        WEBHOOK_URL=f"http://{nowhere}",
    )
    assert code == 1
    assert {"database", "broker", "cache", "line", "processes"} <= set(wrong)
    assert "hush" not in told


async def test_what_waits_too_long_and_what_is_not_migrated_is_found(
    doctor, database, queues
) -> None:
    pool = await open_pool(database.admin_url, schema="scheduler")
    _, wrong, _ = await doctor()
    assert set(wrong) <= {"settings", "line", "queues"}, "so far all is well"
    await pool.execute(
        "INSERT INTO items (key, due_at, event_type, data, request_id) VALUES"
        " ('late', $1, 'schedule.cancelled.v1', '{}', gen_random_uuid())",
        clock.now().replace(year=2020),
    )
    _, wrong, _ = await doctor()
    assert "late" in wrong["scheduler"][0]["en"]
    await pool.execute("DELETE FROM items; DELETE FROM migrations WHERE version = 5")
    _, wrong, _ = await doctor()
    assert "1 migration(s) are not applied" in wrong["schema"][0]["en"]
    await pool.close()
