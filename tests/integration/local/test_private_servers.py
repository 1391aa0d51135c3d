"""Real PostgreSQL, Redis and RabbitMQ of our own: killed, held, orphaned, interrupted."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import aio_pika
import asyncpg
import pytest
import redis.asyncio

from deploy.local import spawn
from deploy.local.files import read_json
from deploy.local.layout import ROOT, Layout
from deploy.local.servers import Servers, start_servers
from deploy.local.stack import Stack, scratch_folder

INTERRUPTED_UP = """
import signal, sys
from deploy.local import venv
signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever this run was started from
venv.is_current = lambda *_: True  # the environment that runs this test will do
from deploy.local.__main__ import main
sys.exit(main())
"""


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if spawn.start_time(pid) is not None]


def family(pid: int) -> list[int]:
    """A process and its children, such as PostgreSQL's."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [pid, *map(int, text.split())]


def registered(servers: Servers, queue: str) -> bool:
    """Whether RabbitMQ's register of quorum queues on disk has this queue.

    RabbitMQ 3.10 writes it half a second after the declaration; a node that is killed before that
    comes back with the queue for ever without a leader.
    """
    folder = Path(read_json(Layout(servers.stack.folder).state)["server_folder"])
    files = (folder / "rabbitmq" / "mnesia").glob("*/quorum/*/names.dets")
    return any(queue.encode() in file.read_bytes() for file in files)


@pytest.fixture(scope="module")
def private() -> Iterator[Servers]:
    with start_servers(scratch_folder("servers")) as servers:
        yield servers


async def test_they_answer_with_their_passwords_only(private: Servers) -> None:
    connection = await asyncpg.connect(private.database_url)
    assert await connection.fetchval("SELECT current_database()") == "tamaru"
    durable = [
        await connection.fetchval(f"SHOW {name}") for name in ("fsync", "synchronous_commit")
    ]
    assert durable == ["on", "on"]
    await connection.close()
    word = private.stack.env["POS_API_KEY"]
    wrong = private.database_url.replace("postgres:", f"postgres:{word}", 1)
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(wrong)
    stranger = redis.asyncio.from_url(private.redis_url.replace("//:", "//:x"))
    with pytest.raises(redis.exceptions.AuthenticationError):
        await stranger.ping()
    await stranger.aclose()


def test_they_run_as_an_unprivileged_user(private: Servers) -> None:
    account = spawn.server_account()
    expected = os.geteuid() if account is None else account.uid
    for name, pid in private.pids.items():
        assert Path(f"/proc/{pid}").stat().st_uid == expected, name
    assert expected != 0


def test_they_listen_on_the_loopback_only(private: Servers) -> None:
    base = read_json(Layout(private.stack.folder).state)["port_base"]
    ours = {f"{base + offset:04X}" for offset in range(32)}
    listening = [
        line.split()[1].split(":")
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{name}").read_text(encoding="ascii").splitlines()[1:]
        if line.split()[3] == "0A"
    ]
    places = {address for address, port in listening if port in ours}
    assert places <= {"0100007F", "00000000000000000000000001000000"}
    assert "0100007F" in places


async def test_postgres_comes_back_with_what_was_committed(private: Servers) -> None:
    connection = await asyncpg.connect(private.database_url)
    await connection.execute("CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)")
    old = private.pids["postgres"]
    new = private.restart("postgres", signal.SIGKILL)
    connection.terminate()
    assert new != old
    assert private.stack.env["PID_POSTGRES"] == str(new)
    again = await asyncpg.connect(private.database_url)
    assert await again.fetchval("SELECT n FROM kept") == 7
    await again.close()


async def test_rabbitmq_comes_back_with_what_was_confirmed(private: Servers) -> None:
    connection = await aio_pika.connect(private.amqp_url)
    channel = await connection.channel()
    arguments: dict[str, str | int] = {"x-queue-type": "quorum"}
    await channel.declare_queue("kept", durable=True, arguments=arguments)
    message = aio_pika.Message(b"7", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
    await channel.default_exchange.publish(message, "kept")
    await connection.close()
    wait_until(lambda: registered(private, "kept"))
    private.restart("rabbitmq", signal.SIGKILL)
    again = await aio_pika.connect(private.amqp_url)
    queue = await (await again.channel()).get_queue("kept")
    message = await queue.get(timeout=10)
    assert message.body == b"7"
    await again.close()


async def test_a_held_redis_is_away_until_released(private: Servers) -> None:
    private.hold("redis")
    client = redis.asyncio.from_url(private.redis_url)
    with pytest.raises(redis.exceptions.ConnectionError):
        await client.ping()
    private.release("redis")
    assert await client.ping()
    await client.aclose()


def test_a_killed_supervisor_leaves_no_server_and_the_data_serves_again(private: Servers) -> None:
    stack = private.stack
    pids = [member for pid in private.pids.values() for member in family(pid)]
    assert len(pids) > 5
    os.kill(stack.supervisor_pid, signal.SIGKILL)
    wait_until(lambda: not alive(pids))
    assert stack.start()
    stack.wait_ready(["postgres", "redis"])


def test_ctrl_c_during_up_leaves_nothing() -> None:
    folder = scratch_folder("interrupted")
    command = [sys.executable, "-c", INTERRUPTED_UP, "up", "--folder", str(folder)]
    env = os.environ | {"TAMARU_LOCAL": "private"}
    stack = Stack(folder)
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as process:
        try:
            wait_until(lambda: None not in (stack.pid("postgres"), stack.pid("rabbitmq")))
            units = stack.status()["units"].values()
            pids = [stack.supervisor_pid, *(unit["pid"] for unit in units if unit["pid"])]
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=30)
            assert process.returncode == 130, output
            assert "interrupted: stopping what was started" in output
            assert not alive(pids)
            assert not stack.is_running()
        finally:
            process.kill()
            stack.destroy()
    assert not folder.exists()
