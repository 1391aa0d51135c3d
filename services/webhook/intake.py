"""Accepting: an event is accepted when the broker or the database has it on disk.

The broker first; what it does not confirm in time goes to the spool, and while the spool holds
anything new input goes behind it, so that the order of acceptance stays. When the database is away
too, the broker is asked all the same. A confirm that never came may have been given: readers know
an event by its id, so publishing it twice does no harm.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from services.webhook.errors import NotAccepted, NotKept
from services.webhook.messages import Encoded, into_messages
from services.webhook.spool import Spool, publish
from shared import logs, tracing
from shared.bus.errors import BrokerUnavailable
from shared.bus.publisher import Publisher
from shared.coalesce import Coalescer

log = logs.logger(__name__)

CONFIRM_SECONDS = 1.0
LEAST_CONFIRM_SECONDS = 0.2
INSTEAD_SECONDS = 0.4
"""LINE gives up after 2 s. The worst case adds up to less: held back (0.3), not kept (0.6), and two
groups in a row asked of the broker instead; or one group (1.0), then not kept (0.6)."""
IN_FLIGHT = 1


class _Offer(NamedTuple):
    arrived: float
    events: Sequence[Encoded]


class Intake:
    """The one door for all that comes in."""

    def __init__(self, publisher: Publisher, spool: Spool) -> None:
        self._publisher = publisher
        self._spool = spool
        self._direct: dict[str, Coalescer[_Offer, None]] = {}
        self._instead: dict[str, Coalescer[_Offer, None]] = {}

    async def accept(self, events: Sequence[Encoded]) -> bool:
        """Have `events`, all of one type, on disk on return; True if the broker has them already.

        Raises NotAccepted within two seconds when nothing durable took them.
        """
        if not tracing.on():
            return await self._accept(events)
        with tracing.span(f"publish {events[0].type}", "producer") as span:
            published = await self._accept(events)
            if span is not None:
                span.note(messaging__system="rabbitmq", tamaru__spooled=not published)
            return published

    async def _accept(self, events: Sequence[Encoded]) -> bool:
        arrived = asyncio.get_running_loop().time()
        if not self._spool.turn.is_set():
            await self._spool.turn.wait()
        if not self._spool.active:
            try:
                await self._grouped(self._direct, self._publish_first, _Offer(arrived, events))
                return True
            except BrokerUnavailable:
                return await self._keep(events)
        return await self._keep_or_publish(_Offer(arrived, events))

    def waited(self) -> float:
        """Seconds that the first one has waited which nothing durable has taken yet."""
        groups = (*self._direct.values(), *self._instead.values())
        return max((self._spool.waited(), *(group.waited() for group in groups)))

    async def join(self) -> None:
        """Wait until nothing is in flight."""
        for coalescer in [*self._direct.values(), *self._instead.values()]:
            await coalescer.join()

    async def _keep(self, events: Sequence[Encoded]) -> bool:
        try:
            await self._spool.keep(events)
        except NotKept as problem:
            log.warning("neither broker nor database", problem=str(problem))
            raise NotAccepted("neither the broker nor the database answers") from problem
        return False

    async def _keep_or_publish(self, offer: _Offer) -> bool:
        try:
            await self._spool.keep(offer.events)
        except NotKept as not_kept:
            try:
                await self._grouped(self._instead, self._publish_instead, offer)
            except BrokerUnavailable as problem:
                log.warning("neither broker nor database", problem=f"{problem}; {not_kept}")
                raise NotAccepted("neither the broker nor the database answers") from problem
            return True
        return False

    def _grouped(
        self,
        groups: "dict[str, Coalescer[_Offer, None]]",
        flush: Callable[[list[_Offer]], Awaitable[Sequence[None]]],
        offer: _Offer,
    ) -> "asyncio.Future[None]":
        event_type = offer.events[0].type
        group = groups.get(event_type)
        if group is None:
            group = groups[event_type] = Coalescer(flush, in_flight=IN_FLIGHT)
        return group.submit(offer)

    async def _publish_first(self, offers: list[_Offer]) -> Sequence[None]:
        """Publish, unless the group before this one has shown that it is no use now."""
        if self._spool.active:
            raise BrokerUnavailable("did not confirm a moment ago")
        waited = asyncio.get_running_loop().time() - offers[0].arrived
        try:
            return await self._publish(offers, max(LEAST_CONFIRM_SECONDS, CONFIRM_SECONDS - waited))
        except BrokerUnavailable as problem:
            self._spool.begin(str(problem))
            raise

    async def _publish_instead(self, offers: list[_Offer]) -> Sequence[None]:
        return await self._publish(offers, INSTEAD_SECONDS)

    async def _publish(self, offers: list[_Offer], seconds: float) -> Sequence[None]:
        """All or nothing: what is unsure as a part is unsure as a whole, and goes to the spool."""
        messages = list(into_messages([event for offer in offers for event in offer.events]))
        if len(messages) == 1:
            await publish(self._publisher, messages[0].type, messages[0].body, seconds)
        else:
            await asyncio.gather(
                *(publish(self._publisher, each.type, each.body, seconds) for each in messages)
            )
        return [None] * len(offers)
