"""What a Service of Kubernetes is to the edge: one address, new connections to who is behind it.

A connection that exists stays with its pod until one of the two closes it.
"""

import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncIterator, Iterable

CHUNK = 65536


class Service:
    """One address of the loopback; `ports` are those behind it. It listens from the start and
    answers while `serving`."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._joined: set[asyncio.Task[object]] = set()
        self.ports: list[int] = []

    @property
    def address(self) -> str:
        """host:port."""
        return f"127.0.0.1:{self._socket.getsockname()[1]}"

    @contextlib.asynccontextmanager
    async def answering(self) -> AsyncIterator[None]:
        """Join connections until the block ends; those that are left are cut then."""
        server = await asyncio.start_server(self._join, sock=self._socket.dup())
        try:
            yield
        finally:
            server.close()
            for task in self._joined:
                task.cancel()
            await asyncio.gather(*self._joined, return_exceptions=True)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Join a new connection with one to somebody behind."""
        task = asyncio.current_task()
        assert task is not None
        self._joined.add(task)
        port = random.choice(self.ports)
        try:
            with contextlib.closing(writer), contextlib.suppress(OSError):
                back_reader, back_writer = await asyncio.open_connection("127.0.0.1", port)
                with contextlib.closing(back_writer):
                    await asyncio.gather(_pour(reader, back_writer), _pour(back_reader, writer))
        finally:
            self._joined.discard(task)

    def close(self) -> None:
        """Give the address back."""
        self._socket.close()


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until one side has nothing more to say."""
    with contextlib.suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def serving(services: Iterable[Service]) -> AsyncIterator[None]:
    """Answer at every address until the block ends."""
    async with contextlib.AsyncExitStack() as stack:
        for service in services:
            await stack.enter_async_context(service.answering())
        yield
