"""The spool: what is accepted while the broker is away stands in PostgreSQL, in order.

While anything is in it, new input goes behind it. One process at a time hands it over, oldest
first; a row is deleted when the broker has confirmed it, so a crash repeats and never loses. At the
end a process holds back its new input for the moment that the last page takes, and goes back to
publishing directly.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from services.webhook import counters, store
from services.webhook.errors import NotKept
from services.webhook.messages import Encoded, into_messages
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
CONFIRM_SECONDS = 1.0
HOLD_SECONDS = 0.3
AWAY_SECONDS = 0.3


_AWAY: tuple[type[BaseException], ...] = (*UNREACHABLE, BrokerUnavailable)


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
            try:
                await self._watch()
            except _AWAY as problem:
                log.info("spool not handed over yet", problem=repr(problem))
            await asyncio.sleep(POLL_SECONDS)

    async def look(self) -> None:
        """Begin if anything is left from before."""
        if await store.spool_holds(self._pool):
            self.begin("something is in it")

    async def _watch(self) -> None:
        if not self.active:
            await self.look()
        if self.active and self._can_publish():
            async with self._pool.acquire() as connection, store.spool_lock(connection) as ours:
                if ours:
                    await self._hand_over(connection)

    async def _hand_over(self, connection: Connection) -> None:
        log.info("handing the spool over")
        while await self._hand_over_page(connection) == PAGE:
            pass
        self.turn.clear()
        try:
            async with asyncio.timeout(HOLD_SECONDS):
                await self._hand_over_rest(connection)
            self.active = False
        finally:
            self.turn.set()
        log.info("spool handed over; input goes to the broker again")

    async def _hand_over_rest(self, connection: Connection) -> None:
        """With new input held back: all that this process has put there, and what is before it."""
        while True:
            await self._inserts.join()
            kept = self._kept
            while await self._hand_over_page(connection) == PAGE:
                pass
            if kept == self._kept:
                return

    async def _hand_over_page(self, connection: Connection) -> int:
        """Publish the oldest, message by message, and delete what is confirmed."""
        rows = await store.spool_page(connection, PAGE)
        done = 0
        try:
            for message in into_messages([row.event for row in rows]):
                await publish(self._publisher, message.type, message.body, CONFIRM_SECONDS)
                done += message.events
        finally:
            if done:
                await store.spool_delete(connection, [row.seq for row in rows[:done]])
        return len(rows)

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
