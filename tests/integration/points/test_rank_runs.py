"""Runs over everybody: resumed after a kill, superseded by later ones, in nobody's way."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import msgspec
import pytest

from services.points.programs import publishing
from services.points.programs.rulebook import Rulebook
from services.points.rankings.ranking import Ranking
from services.points.store import members as member_store
from services.points.store import rank_runs
from services.points.store.members import NewMember
from shared import clock, envelope, ids
from shared.bus.handling import Batch
from shared.db import open_pool
from shared.events import PointsAdjusted, new_event
from tests.integration.points.ranking_shop import BRONZE, GOLD, SILVER, rules
from tests.integration.points.shop import empty, eventually

PAGE = 10
MEMBERS = 45
ENDS = 5  # pages, the last one half full


class NoRelay:
    """Leaves events in the outbox."""

    async def hand_over(self, rows: object) -> None:
        return None


class Shop:
    """Members with a visit each, ranked by as many processes as a test wants."""

    def __init__(self, pool: Any, members: list[UUID]) -> None:
        self.pool = pool
        self.members = members

    async def publish(self, *levels: Any) -> None:
        document = msgspec.json.encode(rules(*levels, window={"type": "lifetime"}))
        async with self.pool.acquire() as connection, connection.transaction():
            await publishing.publish(Batch(connection), document, "test")

    async def start(self, reason: str = "program") -> UUID:
        run = ids.new_id()
        night = reason == "nightly"
        await rank_runs.start(self.pool, run, reason, night, clock.now())
        return run

    def process(self) -> "asyncio.Task[None]":
        ranking = Ranking(Rulebook(), page=PAGE)
        return asyncio.create_task(ranking.run(self.pool, NoRelay()))  # type: ignore[arg-type]

    async def run(self, id: UUID) -> Any:
        return await self.pool.fetchrow("SELECT * FROM rank_runs WHERE id = $1", id)

    async def come_to(self, id: UUID, members: int) -> None:
        """Wait until a run has come through so many members."""

        async def there() -> Any:
            return (await self.run(id))["members"] >= members

        await eventually(there, f"the run did not come to {members} members")

    async def finished(self, *runs: UUID) -> None:
        for id in runs:

            async def done(id: UUID = id) -> Any:
                return (await self.run(id))["finished_at"]

            await eventually(done, "a run did not end")

    async def told(self) -> Counter[tuple[str, str | None]]:
        """How often each member was told of which rank."""
        rows = await self.pool.fetch("SELECT body FROM outbox WHERE type = 'rank.changed.v1'")
        events = [
            event
            for row in rows
            for event in envelope.decode_group("rank.changed.v1", row["body"])[0]
        ]
        return Counter((event.subject or "", event.data.to_rank) for event in events)


@pytest.fixture
async def shop(database: Any) -> AsyncIterator[Shop]:
    """A shop without a bus: nobody ranks unless the test starts a process."""
    await empty(database.admin_url)
    pool = await open_pool(database.url("points"), schema="points", size=10)
    members = sorted(ids.new_id() for _ in range(MEMBERS))
    people = [NewMember(id=id, card=f"29{n:011}") for n, id in enumerate(members)]
    await member_store.add(pool, people, clock.now())
    await pool.execute("UPDATE accounts SET visits = 1")
    made = Shop(pool, members)
    await made.publish(BRONZE)
    yield made
    await pool.close()


async def stop(process: "asyncio.Task[None]") -> None:
    process.cancel()
    await asyncio.gather(process, return_exceptions=True)


async def test_a_run_goes_on_after_a_kill_where_it_stood(shop: Shop) -> None:
    run = await shop.start()
    async with shop.pool.acquire() as connection, connection.transaction():
        # the 25th member's account is taken, so the third page cannot be finished
        held = shop.members[24]
        await connection.execute("SELECT FROM accounts WHERE member_id = $1 FOR UPDATE", held)
        process = shop.process()
        await shop.come_to(run, 2 * PAGE)
        await stop(process)
        assert len(await shop.told()) == 2 * PAGE
    process = shop.process()
    await shop.finished(run)
    await stop(process)
    assert (await shop.run(run))["members"] == MEMBERS
    assert await shop.told() == Counter({(str(id), "bronze"): 1 for id in shop.members})


async def test_two_processes_do_not_get_into_each_others_way(shop: Shop) -> None:
    runs = [await shop.start(), await shop.start("nightly")]
    processes = [shop.process(), shop.process()]
    await shop.finished(*runs)
    await asyncio.gather(*map(stop, processes))
    assert await shop.told() == Counter({(str(id), "bronze"): 1 for id in shop.members})


async def test_a_second_publication_takes_over_from_the_first_ones_run(shop: Shop) -> None:
    first = await shop.start()
    async with shop.pool.acquire() as connection, connection.transaction():
        held = shop.members[24]
        await connection.execute("SELECT FROM accounts WHERE member_id = $1 FOR UPDATE", held)
        process = shop.process()
        await shop.come_to(first, 2 * PAGE)
        copper = {**BRONZE, "code": "copper"}
        await shop.publish(copper)
        second = await shop.start()
    await shop.finished(first, second)
    await stop(process)
    one, two = await shop.run(first), await shop.run(second)
    assert (one["superseded_by"], two["superseded_by"]) == (second, None)
    assert one["members"] < MEMBERS
    assert two["members"] == MEMBERS
    ranks = await shop.pool.fetch("SELECT DISTINCT code FROM ranks")
    assert [row["code"] for row in ranks] == ["copper"]


@pytest.mark.parametrize(
    ("earlier", "later", "superseded"),
    [
        ("program", "program", True),
        ("program", "nightly", True),
        ("nightly", "nightly", True),
        ("nightly", "program", False),
    ],
)
async def test_a_run_is_superseded_only_by_one_that_does_all_it_would(
    shop: Shop, earlier: str, later: str, superseded: bool
) -> None:
    runs = [await shop.start(earlier), await shop.start(later)]
    process = shop.process()
    await shop.finished(*runs)
    await stop(process)
    first, last = [await shop.run(run) for run in runs]
    assert (first["superseded_by"] == runs[1]) is superseded
    assert first["members"] == (0 if superseded else MEMBERS)
    assert last["members"] == MEMBERS


async def test_events_are_handled_while_a_run_stands_still(shop: Shop) -> None:
    run = await shop.start()
    early, late = shop.members[4], shop.members[-1]
    async with shop.pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM accounts WHERE member_id = $1 FOR UPDATE", early)
        process = shop.process()
        moved = PointsAdjusted(late, ids.new_id(), 1, 1, "test")
        async with shop.pool.acquire() as other, other.transaction():
            await Ranking(Rulebook()).points_moved(Batch(other), [new_event("/test", moved)])
        assert await shop.pool.fetchval("SELECT code FROM ranks WHERE member_id = $1", late)
        assert (await shop.run(run))["members"] == 0
    await shop.finished(run)
    await stop(process)


async def test_a_run_over_members_who_stay_writes_nothing(shop: Shop) -> None:
    process = shop.process()
    await shop.finished(await shop.start())
    before = await shop.pool.fetch("SELECT member_id, xmin::text FROM ranks ORDER BY 1")
    await shop.finished(await shop.start("nightly"))
    await stop(process)
    assert await shop.pool.fetch("SELECT member_id, xmin::text FROM ranks ORDER BY 1") == before
    assert len(await shop.told()) == MEMBERS


async def test_whoever_left_is_not_ranked(shop: Shop) -> None:
    left = "UPDATE members SET status = 'left', left_at = joined_at WHERE id = $1"
    await shop.pool.execute(left, shop.members[0])
    process = shop.process()
    await shop.publish(BRONZE, SILVER, GOLD)
    await shop.finished(await shop.start())
    await stop(process)
    assert len(await shop.told()) == MEMBERS - 1
