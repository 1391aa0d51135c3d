"""A throw-away database with one service's schema."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import msgspec

from deploy.local.plan import role_url
from deploy.schemas import migrations_of
from shared import ids
from shared.migrate import ServiceSchema, migrate

PASSWORD = "bench-only"  # noqa: S105 - of roles in throw-away databases on loopback


class Scratch(msgspec.Struct, frozen=True):
    """`url` connects as the service does, `admin_url` as whoever may do anything."""

    admin_url: str
    url: str


@asynccontextmanager
async def scratch(server_url: str, service: str) -> AsyncIterator[Scratch]:
    """Fresh on the server that an administrator's URL leads to; dropped afterwards."""
    async with empty(server_url) as url:
        await migrate(url, [ServiceSchema(service, migrations_of(service), PASSWORD)])
        yield Scratch(url, role_url(url, service, PASSWORD))


@asynccontextmanager
async def empty(server_url: str) -> AsyncIterator[str]:
    """The administrator's URL of a new database with nothing in it; dropped afterwards."""
    name = f"bench_{ids.new_id().hex[:20]}"
    admin = await asyncpg.connect(server_url)
    await admin.execute(f"CREATE DATABASE {name}")
    try:
        yield f"{server_url.rpartition('/')[0]}/{name}"
    finally:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()
