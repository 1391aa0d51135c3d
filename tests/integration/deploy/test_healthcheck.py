"""What a container's health check answers, run as the container runs it."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest


@contextlib.contextmanager
def answering(status: int) -> Iterator[int]:
    """The port of a server that answers `/healthz` with this status, and anything else with 404."""

    class Stub(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Silence."""

    server = HTTPServer(("127.0.0.1", 0), Stub)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def check(port: int) -> int:
    command = [sys.executable, "-S", "-m", "deploy.healthcheck"]
    env = {**os.environ, "HTTP_PORT": str(port)}
    done = subprocess.run(command, env=env, capture_output=True, check=False, timeout=30)
    assert (done.stdout, done.stderr) == (b"", b"")
    return done.returncode


@pytest.mark.parametrize(("status", "code"), [(200, 0), (404, 1), (503, 1)])
def test_only_200_is_health(status: int, code: int) -> None:
    with answering(status) as port:
        assert check(port) == code


def test_nobody_there_is_no_health() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert check(taken.getsockname()[1]) == 1


def test_an_answer_that_is_not_http_is_no_health() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"hello 200 \r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        assert check(server.getsockname()[1]) == 1
        thread.join()
