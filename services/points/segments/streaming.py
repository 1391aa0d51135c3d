"""Streams of segments: asked for by an event, answered page by page from one snapshot.

A request is noted in the transaction of its event. Whoever works on it holds its lock for as long
as the snapshot lives, so a worker that dies leaves it to others at once; they begin it anew under
another id. Memory does not follow the number of members: a page leaves before the next but few is
read, and waits while the broker has not confirmed enough of those before it. While people wait at
tills or for their receipts, it rests between pages (decision 0031).
"""

import asyncio
from typing import Any
from uuid import UUID

from prometheus_client import Counter

from services.points.programs.rulebook import Rulebook
from services.points.segments import definition as definitions
from services.points.segments import reading
from services.points.segments.conditions import One
from services.points.segments.definition import DefinitionInvalid
from services.points.segments.people import people
from services.points.segments.reading import Reading, found
from services.points.store import segment_requests as requests
from services.points.store.segment_requests import Asked
from shared import clock, envelope, ids, logs, outbox
from shared.bus.errors import BrokerUnavailable
from shared.bus.handling import Batch, Connection
from shared.bus.publisher import Publisher
from shared.db import CONFLICTS, UNREACHABLE, Pool
from shared.events import Event, SegmentPage, SegmentRefused, SegmentRequested, new_event
from shared.giving_way import GivingWay
from shared.outbox import Relay

SOURCE = "/points/segments"
PAGE = 500
MOST_UNCONFIRMED = 4
LEAST_SHARE = 0.25
"""Of the pace of a stream, however long people wait: as long as it lasts, the database cleans up
nothing of what is changed meanwhile, so one that crept would cost them more than it leaves them."""

HELD_BACK = Counter(
    "tamaru_points_segments_held_back_seconds",
    "How long segments have rested because people waited.",
)
POLL_SECONDS = 2.0
LOOKED_AT = 20
MOST_ATTEMPTS = 50
CUT_OFF: tuple[type[Exception], ...] = (*UNREACHABLE, *CONFLICTS, BrokerUnavailable)
"""What ends a stream that is then begun anew."""

_FAILED = (
    "対象の会員を計算できませんでした。条件を減らして、もう一度お試しください。",
    "The members could not be computed. Use fewer conditions and try again.",
)

log = logs.logger(__name__)


class TooOften(Exception):
    """The stream was begun so often that it is given up."""


