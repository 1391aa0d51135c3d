"""Is it ready? One short question to each kind of server, over the loopback, no client library.

A probe returns True or False and never raises; it never takes longer than a second or two.
"""

import http.client
import socket
import struct
from collections.abc import Callable
from urllib.parse import urlsplit

Probe = Callable[[], bool]
TIMEOUT = 1.0  # seconds for each step


def _ask(port: int, request: bytes, answer: bytes) -> bool:
    """Whether the server's answer to `request` begins with `answer`."""
    try:
        with socket.create_connection(("127.0.0.1", port), TIMEOUT) as sock:
            sock.sendall(request)
            return sock.recv(len(answer)) == answer
    except OSError:
        return False


def tcp(port: int) -> Probe:
    return lambda: _ask(port, b"", b"")


def postgres(port: int) -> Probe:
    """Ready when it asks for a password; while it recovers it answers with an error ("E")."""
    body = struct.pack("!I", 196_608) + b"user\0postgres\0database\0tamaru\0\0"
    request = struct.pack("!I", len(body) + 4) + body
    return lambda: _ask(port, request, b"R")


def redis(port: int, password: str) -> Probe:
    return lambda: _ask(port, f"AUTH {password}\r\nPING\r\n".encode(), b"+OK\r\n")


def rabbitmq(port: int) -> Probe:
    """Ready when it offers Connection.Start: a method frame (1) on channel 0."""
    return lambda: _ask(port, b"AMQP\x00\x00\x09\x01", b"\x01\x00\x00")


def http_ok(url: str) -> Probe:
    """Ready when `GET url` answers 200."""
    return _answers("GET", url, 200, {})


def admitted(edge_url: str, key: str) -> Probe:
    """Ready when a till's key is known: a purchase without a body is then a 415, not a 401."""
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "probe"}
    return _answers("POST", f"{edge_url}/v1/purchases", 415, headers)


def _answers(method: str, url: str, status: int, headers: dict[str, str]) -> Probe:
    parts = urlsplit(url)

    def probe() -> bool:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT)
        try:
            connection.request(method, parts.path, headers=headers)
            return connection.getresponse().status == status
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return probe
