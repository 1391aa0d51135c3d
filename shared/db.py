"""One pool of PostgreSQL connections per process, and which errors mean "not reachable now"."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import asyncpg

if TYPE_CHECKING:
    from shared.bus.handling import Connection

Pool = asyncpg.Pool

UNREACHABLE: tuple[type[Exception], ...] = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that still has the answer of a call cut short
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.DiskFullError,
    asyncpg.ReadOnlySQLTransactionError,
)
"""The database is away, restarting, failing over or out of disk: nothing is wrong with the work,
try again."""

CONFLICTS: tuple[type[Exception], ...] = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
)
"""Two transactions met: run the same one again at once."""


_PLANNING = {
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
    "random_page_cost": "1.1",
}
"""Statements here are few, prepared, and look rows up by key: planning each execution anew cost as
much as executing it, and spinning-disk costs made the planner read small tables whole."""


async def open_pool(url: str, *, schema: str, size: int = 4) -> "Pool[asyncpg.Record]":
    """A pool whose connections see only `schema`.

    Connections are not reset between uses: no code here sets session state, and the round trip
    would cost as much as a small query. Opening never fails: the first use connects.
    """

    async def keep(_: object) -> None:
        return None

    return await asyncpg.create_pool(
        url,
        min_size=0,
        max_size=size,
        reset=keep,
        command_timeout=60,
        server_settings={"search_path": schema, "timezone": "UTC", **_PLANNING},
    )


@asynccontextmanager
async def snapshot(pool: "Pool[asyncpg.Record]") -> AsyncIterator["Connection"]:
    """A connection whose queries all see the same moment, and change nothing."""
    async with (
        pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        yield connection
