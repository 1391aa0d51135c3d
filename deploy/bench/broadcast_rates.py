"""(g) Messages a second of one broadcasts process, against a bare client: by multicast and by push.

A staged segment lies in the database; measured is everything from there to the last call at a
stand-in: planning, rows, calls, results. The pace is set out of the way. Both clients call the same
stand-in, the bare one before and after.
"""

import os
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import asyncpg

from deploy.bench import pushes
from deploy.bench.at_once import nothing_waits
from deploy.bench.databases import scratch
from deploy.bench.house import House
from deploy.bench.results import Line
from shared import ids

BY_MULTICAST, BY_PUSH = 200_000, 20_000
MOST = 500

_BROADCAST = """
INSERT INTO broadcasts (id, name, state, revision, kind, content, definition, growth_limit_percent,
    personal, spoken, stream_id, started_at, created_at)
VALUES ($1, 'bench', 'sending', 1, 'broadcast', '{}', '{}', 20, $2, '{ja}', $3, $4, $4)
"""
_TEXT = """
INSERT INTO broadcast_texts VALUES ($1, 'ja', '[{"type":"text","text":"' || $2 || '"}]')
"""
_PEOPLE = """
INSERT INTO broadcast_people (stream_id, language, line_user_id, person, taken_at)
SELECT $1::uuid, 'ja', 'U' || lpad(to_hex(n), 32, '0'),
    CASE WHEN $3 THEN '{"member_id":"' || $1::uuid || '","card":"' || n || '"}' END, $4
FROM generate_series(1, $2::integer) AS n
"""


class Rates(NamedTuple):
    """Calls a second, and microseconds of CPU a call."""

    ours: float
    bare: float
    cpu: float
    bare_cpu: float


async def measure(house: House, scale: float) -> list[Line]:
    """Both ways of sending."""
    many, one_by_one = int(BY_MULTICAST * max(scale, 0.25)), int(BY_PUSH * scale)
    multicast = await rates(house, many, personal=False)
    push = await rates(house, one_by_one, personal=True)
    return [
        _line("(g) messages of one process, multicast", multicast, MOST),
        _line("(g) messages of one process, personal", push, 1),
    ]


async def rates(house: House, people: int, *, personal: bool) -> Rates:
    """One broadcast to so many people."""
    calls = people if personal else people // MOST
    kind = "push" if personal else "multicast"
    house.tell(f"(g) {people:,} messages by {kind}")
    async with (
        scratch(house.database_url, "notify") as database,
        pushes.program("deploy.bench.line_stub", stdout=True) as stub,
    ):
        base = f"http://127.0.0.1:{(await pushes.line(stub)).strip()}"
        before, bare_cpu = await pushes.bare(base, calls, kind)
        await nothing_waits(database.url)
        await _stage(database.admin_url, people, personal=personal)
        async with pushes.server(base) as stats:
            already = (await stats()).pushes
            env = _env(house, database.url, base)
            async with pushes.program("services.notify", "broadcasts", env=env) as process:
                first, last = await pushes.arrivals(stats, already, calls)
                cpu = pushes.cpu_seconds(process.pid) / calls * 1e6
            if (await stats()).repeated_keys:
                raise RuntimeError("a call was made twice")
        after, _ = await pushes.bare(base, calls, kind)
    return Rates(calls / (last - first), (before + after) / 2, cpu, bare_cpu)


async def _stage(admin_url: str, people: int, *, personal: bool) -> None:
    """A broadcast that is to go out, and its segment."""
    connection = await asyncpg.connect(admin_url, server_settings={"search_path": "notify"})
    now = datetime.now(UTC) - timedelta(seconds=1)
    id, stream = ids.new_id(), ids.new_id()
    await connection.execute(_BROADCAST, id, personal, stream, now)
    await connection.execute(_TEXT, id, "{card}" if personal else "セール")
    await connection.execute(_PEOPLE, stream, people, personal, now)
    await connection.execute("ANALYZE")
    await connection.close()


def _env(house: House, database_url: str, base: str) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": database_url,
        "AMQP_URL": house.amqp_url,
        "REDIS_URL": house.redis_url,
        "BUS_NAMESPACE": f"bench-{ids.new_id().hex[:12]}",
        "HTTP_HOST": "127.0.0.1",
        "HTTP_PORT": "0",
        "LOG_LEVEL": "WARNING",
        "LINE_API_BASE": base,
        "LINE_CHANNEL_ACCESS_TOKEN": "token",
        "LINE_RATE_PER_SECOND": "1000000",
        "LINE_MULTICAST_RATE_PER_SECOND": "1000000",
        "LINE_BROADCAST_SHARE_PERCENT": "100",
    }


def _line(name: str, found: Rates, messages: int) -> Line:
    return Line(
        name,
        found.ours * messages,
        yardstick="bare aiohttp",
        beside=found.bare * messages,
        note=f"CPU {found.cpu / messages:.1f} µs a message against {found.bare_cpu / messages:.1f}",
    )