class Streams:
    """The handler of `segment.requested`, and the work on what was asked for."""

    def __init__(
        self,
        rulebook: Rulebook,
        publisher: Publisher,
        relay: Relay,
        way: GivingWay,
        page: int = PAGE,
    ) -> None:
        self._rulebook = rulebook
        self._publisher = publisher
        self._relay = relay
        self._way = way
        self._page = page
        self._asked = {single: asyncio.Event() for single in (False, True)}

    async def requested(self, batch: Batch, events: list[Event[SegmentRequested]]) -> None:
        """Note what is asked for; refuse what says nothing."""
        for event in events:
            data = event.data
            try:
                wanted = definitions.read(data.definition)
            except DefinitionInvalid as problem:
                batch.emit(_refused(event, problem))
                continue
            single, now = isinstance(wanted, One), clock.now()
            written = bytes(data.definition)
            await requests.add(
                batch.connection, data.request_id, written, data.segment, single=single, now=now
            )
            batch.when_committed(self._wake)

    def _wake(self) -> None:
        for asked in self._asked.values():
            asked.set()

    async def run(self, pool: "Pool[Any]", *, single: bool = False) -> None:
        """Stream what was asked for, one after another, until cancelled; `single`: only what is
        about one member, which need not wait behind a large one."""
        while True:
            try:
                while self._publisher.is_open and await self.stream_one(pool, single=single):
                    pass
            except CUT_OFF as problem:
                log.warning("a stream was cut off and is begun anew", problem=repr(problem))
            self._asked[single].clear()
            try:
                await asyncio.wait_for(self._asked[single].wait(), POLL_SECONDS)
            except TimeoutError:
                continue

    async def stream_one(self, pool: "Pool[Any]", *, single: bool = False) -> bool:
        """Take the oldest request that nobody has and stream it; False when there is none."""
        async with (
            pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            for id in await requests.unfinished(connection, LOOKED_AT, single=single):
                if await requests.claim(connection, id):
                    stream = ids.new_id()
                    asked = await requests.begin(pool, id, stream)
                    if asked is not None:
                        await self._do(pool, connection, asked, stream)
                        return True
        return False

    async def _do(
        self, pool: "Pool[Any]", connection: Connection, asked: Asked, stream: UUID
    ) -> None:
        try:
            if asked.attempts > MOST_ATTEMPTS:
                raise TooOften
            members = await self._stream(connection, asked, stream)
        except CUT_OFF:
            raise
        except Exception as problem:  # told to whoever asked
            log.error("segment failed", request=str(asked.id), exc_info=problem)
            await self._give_up(pool, asked)
        else:
            await requests.finish(pool, asked.id, members, clock.now())
            log.info("segment streamed", request=str(asked.id), members=members)

    async def _stream(self, connection: Connection, asked: Asked, stream: UUID) -> int:
        """The whole stream; how many members it had."""
        wanted, time = definitions.read(asked.definition), asyncio.get_running_loop().time
        began = time()
        read = await reading.read(connection, self._rulebook, wanted)
        pages = _Pages(self._publisher, asked, stream, read)
        try:
            async for members in found(connection, read, self._page):
                await pages.add(await people(connection, read, members))
                await self._way.rest(time() - began)
                began = time()
            await pages.end()
        finally:
            await pages.close()
        return pages.total

    async def _give_up(self, pool: "Pool[Any]", asked: Asked) -> None:
        told = SegmentRefused(asked.id, *_FAILED)
        refused = new_event(SOURCE, told, id=_refusal(asked.id))
        async with pool.acquire() as connection, connection.transaction():
            await requests.finish(connection, asked.id, 0, clock.now())
            rows = await outbox.write(connection, [refused])
        await self._relay.hand_over(rows)


class _Pages:
    """The pages of one stream on their way. The last one is known when no other comes, so each
    waits for the next."""

    def __init__(self, publisher: Publisher, asked: Asked, stream: UUID, read: Reading) -> None:
        self._publisher = publisher
        self._asked = asked
        self._stream = stream
        self._taken_at = read.as_of.now
        self._number = 0
        self._waiting: list[Any] | None = None
        self._sending: set[asyncio.Task[None]] = set()
        self.total = 0

    async def add(self, people: list[Any]) -> None:
        """Another page; the one before it leaves."""
        if self._waiting is not None:
            await self._send(self._waiting, last=False)
        self._waiting = people

    async def end(self) -> None:
        """No more pages: the last one leaves, and the broker has them all. Raises
        BrokerUnavailable."""
        await self._send(self._waiting or [], last=True)
        await self._confirmed(0)

    async def _send(self, people: list[Any], *, last: bool) -> None:
        self.total += len(people)
        page = SegmentPage(
            request_id=self._asked.id,
            stream_id=self._stream,
            number=self._number,
            taken_at=self._taken_at,
            people=people,
            total=self.total,
            last=last,
        )
        event = new_event(
            SOURCE, page, id=ids.derived_id("page", str(self._stream), str(self._number))
        )
        body = envelope.encode_group([event])
        self._sending.add(asyncio.create_task(self._publisher.publish_group(event.type, body)))
        self._number += 1
        await self._confirmed(MOST_UNCONFIRMED - 1)

    async def close(self) -> None:
        """Leave nothing under way."""
        for each in self._sending:
            each.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)

    async def _confirmed(self, most: int) -> None:
        while len(self._sending) > most:
            done, self._sending = await asyncio.wait(
                self._sending, return_when=asyncio.FIRST_COMPLETED
            )
            for each in done:
                each.result()


def _refused(event: Event[SegmentRequested], problem: DefinitionInvalid) -> Event[SegmentRefused]:
    """Why a definition cannot be computed; the same request is refused once."""
    ja = " ".join(f"{each.path} {each.ja}".strip() for each in problem.problems[:5])
    en = "; ".join(f"{each.path} {each.en}".strip() for each in problem.problems[:5])
    told = SegmentRefused(event.data.request_id, ja, en)
    return new_event(SOURCE, told, cause=event, id=_refusal(event.data.request_id))


def _refusal(request: UUID) -> UUID:
    return ids.derived_id("segment.refused", str(request))
