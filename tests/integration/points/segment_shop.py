"""Segments of a shop, asked about directly, and a broker that keeps the pages it is given."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import msgspec

from services.points.programs.rulebook import Rulebook
from services.points.segments import definition as definitions
from services.points.segments import reading
from services.points.segments.people import people
from services.points.segments.reading import found
from services.points.segments.streaming import HELD_BACK, LEAST_SHARE, Streams
from services.points.store import segments as store
from services.points.store.segments import Counted
from shared import envelope, ids, outbox
from shared.bus.errors import BrokerUnavailable
from shared.bus.handling import Batch
from shared.events import SegmentPage, SegmentPerson, SegmentRequested, new_event
from shared.giving_way import GivingWay
from tests.integration.points.night_shop import NoRelay


class Broker:
    """Confirms what it is given, at once; `breaks_at`: not this page, once. `seen` is told of each
    page before it is confirmed."""

    is_open = True

    def __init__(self, breaks_at: int | None = None) -> None:
        self.pages: list[SegmentPage] = []
        self.breaks_at = breaks_at
        self.unconfirmed = 0
        self.most_unconfirmed = 0
        self.may_confirm = asyncio.Event()
        self.may_confirm.set()

    async def publish_group(self, event_type: str, body: bytes) -> None:
        """As the publisher's."""
        (event,), _ = envelope.decode_group(event_type, body)
        self.unconfirmed += 1
        self.most_unconfirmed = max(self.most_unconfirmed, self.unconfirmed)
        try:
            if event.data.number == self.breaks_at:
                self.breaks_at = None
                raise BrokerUnavailable("the test says so")
            self.pages.append(event.data)
            await self.may_confirm.wait()
        finally:
            self.unconfirmed -= 1

    def answer(self, request: UUID) -> list[SegmentPage]:
        """The first whole stream of a request."""
        for stream in dict.fromkeys(page.stream_id for page in self.pages):
            pages = [page for page in self.pages if page.stream_id == stream]
            pages.sort(key=lambda page: page.number)
            whole = [page.number for page in pages] == list(range(len(pages))) and pages[-1].last
            if whole and pages[0].request_id == request:
                return pages
        raise AssertionError("no whole stream")


class Word:
    """Whether people wait, as a test says."""

    def __init__(self, waiting: bool) -> None:
        self._waiting = waiting

    async def heard(self) -> bool:
        """As the word in Redis."""
        return self._waiting


def streams(broker: Any, page: int = 10, *, people_wait: bool = False) -> Streams:
    """What the process runs, with small pages."""
    relay: Any = NoRelay()
    way = GivingWay(Word(people_wait), HELD_BACK, LEAST_SHARE)
    return Streams(Rulebook(), broker, relay, way, page)


async def ask(pool: Any, doing: Streams, document: Any, request: UUID | None = None) -> UUID:
    """Ask for a stream, as the bus hands the event over."""
    request = request or ids.new_id()
    data = SegmentRequested(request, msgspec.Raw(msgspec.json.encode(document)))
    async with pool.acquire() as connection, connection.transaction():
        batch = Batch(connection)
        await doing.requested(batch, [new_event("/notify", data)])
        await outbox.write(connection, batch.emitted)
    return request


@asynccontextmanager
async def snapshot(pool: Any) -> AsyncIterator[Any]:
    """A connection that reads one moment."""
    async with (
        pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        yield connection


async def count(pool: Any, document: Any) -> Counted:
    """How many are in a segment."""
    wanted = definitions.parse(document)
    async with snapshot(pool) as connection:
        read = await reading.read(connection, Rulebook(), wanted)
        return await store.count(connection, read.query)


async def members(pool: Any, document: Any, page: int = 10) -> list[SegmentPerson]:
    """Who is in a segment, with what is said of them."""
    wanted = definitions.parse(document)
    told: list[SegmentPerson] = []
    async with snapshot(pool) as connection:
        read = await reading.read(connection, Rulebook(), wanted)
        async for some in found(connection, read, page):
            told += await people(connection, read, some)
    return told


def of(told: Iterable[SegmentPerson]) -> list[UUID]:
    """Their ids."""
    return [person.member_id for person in told]
