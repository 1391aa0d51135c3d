"""The least that can stand in for LINE's push and multicast: takes a call, counts it, answers 200.
Whatever else is asked is not there.

A bare asyncio protocol, so that the stand-in is not what is measured. `GET /stats` gives the count,
the moments of the first and the last push, and how many retry keys came twice.
Run as `python -m deploy.bench.line_stub`; it prints its port.
"""

import asyncio
import time

import httptools
import msgspec
import uvloop

_ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 66\r\n"
    b"x-line-request-id: 6f1c2b1e-7f0a-4a53-9d6a-2d6c3f3f6f11\r\n\r\n"
    b'{"sentMessages":[{"id":"461230966842064897","quoteToken":"IStG5h"}]}'
)
_ANSWER = _ANSWER.replace(b"66", str(len(_ANSWER.split(b"\r\n\r\n", 1)[1])).encode(), 1)
_CALLS = (b"/push", b"/multicast")
_NOT_THERE = (
    b"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 23\r\n\r\n"
    b'{"message":"Not found"}'
)


class Stats(msgspec.Struct):
    """What has come; moments are of the monotonic clock, in seconds."""

    pushes: int = 0
    first: float = 0.0
    last: float = 0.0
    repeated_keys: int = 0


class Stub(asyncio.Protocol):
    """One connection."""

    def __init__(self, stats: Stats, keys: set[bytes]) -> None:
        self._stats = stats
        self._keys = keys
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._url = b""
        self._key = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        """Called by the parser."""
        self._url = url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser."""
        if name.lower() == b"x-line-retry-key":
            self._key = value

    def on_message_complete(self) -> None:
        """Called by the parser: count and answer."""
        assert self._transport is not None  # noqa: S101 - it is connected
        if self._url == b"/stats":
            body = msgspec.json.encode(self._stats)
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
            self._transport.write(head.encode() + body)
            return
        if not self._url.endswith(_CALLS):
            self._transport.write(_NOT_THERE)
            return
        stats = self._stats
        stats.last = time.monotonic()
        stats.first = stats.first or stats.last
        stats.pushes += 1
        stats.repeated_keys += self._key in self._keys
        self._keys.add(self._key)
        self._transport.write(_ANSWER)


async def serve() -> None:
    """Serve on a free port of the loopback until killed."""
    stats, keys = Stats(), set[bytes]()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Stub(stats, keys), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve())
