"""(b) A backup of a large shop and the way back, beside PostgreSQL's tools alone.

What ours add: the rows counted in the dumped snapshot, each file's checksum, the comparison, and
the whole ledger derived again. And what it costs to encrypt, beside the same in clear.
"""

import contextlib
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg

from deploy.backup import encryption, postgres, restoring, taking
from deploy.bench.databases import PASSWORD, empty
from deploy.bench.filling import Filler
from deploy.bench.house import House
from deploy.bench.results import Line
from deploy.bench.shop import shop
from deploy.schemas import migrations_of
from shared import clock
from shared.migrate import ServiceSchema, prepare_roles

MEMBERS, ENTRIES = 1_000_000, 10_000_000
JOBS = 2
SCHEMA = "points"


async def measure(house: House, scale: float) -> list[Line]:
    """The largest schema; the others hold a small part of it."""
    members, entries = int(MEMBERS * scale), int(ENTRIES * scale)
    async with shop(house.database_url, 0) as empty_shop:
        house.tell(f"(b) filling up to {entries:,} entries")
        url = empty_shop.admin_url
        await Filler(url).grow(entries, members)
        with tempfile.TemporaryDirectory(prefix="tamaru-bench-") as place:
            times, size, differences = await _there_and_back(house, url, Path(place))
    if differences:
        raise RuntimeError(f"not the same: {differences[:3]}")
    shop_size = f"{members:,} members, {entries:,} entries"
    return [
        Line(
            "(b) backup",
            times["backup"],
            unit="s",
            yardstick="pg_dump, s",
            beside=times["pg_dump"],
            note=f"{shop_size}, {JOBS} connections; {size / 2**20:,.0f} MiB",
        ),
        Line(
            "(b) restore, verified",
            times["restore"],
            unit="s",
            yardstick="pg_restore, s",
            beside=times["pg_restore"],
            note="rows and sums as in the manifest, the ledger derived again: 0 differences",
        ),
        Line(
            "(b) backup, encrypted",
            times["backup, encrypted"],
            unit="s",
            yardstick="in clear, s",
            beside=times["backup"],
            note=f"one connection, the other {JOBS}",
        ),
        Line(
            "(b) restore, encrypted",
            times["restore, encrypted"],
            unit="s",
            yardstick="in clear, s",
            beside=times["restore"],
            note=f"{JOBS} connections, either",
        ),
    ]


async def _there_and_back(
    house: House, url: str, place: Path
) -> tuple[dict[str, float], int, list[str]]:
    times: dict[str, float] = {}
    server = await _server(url)
    pg_dump = await postgres.tool("pg_dump", server)
    pg_restore = await postgres.tool("pg_restore", server)
    jobs = f"--jobs={JOBS}"
    async with _timed(house, "pg_dump", times):
        target = f"--file={place / 'bare'}"
        schema = f"--schema={SCHEMA}"
        await postgres.run(pg_dump, "--format=directory", target, jobs, schema, database_url=url)
    async with _timed(house, "backup", times):
        folder = await taking.take(url, (SCHEMA,), place, jobs=JOBS, tell=house.tell)
    size = sum(file.stat().st_size for file in folder.rglob("*"))
    key = place / "identity"
    to = [encryption.new_identity(key, clock.now())]
    async with _timed(house, "backup, encrypted", times):
        shut = await taking.take(
            url, (SCHEMA,), place / "shut", jobs=JOBS, tell=house.tell, recipients=to
        )
    services = [ServiceSchema(SCHEMA, migrations_of(SCHEMA), PASSWORD)]
    keys = encryption.identities(key.read_text())
    differences: list[str] = []
    for what, backup in (("restore", folder), ("restore, encrypted", shut)):
        async with empty(house.database_url) as other, _timed(house, what, times):
            done = await restoring.restore(
                other, services, backup, replace=False, jobs=JOBS, tell=house.tell, identities=keys
            )
        differences += done.differences
    async with empty(house.database_url) as other:
        connection = await asyncpg.connect(other)
        await prepare_roles(connection, services)
        await connection.close()
        async with _timed(house, "pg_restore", times):
            name = postgres.access(other)["PGDATABASE"]
            await postgres.run(
                pg_restore, jobs, f"--dbname={name}", str(place / "bare"), database_url=other
            )
    return times, size, differences


@contextlib.asynccontextmanager
async def _timed(house: House, what: str, times: dict[str, float]) -> AsyncIterator[None]:
    house.tell(f"(b) {what}")
    started = time.perf_counter()
    yield
    times[what] = time.perf_counter() - started


async def _server(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return connection.get_server_version().major
    finally:
        await connection.close()
