"""Members with points that fall due, and the process that does the nightly work."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from services.points.accounts import standing
from services.points.accounts.books import Terms, open_books
from services.points.accounts.standing import Standing
from services.points.accounts.verifying import verify
from services.points.nights.night import NightShift
from services.points.programs import publishing
from services.points.programs.rulebook import Rulebook
from services.points.rankings.ranking import Ranking
from services.points.store import members as member_store
from services.points.store import nights
from services.points.store.members import NewMember
from shared import clock, envelope, ids, outbox
from shared.bus.handling import Batch
from shared.db import open_pool
from shared.events import ScheduleTicked, new_event
from tests.integration.points.shop import PLAIN, empty, eventually

TOKYO = ZoneInfo("Asia/Tokyo")
MEMBERS = 35
PAGE = 10


class NoRelay:
    """Leaves events in the outbox."""

    async def hand_over(self, rows: object) -> None:
        return None


def at(text: str, zone: ZoneInfo = TOKYO) -> datetime:
    """A local time such as `2025-01-31 23:59`."""
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def move_to(moment: datetime) -> None:
    """Make it that time now."""
    clock.set_offset(timedelta())
    clock.set_offset(moment - clock.now())


class Shop:
    """Members in a database of their own; `shift` is one that is not running."""

    def __init__(self, pool: Any, members: list[UUID]) -> None:
        self.pool = pool
        self.members = members
        self.ranking = Ranking(Rulebook())
        self.shift = NightShift(Rulebook(), self.ranking, PAGE)

    async def publish(self, **program: Any) -> None:
        """Publish the plain program with these parts, in force from now on."""
        rules = {**PLAIN, "ranks": {"levels": []}, "welcome": {"points": 0}, **program}
        async with self.pool.acquire() as connection, connection.transaction():
            await publishing.publish(Batch(connection), msgspec.json.encode(rules), "test")

    async def give(self, points: int, *who: UUID, days_pending: int = 0) -> None:
        """Let members (all) earn points now, with the terms of the program."""
        async with self.pool.acquire() as connection, connection.transaction():
            books = await open_books(connection, self.shift._rulebook, who or self.members)
            for book in books.all():
                of = Terms.of(books.edition, books.now)
                active_at = books.now + timedelta(days=days_pending) if days_pending else None
                book.post(
                    "earn",
                    points,
                    cause=ids.new_id(),
                    source="purchase",
                    actor="test",
                    explanation={"points": points},
                    terms=Terms(active_at, of.expires_at, of.sliding_months),
                )
                book.movement.earned += points
            batch = Batch(connection)
            await books.write(batch)
            await outbox.write(connection, batch.emitted)

    async def active(self, *who: UUID) -> None:
        """Let members do something that counts as activity now."""
        await self.pool.execute(
            "UPDATE accounts SET last_activity_at = $2 WHERE member_id = ANY($1)",
            list(who),
            clock.now(),
        )

    async def tick(self) -> UUID:
        """The nightly tick, handled; the night's id."""
        tick = new_event("/scheduler", ScheduleTicked("nightly", clock.now(), clock.now()))
        async with self.pool.acquire() as connection, connection.transaction():
            await self.shift.ticked(Batch(connection), [tick])
        return tick.id

    async def night(self) -> UUID:
        """A whole night, done by one process."""
        night = await self.tick()
        processes = self.process()
        await self.over(night)
        await stop(processes)
        return night

    def process(self, page: int = PAGE) -> "list[asyncio.Task[None]]":
        """What the `ranks` process runs."""
        rulebook = Rulebook()
        ranking = Ranking(rulebook)
        shift = NightShift(rulebook, ranking, page)
        relay: Any = NoRelay()
        works = (ranking.run(self.pool, relay), shift.run(self.pool, relay))
        return [asyncio.create_task(work) for work in works]

    async def over(self, *ids: UUID) -> None:
        """Wait until nights are over."""

        async def finished() -> Any:
            query = "SELECT bool_and(finished_at IS NOT NULL) FROM nights WHERE id = ANY($1)"
            return await self.pool.fetchval(query, list(ids))

        await eventually(finished, "a night did not end")

    async def row(self, night: UUID) -> Any:
        return await self.pool.fetchrow("SELECT * FROM nights WHERE id = $1", night)

    async def page(self) -> bool:
        """One page of the night."""
        relay: Any = NoRelay()
        return await self.shift.page(self.pool, relay)

    async def step(self) -> str | None:
        """The step at which the oldest night is."""
        async with self.pool.acquire() as connection, connection.transaction():
            found = await nights.next_page(connection)
        return found.step if found else None

    async def standings(self, zone: ZoneInfo = TOKYO) -> dict[UUID, Standing]:
        """What everybody is shown."""
        async with self.pool.acquire() as connection:
            return await standing.of_members(connection, self.members, zone, clock.now())

    async def stored(self) -> dict[UUID, tuple[int, int, int]]:
        """Balance, pending and held as the accounts have them."""
        rows = await self.pool.fetch(
            "SELECT member_id, in_lots - held - debt, pending, held FROM accounts"
        )
        return {row[0]: (row[1], row[2], row[3]) for row in rows}

    async def ledger(self) -> list[Any]:
        """Everything in the ledger."""
        tables = ("entries", "lots", "accounts", "expiry_warnings")
        return [
            await self.pool.fetch(f"SELECT t.*::text FROM {table} t ORDER BY 1") for table in tables
        ]

    async def told(self, event_type: str) -> list[Any]:
        """The data of all events of a type, in order."""
        rows = await self.pool.fetch(
            "SELECT body FROM outbox WHERE type = $1 ORDER BY id", event_type
        )
        groups = [envelope.decode_group(event_type, row["body"])[0] for row in rows]
        return [event.data for group in groups for event in group]

    async def in_order(self) -> None:
        """The ledger adds up."""
        async with self.pool.acquire() as connection:
            found = [each async for page in verify(connection) for each in page.findings]
        assert found == []


async def stop(tasks: "list[asyncio.Task[None]]") -> None:
    """Kill a process."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def opened(database: Any) -> AsyncIterator[Shop]:
    """A shop with members who have no points, on 1 January 2025."""
    pool = await open_pool(database.url("points"), schema="points", size=10)
    await empty(database.admin_url)
    move_to(at("2025-01-01 12:00"))
    members = sorted(ids.new_id() for _ in range(MEMBERS))
    people = [
        NewMember(id=id, card=f"29{n:011}", line_user_id=f"U{n}") for n, id in enumerate(members)
    ]
    await member_store.add(pool, people, clock.now())
    try:
        yield Shop(pool, members)
    finally:
        clock.set_offset(timedelta())
        await pool.close()
