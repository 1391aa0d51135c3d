"""(s) Segments of a large shop: how long a count takes, and a stream to its first and last page.

1 million members with 3 million purchases over a year; the points of 5 % of the members have
expired and wait for the night, 2 % wait to become active, eight of ten have LINE. The segments
process runs by itself, as `points segments` does it; what it streams goes over the broker and is
read here. Beside it: the same members by a plain `COPY`, and a count by a plain `SELECT count(*)`.
"""

import asyncio
import io
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import aio_pika
import asyncpg
import msgspec

from deploy.bench import working
from deploy.bench.awards import _forget
from deploy.bench.house import House
from deploy.bench.night import _filled, _service_url
from deploy.bench.results import Line
from deploy.bench.shop import Shop, shop
from services.points.accounts import standing
from services.points.handlers import segment_handlers
from services.points.programs.rulebook import Rulebook
from services.points.segments import definition as definitions
from services.points.segments import reading
from services.points.segments.presets import PRESETS
from services.points.segments.streaming import HELD_BACK, Streams
from services.points.store import segments as store
from shared import clock, envelope, ids, outbox
from shared.bus.bus import Bus
from shared.bus.topology import Names
from shared.db import open_pool
from shared.events import SegmentPage, SegmentPerson, SegmentRequested, new_event
from shared.giving_way import GivingWay

MEMBERS, ENTRIES = 1_000_000, 3_000_000
FIRST_PAGE = 1.0
CHECKED = 20_000

_SPREAD = """
UPDATE purchases SET occurred_at = $1::timestamptz - make_interval(
    secs => 31536000.0 * (1 - n / $2::float8))
FROM (SELECT ctid AS place, row_number() OVER (ORDER BY entry_id) AS n FROM purchases) AS p
WHERE purchases.ctid = p.place
"""
_SEEN = """
UPDATE accounts SET last_visit_at = p.at FROM (
    SELECT member_id, max(occurred_at) AS at FROM purchases GROUP BY 1) AS p
WHERE accounts.member_id = p.member_id
"""
_LINKED = """
UPDATE members SET line_user_id = 'U' || md5(card), friend = card::bigint % 10 < 7
WHERE card::bigint % 10 < 8
"""
_COPY = """
SELECT m.id, m.card, m.line_user_id, a.in_lots - a.held - a.debt, a.pending, r.code, a.visits,
    a.last_visit_at
FROM members m JOIN accounts a ON a.member_id = m.id AND a.unit = 'point'
LEFT JOIN ranks r ON r.member_id = m.id
"""
_COUNT = "SELECT count(*) FROM members WHERE status IN ('active', 'suspended')"
_WINDOW: dict[str, Any] = {
    "all": [
        {"spent": {"min": 1000, "days": 90}},
        {"not": {"last_visit": {"within_days": 14}}},
        {"line": "reachable"},
    ]
}
DEFINITIONS: dict[str, dict[str, Any]] = {
    **{code: preset.definition for code, preset in PRESETS.items()},
    "spent 90 days, not seen": _WINDOW,
    "bought a product": {"bought": {"skus": ["SKU-1001"], "days": 30}},
}
STREAMED = ("everybody", "spent 90 days, not seen")


class Streamed(msgspec.Struct, frozen=True):
    """Seconds to the first and to the last page, and how many members came in how many bytes."""

    first: float
    last: float
    members: int
    bytes: int


async def measure(house: House, scale: float) -> list[Line]:
    """A smaller shop for a smaller scale."""
    members, entries = int(MEMBERS * scale), int(ENTRIES * scale)
    async with shop(house.database_url, 0) as empty_shop:
        house.tell(f"(s) filling up to {members:,} members")
        open_shop = await _filled(empty_shop, entries, members)
        await _live(open_shop, entries)
        lines = await _counts(open_shop, members)
        house.tell("(s) streaming")
        lines += await _streams(open_shop, house.amqp_url)
    return lines


async def _live(open_shop: Shop, entries: int) -> None:
    """Purchases over the year, and most members in LINE."""
    admin = await _admin(open_shop)
    await admin.execute(_SPREAD, clock.now() - timedelta(hours=1), entries, timeout=3600)
    for statement in (_SEEN, _LINKED, "VACUUM (ANALYZE)", "CHECKPOINT"):
        await admin.execute(statement, timeout=3600)
    await admin.close()


async def _admin(open_shop: Shop) -> asyncpg.Connection:
    settings = {"search_path": "points", "jit": "off"}
    return await asyncpg.connect(open_shop.admin_url, server_settings=settings)


async def _counts(open_shop: Shop, members: int) -> list[Line]:
    """Each count after one that warms up, beside the plain one."""
    plain = min([await _timed(open_shop.pool.fetchval(_COUNT)) for _ in range(3)])
    lines = []
    for name, document in DEFINITIONS.items():
        took, found = min([await _count(open_shop, document) for _ in range(2)])
        lines.append(
            Line(
                f"(s) count, {name}",
                took * 1000,
                "ms",
                "plain count(*)",
                plain * 1000,
                note=f"{found:,} of {members:,} members",
            )
        )
    return lines


