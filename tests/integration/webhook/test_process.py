"""The real process: it starts, tells when it is ready, and ends without losing anything."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

import pytest


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def environment(servers, webhook_database: str, namespace: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {
        **kept,
        "DATABASE_URL": webhook_database,
        "AMQP_URL": servers.amqp_url,
        "REDIS_URL": servers.redis_url,
        "BUS_NAMESPACE": namespace,
        "HTTP_HOST": "127.0.0.1",
        "HTTP_PORT": str(free_port()),
        "LINE_CHANNEL_SECRET": "s",
        "PURCHASE_ID_KEY": "a key of sixteen letters or more",
    }


@contextlib.contextmanager
def started(
    environment: dict[str, str], *words: str, module: str = "services.webhook"
) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", module, *words]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def is_ready(port: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def until_ready(process: subprocess.Popen[str], port: str) -> None:
    deadline = time.monotonic() + 30
    while not is_ready(port):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_it_becomes_ready_and_ends_at_a_signal(environment: dict[str, str]) -> None:
    with started(environment, "web") as process:
        until_ready(process, environment["HTTP_PORT"])
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=20)
        assert process.returncode == 0, output
        assert "stopped" in output
        assert environment["PURCHASE_ID_KEY"] not in output


def test_the_yardstick_of_its_benchmark_answers(environment: dict[str, str]) -> None:
    with started(environment, module="deploy.bench.noop_web") as process:
        until_ready(process, environment["HTTP_PORT"])
        for way in ("fastapi", "short"):
            url = f"http://127.0.0.1:{environment['HTTP_PORT']}/bench/{way}"
            with urllib.request.urlopen(url, data=b"{}", timeout=5) as answer:
                assert answer.status == 202


@pytest.mark.parametrize("name", ["LINE_CHANNEL_SECRET", "PURCHASE_ID_KEY", "REDIS_URL"])
def test_a_missing_setting_ends_the_start_with_its_name(
    environment: dict[str, str], name: str
) -> None:
    del environment[name]
    with started(environment, "web") as process:
        output, _ = process.communicate(timeout=20)
        assert process.returncode == 2
        assert f"setting {name}" in output


def test_an_unknown_process_is_explained(environment: dict[str, str]) -> None:
    with started(environment, "worker") as process:
        output, _ = process.communicate(timeout=20)
        assert (process.returncode, "services.webhook web" in output) == (2, True)
