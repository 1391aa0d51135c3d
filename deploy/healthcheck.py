"""`python -m deploy.healthcheck`: does this container's process answer? Exit 0 if it does.

Asks `/healthz` on `HTTP_PORT`, as every process of the product serves it. Standard library only,
so that it starts fast: it runs every few seconds in every container.
"""

import http.client
import os
import sys

TIMEOUT_SECONDS = 3
DEFAULT_PORT = 8080  # as in shared.settings, which costs too much to import here


def alive(port: int) -> bool:
    """Whether the process on this port of the loopback answers `/healthz` with 200 in time."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if alive(int(os.environ.get("HTTP_PORT") or DEFAULT_PORT)) else 1)