async def _count(open_shop: Shop, document: dict[str, Any]) -> tuple[float, int]:
    begin = time.perf_counter()
    async with (
        open_shop.pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        read = await reading.read(connection, Rulebook(), definitions.parse(document))
        counted = await store.count(connection, read.query)
    return time.perf_counter() - begin, counted.members


async def _streams(open_shop: Shop, amqp: str) -> list[Line]:
    """Each stream by a process of its own, beside a COPY of everybody."""
    copied = await _copied(open_shop)
    namespace = f"bench-{ids.new_id().hex[:12]}"
    url = await _service_url(open_shop)
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.bench.segments", url, amqp, namespace),
        stdout=asyncio.subprocess.PIPE,
    )
    assert worker.stdout is not None  # noqa: S101 - it is a pipe
    await worker.stdout.readline()
    reader = Reader(open_shop, amqp, namespace)
    lines: list[Line] = []
    for name in STREAMED:
        lines += _lines(name, await reader.stream(DEFINITIONS[name]), copied)
    worker.terminate()
    told, _ = await worker.communicate()
    await _forget(amqp, namespace)
    memory = float(told.split()[-1])
    return [*lines, Line("(s) memory of the segments process at most", memory, "MiB")]


class Reader:
    """Asks for streams and reads their pages as they come."""

    def __init__(self, open_shop: Shop, amqp: str, namespace: str) -> None:
        self._shop = open_shop
        self._amqp = amqp
        self._names = Names(namespace)

    async def stream(self, document: dict[str, Any]) -> Streamed:
        """A stream from the request to the last page; the first members are checked."""
        data = SegmentRequested(ids.new_id(), msgspec.Raw(msgspec.json.encode(document)))
        asked = envelope.encode_group([new_event("/bench", data)])
        connection = await aio_pika.connect(self._amqp)
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=10)
        exchange = await channel.get_exchange(self._names.events)
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(exchange, "segment.page.v1")
        request = aio_pika.Message(asked, type="segment.requested.v1")
        begin = time.perf_counter()
        await exchange.publish(request, "segment.requested.v1")
        first, size, checked = 0.0, 0, list[SegmentPerson]()
        async with queue.iterator() as pages:
            async for message in pages:
                (event,), _ = envelope.decode_group("segment.page.v1", message.body)
                page: SegmentPage = event.data
                await message.ack()
                first = first or time.perf_counter() - begin
                size += len(message.body)
                checked += page.people if len(checked) < CHECKED else []
                if page.last:
                    break
        last = time.perf_counter() - begin
        await connection.close()
        await self._check(checked)
        return Streamed(first, last, page.total, size)

    async def _check(self, people: Sequence[SegmentPerson]) -> None:
        """A stream that tells other points than the card would be no figure."""
        async with self._shop.pool.acquire() as connection:
            rulebook = Rulebook()
            await rulebook.refresh(connection)
            zone, members = rulebook.current().program.zone, [each.member_id for each in people]
            shown: dict[UUID, Any] = await standing.of_members(
                connection, members, zone, clock.now()
            )
        for each in people:
            if shown[each.member_id].balance != each.points:
                raise SystemExit(f"a stream told {each}, the card says {shown[each.member_id]}")


async def _copied(open_shop: Shop) -> float:
    """The seconds in which the database gives the same members by itself."""
    admin = await _admin(open_shop)
    took = await _timed(admin.copy_from_query(_COPY, output=io.BytesIO(), timeout=600))
    await admin.close()
    return took


async def _timed(doing: Any) -> float:
    begin = time.perf_counter()
    await doing
    return time.perf_counter() - begin


def _lines(name: str, streamed: Streamed, copied: float) -> list[Line]:
    note = f"{streamed.members:,} members, {streamed.bytes / 2**20:,.0f} MiB"
    return [
        Line(
            f"(s) stream, {name}: first page",
            streamed.first,
            "s",
            target=FIRST_PAGE,
            most=True,
            note=note,
        ),
        Line(f"(s) stream, {name}: last page", streamed.last, "s", "COPY of all", copied),
        Line(f"(s) stream, {name}: members", streamed.members / streamed.last),
    ]


class NobodyWaits:
    """The word of people who wait, in a quiet shop."""

    async def heard(self) -> bool:
        """Never."""
        return False


async def _work(url: str, amqp: str, namespace: str) -> None:
    """What the `segments` process does, until it is told to stop; says its memory then."""
    pool = await open_pool(url, schema="points", size=6)
    bus = Bus(amqp, namespace, "bench-segments")
    relay = outbox.Relay(pool, bus.publisher)
    way = GivingWay(NobodyWaits(), HELD_BACK)
    streams = Streams(Rulebook(), bus.publisher, relay, way)
    bus.consume("points.segments", segment_handlers(streams), pool, relay, use_inbox=False)
    await working.until_told(bus, pool, relay, streams.run(pool))


if __name__ == "__main__":
    working.main("bench-segments", _work(*sys.argv[1:]))
