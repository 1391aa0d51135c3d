"""`python -S -m deploy.healthcheck`: does this container's process answer? Exit 0 if it does.

Asks `/healthz` on `HTTP_PORT`, as every process of the product serves it. It runs every few seconds
in every container, all at once while they start, so it imports next to nothing (`-S` leaves out the
installed packages, too).
"""

import os
import socket
import sys

TIMEOUT_SECONDS = 10
REQUEST = b"GET /healthz HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n"
DEFAULT_PORT = 8080  # as in shared.settings, which costs too much to import here


def alive(port: int) -> bool:
    """Whether the process on this port of the loopback answers `/healthz` with 200 in time."""
    try:
        with socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS) as connection:
            connection.sendall(REQUEST)
            with connection.makefile("rb") as answer:
                protocol, _, rest = answer.readline(1000).partition(b" ")
                return protocol.startswith(b"HTTP/") and rest.split(b" ")[0] == b"200"
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(0 if alive(int(os.environ.get("HTTP_PORT") or DEFAULT_PORT)) else 1)
