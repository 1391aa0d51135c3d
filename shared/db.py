"""One pool of PostgreSQL connections per process, and which errors mean "not reachable now"."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

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


COMMIT_SECONDS = 60.0
_LONGER = 2 * COMMIT_SECONDS


class Committing(asyncpg.Connection):
    """A connection whose commits are never called off.

    A PostgreSQL that waits for its standby lets a commit that is called off stand without it. A
    repeat would find it done, and say so to a till; and once the standby took over, it would be
    gone. Who stops waiting leaves the connection instead: what is to be committed stays hidden, and
    a repeat waits for it, until the standby has it or neither.
    """

    async def execute(self, query: str, *args: Any, **options: Any) -> str:
        """As asyncpg's, but for `COMMIT;` as its transactions say it."""
        if query != "COMMIT;":
            return await super().execute(query, *args, **options)
        work = asyncio.ensure_future(super().execute(query, timeout=_LONGER))
        try:
            done, _ = await asyncio.wait([work], timeout=COMMIT_SECONDS)
        finally:
            if not work.done():
                work.add_done_callback(_heard)
                self.terminate()
        if not done:
            raise TimeoutError(f"not committed within {COMMIT_SECONDS} s")
        return work.result()


def _heard(work: "asyncio.Future[str]") -> None:
    """Nobody waits for what becomes of it; asyncio need not complain."""
    if not work.cancelled():
        work.exception()


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
        connection_class=Committing,
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
