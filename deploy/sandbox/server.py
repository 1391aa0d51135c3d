"""Serves a sandbox over HTTP within a running loop: as a process of its own, or inside a test."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

import uvicorn

from deploy.sandbox.app import create_app, open_sandbox
from deploy.sandbox.connections import DroppableProtocol
from deploy.sandbox.sandbox import Sandbox
from deploy.sandbox.settings import SandboxSettings

GRACE_SECONDS = 1
START_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Running:
    """A sandbox that answers on `port`, until `serving` is done."""

    sandbox: Sandbox
    port: int
    serving: "asyncio.Task[None]"


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: open streams must be ended first."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def running(settings: SandboxSettings, now: Callable[[], datetime]) -> AsyncIterator[Running]:
    """A sandbox that is up within and gone after; port 0 takes any free one."""
    async with open_sandbox(settings, now) as sandbox:
        config = _config(sandbox, settings)
        listener = config.bind_socket()
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await asyncio.wait_for(server.up.wait(), START_SECONDS)
            yield Running(sandbox, listener.getsockname()[1], serving)
        finally:
            sandbox.watchers.close()
            server.should_exit = True
            await serving
            listener.close()


def _config(sandbox: Sandbox, settings: SandboxSettings) -> uvicorn.Config:
    return uvicorn.Config(
        create_app(sandbox),
        host=settings.http_host,
        port=settings.http_port,
        http=DroppableProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        backlog=2048,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
