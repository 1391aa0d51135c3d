"""(d) as a line of the table; `pushes` measures."""

from deploy.bench import pushes
from deploy.bench.databases import scratch
from deploy.bench.house import House
from deploy.bench.results import Line
from shared import ids

COUNT = 20_000
TARGET = 0.6


async def measure(house: House, scale: float) -> list[Line]:
    """The figure of one notify process beside a bare client's, before and after it."""
    namespace = f"bench-{ids.new_id().hex[:12]}"
    async with scratch(house.database_url, "notify") as database:
        figures = await pushes.measure(
            database.url,
            house.amqp_url,
            house.redis_url,
            namespace=namespace,
            pushes=int(COUNT * scale),
        )
    bare = (figures.bare_before + figures.bare_after) / 2
    note = f"CPU {figures.notify_cpu:.0f} µs a push against {figures.bare_cpu:.0f}"
    line = Line(
        "(d) pushes of one notify process",
        figures.notify,
        yardstick="bare aiohttp",
        beside=bare,
        target=TARGET,
        note=note,
    )
    return [line]
