"""Processes share what the month has left, through the database; LINE's figures correct it."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from services.notify.quota import exchange, reader
from services.notify.quota.admission import UNKNOWN, QuotaAdmission
from services.notify.quota.line_figures import Figures
from services.notify.quota.plan import Amount, Plan, Policy
from services.notify.store import quota as store
from shared import clock, ids
from shared.db import open_pool

IN_APRIL = datetime(2025, 4, 10, 3, tzinfo=UTC)
TURN = datetime(2025, 4, 30, 15, tzinfo=UTC)


def at(moment):
    clock.set_offset(moment - datetime.now(UTC))


class Line:
    """What LINE says: its limit, and what it counts."""

    def __init__(self, limit=None):
        self.limit, self.used = limit, 0

    async def ask(self):
        return Figures(self.limit, self.used)


class House:
    """Processes on one database."""

    def __init__(self, pool):
        self.pool = pool
        self.line = Line()

    async def process(self):
        admission = QuotaAdmission(ids.new_id())
        await admission.look(self.pool)
        return admission

    async def put(self, **plan):
        async with self.pool.acquire() as connection, connection.transaction():
            await store.put_plan(connection, Plan(**plan), clock.now(), "test")

    async def read(self):
        at(clock.now() + reader.READ_EVERY)
        await reader.look(self.pool, self.line)

    async def push(self, admission, count, category="receipt", priority=1, tries=40):
        """Push one by one, as long as it is allowed or may be in a moment; how many went, and the
        verdict on the last."""
        verdict = None
        for went in range(count):
            for _ in range(tries):
                verdict = admission.admit(category, priority, 1, clock.now())
                if verdict.reason != UNKNOWN:
                    break
                await admission.look(self.pool)
            if verdict.action != "send":
                return went, verdict
            self.line.used += 1
            admission.sent(category, "kind", None, 1, clock.now())
        return count, verdict


@pytest.fixture
async def house(notify):
    at(IN_APRIL)
    pool = await open_pool(notify.settings.database_url.get_secret_value(), schema="notify")
    yield House(pool)
    await pool.close()


async def test_without_a_limit_everything_goes_and_is_counted(house):
    one = await house.process()
    assert (await house.push(one, 300))[0] == 300
    await one.close(house.pool)
    assert await house.pool.fetchval("SELECT sum(messages) FROM quota_sent") == 300
    assert await house.pool.fetchval("SELECT count(*) FROM quota_slices") == 0


async def test_two_use_all_of_one_budget_and_no_more(house):
    await house.put(budgets={"receipt": Amount(messages=100)})
    one, two = await house.process(), await house.process()
    went = await asyncio.gather(house.push(one, 80), house.push(two, 80))
    if (total := sum(each for each, _ in went)) < 100:  # one saw the end while the other had some
        await asyncio.gather(one.look(house.pool), two.look(house.pool))
        total += (await house.push(one, 100))[0] + (await house.push(two, 100))[0]
    assert total == 100
    verdict = one.admit("receipt", 1, 1, clock.now())
    assert (verdict.action, verdict.until) == ("hold", TURN)
    assert (await house.push(two, 5, "account", 0))[0] == 5, "others are not bounded"


async def test_the_last_of_the_quota_is_kept_for_the_more_important(house):
    house.line.limit = 10
    await house.put(reserve=Amount(percent=30), reserve_for=0)
    one = await house.process()
    await house.read()
    went, verdict = await house.push(one, 10)
    assert (went, verdict.action) == (7, "hold")
    assert "more important" in verdict.reason
    went, verdict = await house.push(one, 10, "account", 0)
    assert (went, verdict.reason) == (3, "the month's quota of LINE messages is used up")


async def test_only_the_most_important_go_beyond_their_budget(house):
    await house.put(
        budgets={"rank": Amount(messages=0), "campaign": Amount(messages=0)},
        when_used_up={
            "rank": Policy("important_only", up_to_priority=2),
            "campaign": Policy("drop"),
        },
    )
    one = await house.process()
    assert (await house.push(one, 3, "rank", 2))[0] == 3
    assert one.admit("rank", 3, 1, clock.now()).action == "hold"
    assert one.admit("campaign", 3, 500, clock.now()).action == "drop"


async def test_what_line_counts_beyond_our_own_is_used_too(house):
    house.line.limit = 10
    one = await house.process()
    await house.read()
    assert (await house.push(one, 4))[0] == 4
    house.line.used += 5
    await one.look(house.pool)
    await house.read()
    assert (await house.push(one, 4))[0] == 1
    month = await house.pool.fetchrow("SELECT * FROM quota_months")
    assert (month["line_used"], month["line_own"]) == (9, 4)


async def test_a_refusal_is_known_to_all_and_ends_with_the_month(house):
    one, two = await house.process(), await house.process()
    one.refused_by_quota(clock.now())
    assert one.admit("account", 0, 1, clock.now()).until == TURN
    await one.look(house.pool)
    await two.look(house.pool)
    assert two.admit("account", 0, 1, clock.now()).until == TURN
    at(TURN)
    assert two.admit("account", 0, 1, clock.now()).reason == UNKNOWN
    assert (await house.push(two, 1))[0] == 1


async def test_a_crashed_process_keeps_its_slice_until_line_has_been_asked(house):
    house.line.limit = 100
    lost = await house.process()
    await house.read()
    await lost.look(house.pool)
    for _ in range(2):
        assert (await house.push(lost, 20))[0] == 20
        await lost.look(house.pool)
    reported = await house.pool.fetchval("SELECT sum(messages) FROM quota_sent")
    held = await house.pool.fetchval("SELECT (held->>'receipt')::int FROM quota_slices")
    unreported, _ = await house.push(lost, 10)
    assert (reported, unreported) == (40, 10)
    assert held >= 10
    other = await house.process()
    went, verdict = await house.push(other, 100)
    assert went <= 60 - held
    assert verdict.reason == UNKNOWN, "what the other has may come back"
    at(clock.now() + exchange.LIFE + timedelta(minutes=1))
    await other.look(house.pool)
    await house.read()
    await other.look(house.pool)
    went += (await house.push(other, 100))[0]
    assert went == 50
    assert house.line.used == 100


async def test_a_report_that_was_written_counts_once_though_it_seemed_lost(house):
    one = await house.process()
    await house.push(one, 5)

    class Lossy:
        """A pool whose commit is not heard of."""

        def acquire(self):
            return self

        async def __aenter__(self):
            self.inner = house.pool.acquire()
            return await self.inner.__aenter__()

        async def __aexit__(self, *problem):
            await self.inner.__aexit__(*problem)
            raise ConnectionResetError

    await one.look(Lossy())
    await house.push(one, 2)
    await one.look(house.pool)
    await one.look(house.pool)
    assert await house.pool.fetchval("SELECT sum(messages) FROM quota_sent") == 7
