"""The spool: what is accepted while the broker is away stands in PostgreSQL, in order.

While anything is in it, new input goes behind it. One process at a time hands it over, oldest
first; a row is deleted when the broker has confirmed it, so a crash repeats and never loses. When
little is left a process holds back its new input for the moment that the last page takes, and goes
back to publishing directly; where the moment is too short, as in a rush, it goes on at once.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from services.webhook import counters, store
from services.webhook.errors import NotKept
from services.webhook.messages import Encoded, Message, into_messages
from services.webhook.store import Spooled
from shared import clock, logs
from shared.bus.errors import BrokerUnavailable
from shared.bus.handling import Connection
from shared.bus.publisher import Publisher
from shared.coalesce import Coalescer
from shared.db import UNREACHABLE, Pool

log = logs.logger(__name__)

PAGE = 500
POLL_SECONDS = 0.5
KEEP_SECONDS = 0.6
CONFIRM_SECONDS = 5.0
"""For what is handed over, which nobody waits for: to send it again because the broker is slow
would make it slower."""

HOLD_SECONDS = 0.3
AWAY_SECONDS = 0.3


_AWAY: tuple[type[BaseException], ...] = (*UNREACHABLE, BrokerUnavailable)


class _Sent(NamedTuple):
    """Rows on their way to the broker, the messages that they make, and what comes of each."""

    rows: Sequence[Spooled]
    messages: Sequence[Message]
    outcomes: "asyncio.Future[list[BaseException | None]]"


class Spool:
    """`active`: input goes here. `turn`: cleared while new input is held back."""

    def __init__(
        self, pool: "Pool[Any]", publisher: Publisher, can_publish: Callable[[], bool]
    ) -> None:
        self.active = False
        self.turn = asyncio.Event()
        self.turn.set()
        self._pool = pool
        self._publisher = publisher
        self._can_publish = can_publish
        self._inserts: Coalescer[Sequence[Encoded], None] = Coalescer(self._insert)
        self._kept = 0
        self._away_until = 0.0

    def begin(self, reason: str) -> None:
        """From now on input goes to the spool."""
        if not self.active:
            log.warning("input goes to the spool", reason=reason)
            self.active = True

    async def keep(self, events: Sequence[Encoded]) -> None:
        """Put events behind all that is there; durable on return. Raises NotKept."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._away_until:
            raise NotKept("the database did not answer a moment ago")
        try:
            async with asyncio.timeout(KEEP_SECONDS):
                await self._inserts.submit(events)
        except UNREACHABLE as problem:
            self._away_until = loop.time() + AWAY_SECONDS
            raise NotKept(repr(problem)) from problem

    def waited(self) -> float:
        """Seconds that the first one has waited which is not kept yet."""
        return self._inserts.waited()

    async def run(self) -> None:
        """Watch the spool and hand it over, until cancelled."""
        while True:
            more = False
            try:
                more = await self._watch()
            except _AWAY as problem:
                log.info("spool not handed over yet", problem=repr(problem))
            if not more:
                await asyncio.sleep(POLL_SECONDS)

    async def look(self) -> None:
        """Begin if anything is left from before."""
        if await store.spool_holds(self._pool):
            self.begin("something is in it")

    async def _watch(self) -> bool:
        """Look, and hand over; true when more came in meanwhile than a moment takes."""
        if not self.active:
            await self.look()
        if not self.active or not self._can_publish():
            return False
        async with self._pool.acquire() as connection, store.spool_lock(connection) as ours:
            if ours:
                await self._hand_over(connection)
            return ours and self.active

    async def _hand_over(self, connection: Connection) -> None:
        log.info("handing the spool over")
        rows = await store.spool_page(connection, PAGE)
        confirms = bool(rows)
        while rows:
            await self._settle(connection, self._publishing(rows))
            more = len(rows) == PAGE
            rows = await store.spool_page(connection, PAGE) if more else []
        await self._end(connection, confirms)

    async def _end(self, connection: Connection, confirms: bool) -> None:
        """Hold new input back for a moment. If all that is left is on its way to the broker within
        it, what comes from now on goes there, too, behind it; but not before the broker `confirms`
        again."""
        self.turn.clear()
        moment = asyncio.get_running_loop().call_later(HOLD_SECONDS, self.turn.set)
        try:
            await asyncio.wait_for(self._inserts.join(), HOLD_SECONDS)  # later there may be no end
            kept = self._kept
            rows = await store.spool_page(connection, PAGE)
            all_read = len(rows) < (PAGE if confirms else 1) and kept == self._kept
            sent = self._publishing(rows)
            self.active = self.turn.is_set() or not all_read
        except TimeoutError:
            return
        finally:
            moment.cancel()
            self.turn.set()
        await self._settle(connection, sent)
        if not self.active:
            log.info("spool handed over; input goes to the broker again")

    def _publishing(self, rows: Sequence[Spooled]) -> "_Sent":
        """Begin to publish these; a channel keeps their order."""
        messages = list(into_messages([row.event for row in rows]))
        calls = (
            publish(self._publisher, each.type, each.body, CONFIRM_SECONDS) for each in messages
        )
        return _Sent(rows, messages, asyncio.gather(*calls, return_exceptions=True))

    async def _settle(self, connection: Connection, sent: "_Sent") -> None:
        """Delete what is confirmed, up to the first that is not. Raises BrokerUnavailable."""
        outcomes = await sent.outcomes
        failed = next((at for at, each in enumerate(outcomes) if each is not None), len(outcomes))
        if done := sum(message.events for message in sent.messages[:failed]):
            await store.spool_delete(connection, [row.seq for row in sent.rows[:done]])
        for problem in outcomes[failed:]:
            if problem is not None:
                self.begin(str(problem))
                raise problem

    async def _insert(self, groups: list[Sequence[Encoded]]) -> Sequence[None]:
        events = [event for group in groups for event in group]
        self._kept += len(events)
        await store.spool(self._pool, events, clock.now())
        counters.spooled([event.type for event in events])
        return [None] * len(groups)


async def publish(publisher: Publisher, event_type: str, body: bytes, seconds: float) -> None:
    """Publish a message; a confirm that does not come in time counts as unknown.

    Raises BrokerUnavailable."""
    try:
        async with asyncio.timeout(seconds):
            await publisher.publish_group(event_type, body)
    except TimeoutError:
        raise BrokerUnavailable(f"no confirm within {seconds} s") from None
