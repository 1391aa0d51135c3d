"""The load: posts purchases over HTTP/1.1 from a process of its own, and notes when each went.

`python -m deploy.bench.load` reads one Job (JSON) and writes one Outcome (JSON). Lean on purpose:
one callback a request, so that what is measured is the server. Three ways of pacing: as fast as
answers come; no more than `window` purchases between the POST and the phone; or `rate` a second,
whatever becomes of them.
"""

import asyncio
import statistics
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from itertools import count, cycle

import aiohttp
import httptools
import msgspec
import uvloop

LOOK_SECONDS = 0.02
GIVE_UP_SECONDS = 60


class Job(msgspec.Struct, kw_only=True):
    """`path` on `host`:`port` gets `posts` purchases, the n-th for the n-th of `cards`, round and
    round. `delivered_url` (the sandbox's stats) goes with `window`, `already` is its count now.
    With an `agent` nothing is posted: the cards are asked for under `path`, by that browser. With
    a `cookie` `path` is asked for, by those whom that cookie names so."""

    host: str
    port: int
    path: str
    api_key: str
    cards: list[str]
    posts: int
    name: str
    occurred_at: str
    connections: int = 64
    rate: float | None = None
    window: int | None = None
    delivered_url: str = ""
    already: int = 0
    agent: str = ""
    cookie: str = ""
    store: str = "main"


class Outcome(msgspec.Struct, kw_only=True):
    """`sent` holds wall-clock nanoseconds by number; times are in seconds, `answer_*` in ms.
    `refused` are the numbers that got another answer than 2xx."""

    sent: list[int]
    statuses: dict[str, int]
    took: float
    cpu: float
    answer_p50: float
    answer_p99: float
    accepted_p50: float = 0.0
    accepted_p99: float = 0.0
    refused_p50: float = 0.0
    refused_p99: float = 0.0
    refused: list[int] = []

    @property
    def rate(self) -> float:
        """Answers a second."""
        return sum(self.statuses.values()) / self.took


class Connection(asyncio.Protocol):
    """One keep-alive connection, one request at a time."""

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self.began = 0
        self.number = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        self._parser.feed_data(data)

    def connection_lost(self, error: Exception | None) -> None:
        """Called by the loop."""
        self._load.lost(self)

    def on_message_complete(self) -> None:
        """Called by the parser."""
        status = self._parser.get_status_code()
        self._parser = httptools.HttpResponseParser(self)
        self._load.answered(self, status)

    def send(self, request: bytes) -> None:
        """Begin a request."""
        assert self._transport is not None  # noqa: S101 - it is connected
        self.began = time.perf_counter_ns()
        self._transport.write(request)

    def close(self) -> None:
        """End it."""
        if self._transport is not None:
            self._transport.close()


