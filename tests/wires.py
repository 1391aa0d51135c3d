"""Ways to a server that a test can cut or hang."""

import asyncio
import contextlib
from urllib.parse import urlsplit


class Wire:
    """A TCP way to a server: whole, cut (connections break and are refused) or hung (silence).

    `late`: seconds by which whatever passes, in either direction, is delayed. `ports`: where new
    connections lead to; each begins with the next one and takes the first that answers.
    """

    def __init__(self, host: str, *ports: int) -> None:
        self._host = host
        self.ports = ports
        self._turn = 0
        self.late = 0.0
        self._flows = asyncio.Event()
        self._flows.set()
        self._is_cut = False
        self._ends: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()

    async def open(self) -> int:
        """Start listening; the port."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def cut(self) -> None:
        self._is_cut = True
        for end in self._ends:
            end.transport.abort()

    def snap(self) -> None:
        """Break the connections that there are; new ones are welcome."""
        self.cut()
        self._is_cut = False

    def hang(self) -> None:
        self._flows.clear()

    def mend(self) -> None:
        self._is_cut = False
        self._flows.set()

    async def close(self) -> None:
        self._server.close()
        self.cut()
        self._flows.set()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        there = await self._reach()
        if there is None:  # nobody is there: as if there were no wire
            writer.transport.abort()
            return
        there_reader, there_writer = there
        self._ends |= {writer, there_writer}
        for source, sink in ((reader, there_writer), (there_reader, writer)):
            pump = asyncio.create_task(self._pump(source, sink))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        self._turn += 1
        for number in range(len(self.ports)):
            port = self.ports[(self._turn + number) % len(self.ports)]
            with contextlib.suppress(OSError):
                return await asyncio.open_connection(self._host, port)
        return None

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                if self.late:
                    await asyncio.sleep(self.late)
                await self._flows.wait()
                sink.write(data)
                await sink.drain()
        sink.transport.abort()


def through(url: str, port: int) -> str:
    """A server's URL, by way of the wire on this port."""
    parts = urlsplit(url)
    user = parts.netloc.rpartition("@")[0]
    return parts._replace(
        netloc=f"{user}@127.0.0.1:{port}" if user else f"127.0.0.1:{port}"
    ).geturl()
