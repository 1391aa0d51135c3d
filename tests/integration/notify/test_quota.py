"""The month's quota as a budget, in whole processes: held, dropped, released at the turn of the
month, refused by LINE, crashed. What processes do to each other stands in `test_quota_sharing`."""

from datetime import UTC, datetime, timedelta

import pytest

from services.notify.quota import admission, exchange, reader, releasing
from services.notify.quota.plan import Amount, Plan, Policy
from services.notify.quota.slices import FLIGHT
from services.notify.store import quota as store
from shared import clock

IN_APRIL = datetime(2025, 4, 10, 3, tzinfo=UTC)
TURN = datetime(2025, 4, 30, 15, tzinfo=UTC)
"""May begins in Japan."""


@pytest.fixture(autouse=True)
def eager(monkeypatch):
    """Processes look often, so that tests need not wait; the rules stay."""
    monkeypatch.setattr(admission, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(admission, "REPORT_SECONDS", 0.02)
    monkeypatch.setattr(admission, "GAP_SECONDS", 0.01)
    monkeypatch.setattr(admission, "SOON", timedelta(milliseconds=20))
    monkeypatch.setattr(admission, "LONGEST_WAIT", timedelta(milliseconds=200))
    monkeypatch.setattr(reader, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(releasing, "SETTLED", timedelta(seconds=0.3))
    at(IN_APRIL)


def at(moment):
    """Move the clock to `moment`."""
    clock.set_offset(moment - datetime.now(UTC))


def purchases(kit, count, first=0):
    return [kit.earned(f"U{first + number:032x}") for number in range(count)]


class Shop:
    """A running worker, and what tests ask of it."""

    def __init__(self, worker, kit):
        self.pool = worker.pool
        self.kit = kit

    async def put(self, **plan):
        """Put a plan in force, and wait until the process knows it."""
        async with self.pool.acquire() as connection, connection.transaction():
            await store.put_plan(connection, Plan(**plan), clock.now(), "test")
        begun = await self.pool.fetchval("SELECT max(number) FROM quota_slices")

        async def looked():
            return await self.pool.fetchval("SELECT max(number) FROM quota_slices") > begun + 1

        await self.kit.until(looked)

    async def become(self, **expected):
        """Wait for so many of each status, while nobody waits to know how much is left."""
        found = None

        async def settled():
            nonlocal found
            rows = await self.pool.fetch(
                """SELECT CASE WHEN reason = $1 THEN 'soon' ELSE status END, count(*)
                FROM deliveries GROUP BY 1""",
                admission.UNKNOWN,
            )
            found = dict(rows)
            return found == expected

        try:
            await self.kit.until(settled)
        except AssertionError:
            assert found == expected

    async def reading(self):
        """Wait until LINE's figures are known."""
        ask = "SELECT read_at IS NOT NULL FROM quota_months"
        await self.kit.until(lambda: self.pool.fetchval(ask))


async def test_a_budget_holds_until_the_month_turns_though_nobody_is_up_then(notify, line, kit):
    async with notify.running() as worker:
        shop = Shop(worker, kit)
        await shop.put(budgets={"receipt": Amount(messages=5)})
        await worker.tell(*purchases(kit, 12))
        await shop.become(delivered=5, held=7)
        row = await worker.pool.fetchrow("SELECT * FROM deliveries WHERE status = 'held' LIMIT 1")
        assert row["due_at"] == TURN
        assert row["reason"] == "the month's budget for receipt is used up"
        await worker.tell(kit.joined(kit.other))
        await shop.become(delivered=6, held=7)
    at(TURN + timedelta(hours=9))
    async with notify.running() as worker:
        shop = Shop(worker, kit)
        await shop.become(delivered=11, held=2)
        at(datetime(2025, 5, 31, 15, tzinfo=UTC))
        await shop.become(delivered=13)
        months = "SELECT extract(month FROM day)::int, sum(messages) FROM quota_sent GROUP BY 1"

        async def counted():
            return dict(await worker.pool.fetch(months)) == {4: 6, 5: 5, 6: 2}

        await kit.until(counted)
    assert line.pushed == len({key for _, key in line.calls}) == 13


async def test_lines_refusal_holds_until_a_larger_plan_is_seen(notify, line, kit):
    line.limit = 4
    async with notify.running() as worker:
        shop = Shop(worker, kit)
        await shop.reading()
        line.sent_elsewhere = 3  # by the account manager, since the reading
        await worker.tell(*purchases(kit, 3))
        await shop.become(delivered=1, held=2)
        await kit.until(lambda: worker.pool.fetchval("SELECT refused_at FROM quota_months"))
        calls = len(line.calls)
        line.script = ["rate"] * 2  # the other 429 is a matter of a moment
        await worker.tell(*purchases(kit, 3, first=10))
        await shop.become(delivered=1, held=5)
        assert len(line.calls) == calls, "LINE is not asked again and again"
        line.limit = 8
        at(clock.now() + reader.READ_EVERY)
        await shop.become(delivered=3, soon=2, held=1)
        at(clock.now() + FLIGHT)  # nobody will report on the two refused calls any more
        await shop.become(delivered=5, held=1)
    assert line.pushed == 5


async def test_dropped_is_over_and_a_plan_that_grew_lets_the_held_go(notify, line, kit):
    async with notify.running() as worker:
        shop = Shop(worker, kit)
        drop = {"receipt": Policy("drop")}
        await shop.put(budgets={"receipt": Amount(messages=2)}, when_used_up=drop)
        await worker.tell(*purchases(kit, 5))
        await shop.become(delivered=2, dropped=3)
        await shop.put(budgets={"receipt": Amount(messages=3)})
        await worker.tell(*purchases(kit, 5, first=10))
        await shop.become(delivered=3, dropped=3, held=4)
        await shop.put(budgets={"receipt": Amount(messages=6)})
        async with worker.pool.acquire() as connection, connection.transaction():
            assert await releasing.release_all(connection, clock.now()) == 4
        await shop.become(delivered=6, dropped=3, held=1)
    assert line.pushed == 6


async def test_a_crash_sends_no_more_than_the_quota_and_leaves_all_of_it_usable(notify, line, kit):
    line.limit = 30
    async with notify.running() as worker:
        await Shop(worker, kit).reading()
        line.always = "hang"
        await worker.tell(*purchases(kit, 10))
        await kit.until(lambda: line.waiting == 10)
        await worker.crash()
    line.always = None
    line.released.set()
    at(clock.now() + exchange.LIFE + timedelta(minutes=5))
    async with notify.running() as worker:
        await worker.tell(*purchases(kit, 40, first=100))
        shop = Shop(worker, kit)
        await shop.become(delivered=20, held=30)  # the ten are in LINE's figure and in our count
        at(clock.now() + reader.READ_EVERY)
        await shop.become(delivered=30, held=20)
    assert line.pushed == 30
    assert len(line.calls) == 40, "the ten were asked about again, and nothing was refused"
