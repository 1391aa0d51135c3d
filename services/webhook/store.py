"""All SQL of the webhook service: projections of stores and API keys, and the spool.

Nothing here commits; single statements commit themselves.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.webhook.messages import Encoded
from shared import api_keys
from shared.bus.handling import Connection
from shared.db import Pool
from shared.events import StoreChanged, TerminalChanged

LOOK_SECONDS = 1.0
SPOOL_SECONDS = 1.0
HAND_OVER_LOCK = 0x73706F6F6C  # "spool": one process hands the spool over at a time

_KEEP_STORES = """
INSERT INTO stores AS old (store_id, code, active, revision)
SELECT DISTINCT ON (store_id) store_id, code, active, revision
FROM unnest($1::uuid[], $2::text[], $3::boolean[], $4::bigint[])
    AS r (store_id, code, active, revision)
ORDER BY store_id, revision DESC
ON CONFLICT (store_id) DO UPDATE
SET code = excluded.code, active = excluded.active, revision = excluded.revision
WHERE old.revision < excluded.revision
"""
_RAISE_VERSION = "UPDATE projection SET version = version + 1"
_VERSION = "SELECT version FROM projection"
_KEYS = """
SELECT terminal_id, key_hash, kind, store, old_key_hash, old_until FROM api_keys WHERE active
"""
_STORES = "SELECT code FROM stores WHERE active"

_SPOOL = """
INSERT INTO spool (type, body, accepted_at)
SELECT type, body, $3 FROM unnest($1::text[], $2::bytea[]) WITH ORDINALITY AS r (type, body, place)
ORDER BY place
"""
_SPOOL_HOLDS = "SELECT EXISTS (SELECT FROM spool)"
_SPOOL_WAITING = """
SELECT (SELECT count(*) FROM (SELECT FROM spool LIMIT 100000) AS rows) AS count,
    (SELECT accepted_at FROM spool ORDER BY seq LIMIT 1) AS since
"""
_SPOOL_PAGE = "SELECT seq, type, body FROM spool ORDER BY seq LIMIT $1"
_SPOOL_DELETE = "DELETE FROM spool WHERE seq = ANY($1::bigint[])"


class ApiKey(msgspec.Struct, frozen=True):
    """An API key that may be used, where it was replaced until a moment. `kind` is pos, owner or
    read; `store` the code of the only store that it may post for, or None."""

    terminal_id: UUID
    kind: str
    store: str | None
    until: datetime | None = None


class Projection(msgspec.Struct, frozen=True):
    """All active keys by the SHA-256 of their secret (hex), and all active stores' codes."""

    version: int
    keys: dict[str, ApiKey]
    stores: frozenset[str]


class Spooled(msgspec.Struct, frozen=True):
    """An event in the spool."""

    seq: int
    event: Encoded


async def keep_stores(connection: Connection, stores: Sequence[StoreChanged]) -> None:
    """Take over what is newer than what is known."""
    await connection.execute(
        _KEEP_STORES,
        [store.store_id for store in stores],
        [store.code for store in stores],
        [store.active for store in stores],
        [store.revision for store in stores],
    )
    await connection.execute(_RAISE_VERSION)


async def keep_keys(connection: Connection, terminals: Sequence[TerminalChanged]) -> None:
    """Take over what is newer than what is known."""
    await api_keys.keep(connection, terminals)
    await connection.execute(_RAISE_VERSION)


async def read_version(pool: "Pool[Any]") -> int:
    """The number that changes with the projection."""
    async with _within(pool, LOOK_SECONDS) as connection:
        version: int = await connection.fetchval(_VERSION)
    return version


async def read_projection(pool: "Pool[Any]") -> Projection:
    """The whole projection. The version is read first: a change in between is read again later."""
    async with _within(pool, LOOK_SECONDS) as connection:
        version = await connection.fetchval(_VERSION)
        keys = await connection.fetch(_KEYS)
        stores = await connection.fetch(_STORES)
    return Projection(version, _by_hash(keys), frozenset(row["code"] for row in stores))


def _by_hash(rows: Sequence[Any]) -> dict[str, ApiKey]:
    """Keys by their hashes; one that replaced another stands for both."""
    keys: dict[str, ApiKey] = {}
    for row in rows:
        of = (row["terminal_id"], row["kind"], row["store"])
        if row["old_key_hash"]:
            keys[row["old_key_hash"]] = ApiKey(*of, until=row["old_until"])
        keys[row["key_hash"]] = ApiKey(*of)
    return keys


async def spool(pool: "Pool[Any]", events: Sequence[Encoded], accepted_at: datetime) -> None:
    """Put events at the end of the spool, in this order."""
    types, bodies = [event.type for event in events], [event.body for event in events]
    async with _within(pool, SPOOL_SECONDS) as connection:
        await connection.execute(_SPOOL, types, bodies, accepted_at)


async def spool_holds(pool: "Pool[Any]") -> bool:
    """Whether anything is in the spool."""
    async with _within(pool, LOOK_SECONDS) as connection:
        holds: bool = await connection.fetchval(_SPOOL_HOLDS)
    return holds


async def spool_waiting(pool: "Pool[Any]") -> tuple[int, datetime | None]:
    """How many events are in the spool (at most 100,000 are counted), and since when the oldest."""
    async with _within(pool, LOOK_SECONDS) as connection:
        row = await connection.fetchrow(_SPOOL_WAITING)
    assert row is not None  # noqa: S101 - without FROM there is always one row
    return row["count"], row["since"]


@asynccontextmanager
async def _within(pool: "Pool[Any]", seconds: float) -> AsyncIterator[Connection]:
    """A connection for so long; one that did not answer in time is thrown away, not waited for."""
    async with asyncio.timeout(seconds):
        connection = await pool.acquire()
        try:
            yield connection
        except BaseException:
            connection.terminate()
            raise
        finally:
            await pool.release(connection, timeout=seconds)


async def spool_page(connection: Connection, limit: int) -> list[Spooled]:
    """The oldest of the spool, in order."""
    rows = await connection.fetch(_SPOOL_PAGE, limit)
    return [Spooled(row["seq"], Encoded(row["type"], row["body"])) for row in rows]


async def spool_delete(connection: Connection, seqs: Sequence[int]) -> None:
    """Forget what was handed over: exactly these, since a smaller number may be committed later."""
    await connection.execute(_SPOOL_DELETE, seqs)


@asynccontextmanager
async def spool_lock(connection: Connection) -> AsyncIterator[bool]:
    """Whether we are the one that hands over; no other is until the end of the context.

    The lock lives as long as the connection, so one that cannot be unlocked is thrown away.
    """
    ours: bool = await connection.fetchval("SELECT pg_try_advisory_lock($1)", HAND_OVER_LOCK)
    try:
        yield ours
    finally:
        if ours:
            try:
                await connection.execute(
                    "SELECT pg_advisory_unlock($1)", HAND_OVER_LOCK, timeout=1.0
                )
            except BaseException:
                connection.terminate()
                raise
