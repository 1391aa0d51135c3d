"""A connection to the broker that comes back by itself.

Plain connections, not aio-pika's robust ones: after a break everything that hung on the old one
(channels, delivery tags, open confirms) is dead, and starting over in one visible place is simpler
than reviving it piece by piece.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import CONNECTION_EXCEPTIONS

from shared import logs

log = logs.logger(__name__)

CONNECT_TIMEOUT = 5.0
LONGEST_PAUSE = 2.0
FAILURES = (*CONNECTION_EXCEPTIONS, TimeoutError)
"""What talking to a broker raises when it is away or goes away (RuntimeError too: aiormq's word
for a connection that has been closed)."""


@contextmanager
def talking() -> Iterator[None]:
    """Around calls of the client: whatever it says when the connection ends in the middle of one
    becomes a ConnectionError.

    It may cancel what waits (but only who cancels *our* task may end it), or raise a bare
    Exception."""
    try:
        yield
    except asyncio.CancelledError as problem:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise ConnectionError("the connection to the broker ended") from problem
    except Exception as problem:
        if type(problem) is not Exception:
            raise
        raise ConnectionError("the connection to the broker ended") from problem


class Link:
    """Keeps one connection open; `on_open` prepares each new one before `up` is set."""

    def __init__(
        self, url: str, name: str, on_open: Callable[[AbstractConnection], Awaitable[None]]
    ) -> None:
        self.up = asyncio.Event()
        self._url = url
        self._name = name
        self._on_open = on_open
        self._connection: AbstractConnection | None = None

    @property
    def connection(self) -> AbstractConnection | None:
        """The connection while it is up."""
        return self._connection if self.up.is_set() else None

    async def run(self) -> None:
        """Connect, stay until the connection ends, and again, until cancelled."""
        pause = 0.1
        try:
            while True:
                try:
                    with talking():
                        await self._live()
                    pause = 0.1
                except FAILURES as problem:
                    log.warning("broker not reached", link=self._name, problem=repr(problem))
                    pause = min(pause * 2, LONGEST_PAUSE)
                self.up.clear()
                await self._close()
                await asyncio.sleep(pause)
        finally:
            self.up.clear()
            await self._close()

    async def _live(self) -> None:
        connection = await aio_pika.connect(
            self._url, timeout=CONNECT_TIMEOUT, client_properties={"connection_name": self._name}
        )
        self._connection = connection
        ended = asyncio.Event()
        connection.close_callbacks.add(lambda *_: ended.set())
        await asyncio.wait_for(self._on_open(connection), 4 * CONNECT_TIMEOUT)
        self.up.set()
        log.info("broker connected", link=self._name)
        await ended.wait()
        log.warning("broker connection lost", link=self._name)

    async def _close(self) -> None:
        if self._connection is not None:
            try:
                with talking():
                    await asyncio.wait_for(self._connection.close(), CONNECT_TIMEOUT)
            except FAILURES as problem:
                log.info("broker connection closed hard", link=self._name, problem=repr(problem))


async def open_channel(
    connection: AbstractConnection, *, confirms: bool, prefetch: int = 0
) -> AbstractChannel:
    """A channel whose end is the end of its connection, so that the link starts over as a whole."""
    channel = await connection.channel(publisher_confirms=confirms, on_return_raises=confirms)
    if prefetch:
        await channel.set_qos(prefetch_count=prefetch)

    def end(*_: object) -> None:
        if not connection.is_closed:
            task = asyncio.ensure_future(connection.close())
            _endings.add(task)
            task.add_done_callback(_endings.discard)

    channel.close_callbacks.add(end)
    return channel


_endings: set[asyncio.Future[None]] = set()
