"""The outbox: events that stand in the transaction of the change they tell of.

A row is a whole message: up to 200 events of one type, ready to send. Right after the commit the
rows are published and, once confirmed, deleted; what a crash leaves behind a sweep finds. So an
event leaves at least once, and never for a change that did not happen.
Each service's schema has `outbox (id uuid primary key, type text, body bytea, created_at)`; a sweep
moves `created_at` to its own moment, so that for a while no other process sweeps the same rows.
"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

import msgspec

from shared import clock, envelope, ids, logs
from shared.bus.errors import BrokerUnavailable
from shared.bus.handling import Connection
from shared.bus.publisher import GROUP_LIMIT, Publisher
from shared.coalesce import Coalescer
from shared.db import UNREACHABLE, Pool
from shared.events import Event

log = logs.logger(__name__)

LEFT_BEHIND = timedelta(seconds=5)
SWEEP_SECONDS = 2.0
SWEEP_ROWS = 100
MOST_UNCONFIRMED = 100

_WRITE = """
INSERT INTO outbox (id, type, body, created_at)
SELECT id, type, body, $4 FROM unnest($1::uuid[], $2::text[], $3::bytea[]) AS r (id, type, body)
"""
_DELETE = "DELETE FROM outbox WHERE id = ANY($1::uuid[])"
_TAKE = """
UPDATE outbox SET created_at = $2 WHERE id IN (
    SELECT id FROM outbox WHERE (created_at < $1 OR created_at > $5) AND id <> ALL($4::uuid[])
    ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED
) RETURNING id, type, body
"""
_STILL = "SELECT count(*) FROM outbox WHERE id = ANY($1::uuid[])"
_WAITING = """
SELECT (SELECT id FROM outbox ORDER BY id LIMIT 1) AS oldest,
    (SELECT count(*) FROM (SELECT FROM outbox LIMIT $1) AS rows) AS count
"""


class Row(msgspec.Struct, frozen=True):
    """A message that waits to be published."""

    id: UUID
    type: str
    body: bytes


async def write(
    connection: Connection, events: Sequence[Event[Any]], *, abandoned: bool = False
) -> list[Row]:
    """Store `events` in the caller's transaction; hand the rows to a Relay after the commit.

    `abandoned`: this process has no Relay, so the next sweep of the service's own takes them.
    """
    rows = list(_grouped(events))
    if rows:
        await connection.execute(
            _WRITE,
            [row.id for row in rows],
            [row.type for row in rows],
            [row.body for row in rows],
            clock.now() - (LEFT_BEHIND if abandoned else timedelta(0)),
        )
    return rows


def _grouped(events: Iterable[Event[Any]]) -> Iterable[Row]:
    by_type: dict[str, list[Event[Any]]] = {}
    for event in events:
        by_type.setdefault(event.type, []).append(event)
    for event_type, group in by_type.items():
        remaining = iter(group)
        while chunk := list(islice(remaining, GROUP_LIMIT)):
            yield Row(ids.new_id(), event_type, envelope.encode_group(chunk))


class Waiting(msgspec.Struct, frozen=True):
    """What an outbox holds: so many messages, at most `MOST_COUNTED`, the oldest from `since`."""

    count: int
    since: datetime | None


MOST_COUNTED = 100_000


async def waiting(pool: "Pool[Any]") -> Waiting:
    """Look into the outbox. An id says when it was made, `created_at` when it was last tried."""
    row = await pool.fetchrow(_WAITING, MOST_COUNTED)
    assert row is not None  # noqa: S101 - without FROM there is always one row
    since = clock.of_system(ids.made_at(row["oldest"])) if row["oldest"] else None
    return Waiting(row["count"], since)


class Relay:
    """Publishes outbox rows and deletes them once the broker has them."""

    def __init__(self, pool: "Pool[Any]", publisher: Publisher) -> None:
        self._pool = pool
        self._publisher = publisher
        self._sending: dict[UUID, asyncio.Task[None]] = {}
        self._delete: Coalescer[UUID, None] = Coalescer(self._delete_rows, limit=500)

    async def hand_over(self, rows: Sequence[Row]) -> None:
        """Start publishing committed rows; waits only while too many are unconfirmed."""
        for row in rows:
            self._sending[row.id] = asyncio.create_task(self._send(row))
        while len(self._sending) > MOST_UNCONFIRMED:
            await asyncio.wait(self._sending.values(), return_when=asyncio.FIRST_COMPLETED)

    async def run(self) -> None:
        """Sweep up what was left behind, until cancelled."""
        while True:
            try:
                while await self._sweep():
                    pass
            except UNREACHABLE as problem:
                log.warning("outbox not swept", problem=repr(problem))
            await asyncio.sleep(SWEEP_SECONDS)

    async def join(self) -> None:
        """Wait until nothing is unconfirmed."""
        while self._sending:
            await asyncio.wait(set(self._sending.values()))

    async def _send(self, row: Row) -> None:
        try:
            await self._publisher.publish_group(row.type, row.body)
            await self._delete.submit(row.id)
        except BrokerUnavailable as problem:
            log.info("outbox row stays for the sweep", type=row.type, problem=str(problem))
        except UNREACHABLE as problem:
            log.info("outbox row published, not deleted", type=row.type, problem=str(problem))
        finally:
            self._sending.pop(row.id, None)

    async def _delete_rows(self, ids_: list[UUID]) -> Sequence[None]:
        await self._pool.execute(_DELETE, ids_)
        return [None] * len(ids_)

    async def _sweep(self) -> bool:
        """Publish one page of old rows; true when a full page left, so that more may follow.

        A row from the future was left by a process whose clock ran ahead: it waits for nobody."""
        if not self._publisher.is_open:
            return False
        now = clock.now()
        found = await self._pool.fetch(
            _TAKE, now - LEFT_BEHIND, now, SWEEP_ROWS, list(self._sending), now + LEFT_BEHIND
        )
        rows = [Row(**row) for row in found]
        await self.hand_over(sorted(rows, key=lambda row: row.id))
        await self.join()
        still = await self._pool.fetchval(_STILL, [row.id for row in rows])
        return len(rows) == SWEEP_ROWS and still == 0
