"""A shop without a broker: the service's acts called straight, on a real database.

For tests that do very many small things in a row; events stay in the outbox.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

from services.points.accounts import adjusting
from services.points.accounts.verifying import verify
from services.points.members import erasing, merging
from services.points.members.enrolment import Enrolment
from services.points.nights.night import NightShift
from services.points.programs import publishing
from services.points.programs.rulebook import Rulebook
from services.points.purchases import redeeming, refunding
from services.points.purchases.awards import Awards
from services.points.purchases.refund_case import Order
from services.points.rankings.ranking import NIGHTLY, Ranking
from services.points.reports.keeping import Keeper
from services.points.rules.refunds import Wanted
from services.points.store import merges, redemptions, requests
from services.points.store.members import NewMember
from services.points.store.requests import Request, Settled
from shared import clock, ids, outbox
from shared.bus.handling import Batch
from shared.events import Event, PurchaseSubmitted, ScheduleTicked, new_event
from shared.keys import Keys
from tests.integration.points.shop import QR_KEY, TERMINAL

Done = TypeVar("Done")


class Unsent:
    """Stands where a Relay does: what was written stays in the outbox."""

    async def hand_over(self, rows: Sequence[outbox.Row]) -> None:
        """Leave the rows."""


class Counter:
    """What can be done at a till and by the owner; each act is one transaction."""

    def __init__(self, pool: Any) -> None:
        self.pool = pool
        self.rulebook = Rulebook()
        self._awards = Awards(self.rulebook, Keys(QR_KEY))
        self._enrolment = Enrolment(self.rulebook, self._awards)
        self._ranking = Ranking(Rulebook())
        self._night = NightShift(Rulebook(), self._ranking, page=2)

    async def act(self, doing: Callable[[Batch], Awaitable[Done]]) -> Done:
        """Do something and commit it with its events."""
        async with self.pool.acquire() as connection, connection.transaction():
            batch = Batch(connection)
            done = await doing(batch)
            await outbox.write(connection, batch.emitted)
        return done

    async def publish(self, document: bytes) -> None:
        """The owner publishes rules."""
        await self.act(lambda batch: publishing.publish(batch, document, "test"))

    async def join(self) -> UUID:
        """A new member with a card."""
        added = await self.act(
            lambda batch: self._enrolment.add(batch, [NewMember(id=ids.new_id())])
        )
        return added[0].id

    async def buy(self, *events: Event[PurchaseSubmitted]) -> None:
        """Purchases arrive, again or for the first time."""
        await self.act(lambda batch: self._awards.handle(batch, list(events)))

    async def refund(self, purchase: UUID, wanted: Wanted) -> Any:
        """Refund a purchase; None when it earned nothing so far."""

        async def doing(batch: Batch) -> Any:
            known = (await requests.find(batch.connection, [purchase]))[purchase]
            if known.member_id is None:  # it was nobody's any more
                return None
            order = Order(ids.new_id(), "test", wanted)
            return await refunding.refund(batch, self.rulebook, known, order)

        return await self.act(doing)

    async def redeem(self, member: UUID, points: int, *, capture: bool) -> Any:
        """Hold points, or spend them."""
        id = ids.new_id()

        async def doing(batch: Batch) -> Any:
            asked = Request(id, TERMINAL, id.hex, "", member_id=member)
            await requests.claim(batch.connection, "redemption", [asked], clock.now())
            await requests.settle(batch.connection, [Settled(id, "done", member, str(id))])
            return await redeeming.redeem(
                batch,
                self.rulebook,
                id=id,
                member_id=member,
                store_code="main",
                terminal=TERMINAL,
                actor=f"terminal:{TERMINAL}",
                points=points,
                purchase_total=None,
                capture=capture,
            )

        return await self.act(doing)

    async def capture(self, held: Any, points: int) -> Any:
        """Spend some of what is held."""
        return await self.act(
            lambda batch: redeeming.capture(
                batch, self.rulebook, held, points, f"terminal:{TERMINAL}"
            )
        )

    async def void(self, held: Any) -> Any:
        """Let held points go."""
        return await self.act(lambda batch: redeeming.void(batch, self.rulebook, held))

    async def redemption(self, member: UUID, id: UUID) -> Any:
        """A redemption as it is now."""
        async with self.pool.acquire() as connection:
            return await redemptions.find(connection, member, id)

    async def adjust(self, member: UUID, points: int) -> None:
        """The owner adds or takes points."""
        await self.act(
            lambda batch: adjusting.adjust(
                batch,
                self.rulebook,
                member_id=member,
                points=points,
                reason="test",
                cause=ids.new_id(),
                actor="test",
            )
        )

    async def merge(self, kept: UUID, absorbed: UUID) -> Any:
        """Two members become one."""
        return await self.act(
            lambda batch: merging.merge(
                batch,
                self.rulebook,
                id=ids.new_id(),
                kept=kept,
                absorbed=absorbed,
                reason="test",
                actor="test",
            )
        )

    async def unmerge(self, id: UUID) -> None:
        """And two again."""

        async def doing(batch: Batch) -> None:
            made = await merges.find(batch.connection, id)
            assert made is not None
            await merging.undo(batch, self.rulebook, made, "test")

        await self.act(doing)

    async def erase(self, member: UUID) -> Any:
        """Somebody leaves for good, and what is personal of them goes."""
        card = await self.pool.fetchval("SELECT card FROM members WHERE id = $1", member)
        return await self.act(
            lambda batch: erasing.erase(batch, self.rulebook, member, confirm=card, actor="test")
        )

    async def night(self) -> None:
        """A whole night, and the sweep of forgotten holds."""
        relay: Any = Unsent()
        await redeeming.time_out(self.pool, relay, self.rulebook)
        now = clock.now()
        tick: Event[ScheduleTicked] = new_event("/scheduler", ScheduleTicked(NIGHTLY, now, now))
        await self.act(lambda batch: self._night.ticked(batch, [tick]))
        while await self._night.page(self.pool, relay) or await self._ranking.page(
            self.pool, relay
        ):
            pass

    async def keep_figures(self) -> None:
        """Keep the figures of all hours that are over."""
        keeper = Keeper(Rulebook())
        while await keeper.page(self.pool):
            pass

    async def findings(self) -> list[Any]:
        """What does not add up."""
        async with self.pool.acquire() as connection:
            return [each async for page in verify(connection) for each in page.findings]

    async def state(self) -> list[Any]:
        """Everything that a night could change."""
        queries = (
            "SELECT * FROM accounts ORDER BY member_id",
            "SELECT * FROM lots ORDER BY member_id, entry_id",
            "SELECT id FROM entries ORDER BY id",
            "SELECT member_id, code, keep_until FROM ranks ORDER BY member_id",
        )
        return [[tuple(row) for row in await self.pool.fetch(query)] for query in queries]
