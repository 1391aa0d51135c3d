"""The HTTP server of a process: uvicorn, ended by the process, and quick to let callers in.

libuv takes one new connection from a listening socket for each turn of its loop. When turns are
long, as in a rush, whoever comes new waits for as many turns as there are others before him: many
seconds, before anything of ours has seen him. So the one socket is listened to several times.
"""

import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

BACKLOG = 2048
AT_ONCE = 16
"""So many new connections are taken for each turn of the loop."""


class Server(uvicorn.Server):
    """uvicorn without its own signal handlers: signals belong to the process."""

    def __init__(self, app: ASGIApp, host: str, port: int, drain_seconds: int) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                loop="uvloop",
                http="httptools",
                access_log=False,
                log_config=None,
                lifespan="off",
                server_header=False,
                backlog=BACKLOG,
                timeout_graceful_shutdown=drain_seconds,
            )
        )

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until `should_exit`. Raises OSError when the address cannot be had."""
        await super().serve(sockets or listening(self.config.host, self.config.port))

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield


def listening(host: str, port: int, times: int = AT_ONCE) -> list[socket.socket]:
    """One listening socket, so many times. Raises OSError when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    first = socket.create_server((host, port), family=family, backlog=BACKLOG)
    return [first, *(first.dup() for _ in range(times - 1))]