class Load:
    """Sends while there are permits and idle connections."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._requests = requests(job)
        self._idle: deque[Connection] = deque()
        self._permitted: deque[int] = deque()
        self._unlimited = job.rate is None and job.window is None
        self._sent: list[int] = []
        self._statuses: Counter[str] = Counter()
        self._answer_ns: list[int] = []
        self._accepted_ns: list[int] = []
        self._refused_ns: list[int] = []
        self._refused: list[int] = []
        self._done = asyncio.Event()

    async def run(self) -> Outcome:
        """Post them all. Raises TimeoutError when answers stay away."""
        job, loop = self._job, asyncio.get_running_loop()
        for _ in range(job.connections):
            _, connection = await loop.create_connection(
                lambda: Connection(self), job.host, job.port
            )
            self._idle.append(connection)
        started, cpu = time.perf_counter(), time.process_time()
        pace = asyncio.create_task(self._pace())
        self._pump()
        # Who runs on is told late (decision 33), so that all of a long overload is sent later.
        async with asyncio.timeout(GIVE_UP_SECONDS + (2 * job.posts / job.rate if job.rate else 0)):
            await self._done.wait()
        took = time.perf_counter() - started
        await pace
        return self._outcome(took, time.process_time() - cpu)

    def answered(self, connection: Connection, status: int) -> None:
        """A connection is free again."""
        self._statuses[str(status)] += 1
        took = time.perf_counter_ns() - connection.began
        self._answer_ns.append(took)
        if status < 300:
            self._accepted_ns.append(took)
        else:
            self._refused_ns.append(took)
            self._refused.append(connection.number)
        self._idle.append(connection)
        if len(self._answer_ns) == self._job.posts:
            self._done.set()
        self._pump()

    def lost(self, connection: Connection) -> None:
        """The server hung up: say so rather than wait for ever."""
        if not self._done.is_set():
            print("a connection was lost", file=sys.stderr)

    def _pump(self) -> None:
        while self._idle and (self._unlimited or self._permitted):
            if len(self._sent) == self._job.posts:
                return
            moment = time.time_ns() if self._unlimited else self._permitted.popleft()
            connection = self._idle.popleft()
            connection.number = len(self._sent)
            self._sent.append(moment)
            connection.send(next(self._requests))

    async def _pace(self) -> None:
        if self._job.rate is not None:
            await self._by_the_clock(self._job.rate)
        elif self._job.window is not None:
            await self._by_arrivals(self._job.window)

    async def _by_the_clock(self, rate: float) -> None:
        loop = asyncio.get_running_loop()
        started = loop.time()
        for number in range(self._job.posts):
            pause = started + number / rate - loop.time()
            if pause > 0:
                await asyncio.sleep(pause)
            self._permitted.append(time.time_ns())
            self._pump()

    async def _by_arrivals(self, window: int) -> None:
        permits = 0
        async with aiohttp.ClientSession() as session:
            while permits < self._job.posts:
                async with session.get(self._job.delivered_url) as answer:
                    stats = msgspec.json.decode(await answer.read())
                arrived = stats["messages_delivered"] - self._job.already
                more = min(arrived + window, self._job.posts) - permits
                self._permitted.extend([time.time_ns()] * more)
                permits += more
                self._pump()
                await asyncio.sleep(LOOK_SECONDS)

    def _outcome(self, took: float, cpu: float) -> Outcome:
        for connection in self._idle:
            connection.close()
        cuts = statistics.quantiles(self._answer_ns, n=100)
        accepted, refused = sorted(self._accepted_ns), sorted(self._refused_ns)
        return Outcome(
            sent=self._sent,
            statuses=dict(self._statuses),
            took=took,
            cpu=cpu,
            answer_p50=cuts[49] / 1e6,
            answer_p99=cuts[98] / 1e6,
            accepted_p50=_ms(accepted, 50),
            accepted_p99=_ms(accepted, 99),
            refused_p50=_ms(refused, 50),
            refused_p99=_ms(refused, 99),
            refused=self._refused,
        )


def _ms(ordered: list[int], percent: int) -> float:
    return ordered[(len(ordered) - 1) * percent // 100] / 1e6 if ordered else 0.0


def requests(job: Job) -> Iterator[bytes]:
    """Request after request; all but the key is made beforehand."""
    if job.agent or job.cookie:
        yield from cycle([_asking(job, card) for card in job.cards])
    heads = [_parts(job, body(card, job.occurred_at, job.store)) for card in job.cards]
    for number in count():
        head, tail = heads[number % len(heads)]
        yield b"%b%b-%d%b" % (head, job.name.encode(), number, tail)


def body(card: str, occurred_at: str, store: str = "main") -> bytes:
    """A purchase of two lines, about as long as tills' are."""
    lines = [
        {"sku": "SKU-1001", "category": "food", "name": "本日のランチ", "amount": 1080, "tax": 80},
        {"sku": "SKU-2002", "category": "drink", "name": "コーヒー", "amount": 330, "tax": 24},
    ]
    purchase = {"store": store, "terminal": "1", "receipt": "R-1", "member": {"card": card}}
    return msgspec.json.encode(
        purchase | {"occurred_at": occurred_at, "total": 1410, "tax": 104, "lines": lines}
    )


def _asking(job: Job, card: str) -> bytes:
    if job.cookie:
        head = f"GET {job.path} HTTP/1.1\r\nHost: {job.host}:{job.port}\r\n"
        return f"{head}Cookie: {job.cookie}={card}\r\n\r\n".encode()
    head = f"GET {job.path}{card} HTTP/1.1\r\nHost: {job.host}:{job.port}\r\n"
    return f"{head}User-Agent: {job.agent}\r\n\r\n".encode()


def _parts(job: Job, content: bytes) -> tuple[bytes, bytes]:
    head = (
        f"POST {job.path} HTTP/1.1\r\nHost: {job.host}:{job.port}\r\n"
        f"Authorization: Bearer {job.api_key}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\nIdempotency-Key: "
    )
    return head.encode(), b"\r\n\r\n" + content


async def post(job: Job) -> Outcome:
    """Run a Job in a process of its own. Raises RuntimeError when it fails."""
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "deploy.bench.load",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        written, _ = await program.communicate(msgspec.json.encode(job))
    finally:
        if program.returncode is None:
            program.kill()
    if program.returncode:
        raise RuntimeError(f"the load {job.name} ended with {program.returncode}")
    return msgspec.json.decode(written, type=Outcome)


if __name__ == "__main__":
    given = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    written = msgspec.json.encode(uvloop.run(Load(given).run()))
    with open(sys.stdout.fileno(), "wb", closefd=False) as out:  # a pipe may take it in parts
        out.write(written)
